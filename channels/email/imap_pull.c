/* imap_pull.c - FETCH by batches. */
#include "imap_pull.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

#include "imap_value.h"

enum {
    SIZES_MAX = 200,
    BATCH_MAX = 32,
    BATCH_BYTES = 4 * 1024 * 1024,
    SET_BYTES = 8000,
    FIRST_PART = 65536,
};

struct wanted {
    uint32_t uid;
    int64_t size, arrived_ms; /* -1: not told */
};

struct imap_pull {
    struct imap_session *session;
    struct imap_pull_options options;
    struct imap_pull_events events;
    void *arg;
    struct wanted *items;
    size_t n;
    size_t at;    /* the next to be told */
    size_t sized; /* up to here the sizes were asked for */
    size_t batch_end;
    bool alone;                                  /* the command under way asks for one mail */
    bool careful;                                /* from now on one by one */
    enum { NOT_OUT, OUT_AMID, OUT_BETWEEN } out; /* the taker has a mail; amid a command */
    struct buf bytes;                            /* of a mail that has to be put together */
};

struct imap_pull *imap_pull_new(struct imap_session *s, const uint32_t *uids, size_t n,
                                const struct imap_pull_options *o,
                                const struct imap_pull_events *events, void *arg) {
    struct imap_pull *p = NEW(struct imap_pull);
    p->session = s;
    p->options = *o;
    p->events = *events;
    p->arg = arg;
    p->careful = o->careful;
    p->items = mem_new((n + 1) * sizeof *p->items);
    for (p->n = 0; p->n < n; p->n++)
        p->items[p->n] = (struct wanted){.uid = uids[p->n], .size = -1, .arrived_ms = -1};
    buf_init(&p->bytes, o->max_bytes + FIRST_PART);
    return p;
}

void imap_pull_free(struct imap_pull *p) {
    if (!p)
        return;
    buf_clear(&p->bytes);
    free(p->items);
    free(p);
}

uint32_t imap_pull_suspect(const struct imap_pull *p) {
    return p->out == NOT_OUT && p->at < p->sized ? p->items[p->at].uid : 0;
}

static void tell(struct imap_pull *p, struct imap_mail m, bool amid) {
    const struct wanted *w = &p->items[p->at];
    m.uid = w->uid;
    if (m.arrived_ms <= 0)
        m.arrived_ms = w->arrived_ms;
    p->out = amid ? OUT_AMID : OUT_BETWEEN;
    imap_session_pause(p->session, true);
    p->events.mail(p->arg, &m);
}

/* ---- sizes ---- */

static struct wanted *find(struct imap_pull *p, uint32_t uid, size_t end) {
    size_t low = p->at, high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && p->items[low].uid == uid ? &p->items[low] : NULL;
}

static void on_size(void *arg, const struct imap_reader *r, const struct imap_response *data) {
    struct imap_pull *p = arg;
    struct imap_fetch f;
    if (!str_is_nocase(data->word, "FETCH") || !imap_fetch_read(r, data->args, &f))
        return;
    struct wanted *w = find(p, f.uid, p->sized);
    if (w && f.size >= 0) {
        w->size = f.size;
        w->arrived_ms = f.arrived_ms;
    }
}

static void step(struct imap_pull *p);

static void on_sizes(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_pull *p = arg;
    if (result != IMAP_OK)
        p->events.end(p->arg, false, end->text);
    else
        step(p);
}

static void fetch(struct imap_pull *p, size_t n, const char *what, imap_data_fn *data,
                  imap_done_fn *done) {
    uint32_t uids[SIZES_MAX];
    cleanup(buf_clear) struct buf line;
    for (size_t i = 0; i < n; i++)
        uids[i] = p->items[p->at + i].uid;
    buf_init(&line, SET_BYTES + 256);
    bool ok = buf_add_c(&line, "UID FETCH ") && imap_uids_write(uids, n, &line, SET_BYTES) == n &&
              buf_add_byte(&line, ' ') && buf_add_c(&line, what);
    if (ok)
        imap_session_command(p->session, buf_str(&line), data, done, p);
    else
        imap_session_fail(p->session, "a command became too long");
}

/* ---- bodies ---- */

/* One response becomes a mail: whole, or its header and what follows. */
static bool mail_of(struct imap_pull *p, const struct imap_fetch *f, struct imap_mail *out) {
    *out = (struct imap_mail){.state = IMAP_MAIL_HERE, .arrived_ms = f->arrived_ms};
    buf_reset(&p->bytes);
    if (f->body.token != IMAP_END) {
        out->cut = f->body.cut;
        out->bytes = f->body.bytes;
        if (f->body.token == IMAP_STRING && !f->body.quoted)
            return true;
        out->bytes = imap_value_add(&p->bytes, &f->body) ? buf_str(&p->bytes) : str_c("");
        return true;
    }
    if (f->header.token == IMAP_END)
        return false;
    out->cut = true;
    if (imap_value_add(&p->bytes, &f->header))
        (void)!imap_value_add(&p->bytes, &f->text);
    out->bytes = buf_str(&p->bytes);
    return true;
}

/* In a batch only the next one in turn is taken: the cursor must not step over any. */
static void on_body(void *arg, const struct imap_reader *r, const struct imap_response *data) {
    struct imap_pull *p = arg;
    struct imap_fetch f;
    struct imap_mail m;
    if (p->out || p->at >= p->batch_end || !str_is_nocase(data->word, "FETCH") ||
        !imap_fetch_read(r, data->args, &f) || f.uid != p->items[p->at].uid || !mail_of(p, &f, &m))
        return;
    tell(p, m, true);
}

/* RFC 5530: it may go better later. */
static bool only_now(struct str code) {
    static const char *const codes[] = {"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "EXPIRED"};
    for (size_t i = 0; i < COUNT(codes); i++)
        if (str_is_nocase(code, codes[i]))
            return true;
    return false;
}

/* What did not come in its turn is asked for alone. If it comes then, the server has an order of
 * its own and all are asked for alone; if not, it has gone. */
static void on_bodies(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_pull *p = arg;
    if (result != IMAP_OK && only_now(end->code)) {
        p->events.end(p->arg, false, end->text);
    } else if (p->at < p->batch_end && p->alone) {
        struct imap_mail m = {.state = result == IMAP_OK ? IMAP_MAIL_GONE : IMAP_MAIL_REFUSED,
                              .arrived_ms = -1,
                              .reason = end->text};
        p->careful = p->options.careful;
        tell(p, m, false);
    } else {
        p->careful |= p->at < p->batch_end;
        step(p);
    }
}

static size_t batch_size(const struct imap_pull *p) {
    int64_t bytes = 0;
    size_t n = 0;
    while (p->at + n < p->sized && n < BATCH_MAX) {
        const struct wanted *w = &p->items[p->at + n];
        bool alone = p->careful || w->size < 0 || w->size > (int64_t)p->options.max_bytes ||
                     w->uid == p->options.avoid;
        bytes += w->size;
        if (n && (alone || bytes > BATCH_BYTES))
            break;
        n++;
        if (alone)
            break;
    }
    return n;
}

static void fetch_bodies(struct imap_pull *p) {
    const struct wanted *w = &p->items[p->at];
    size_t n = batch_size(p);
    char parts[128];
    p->batch_end = p->at + n;
    p->alone = n == 1;
    if (w->uid == p->options.avoid) {
        tell(p,
             (struct imap_mail){.state = IMAP_MAIL_REFUSED,
                                .arrived_ms = -1,
                                .reason = STR("the connection broke each time it was asked for")},
             false);
    } else if (w->size > (int64_t)p->options.max_bytes) {
        snprintf(parts, sizeof parts, "(UID INTERNALDATE BODY.PEEK[HEADER] BODY.PEEK[TEXT]<0.%d>)",
                 FIRST_PART);
        fetch(p, n, parts, on_body, on_bodies);
    } else {
        fetch(p, n, "(UID INTERNALDATE BODY.PEEK[])", on_body, on_bodies);
    }
}

static void fetch_sizes(struct imap_pull *p) {
    size_t n = p->n - p->at < SIZES_MAX ? p->n - p->at : SIZES_MAX;
    p->sized = p->at + n;
    fetch(p, n, "(UID RFC822.SIZE INTERNALDATE)", on_size, on_sizes);
}

static void step(struct imap_pull *p) {
    if (p->at == p->n)
        p->events.end(p->arg, true, STR_NONE);
    else if (p->at == p->sized)
        fetch_sizes(p);
    else
        fetch_bodies(p);
}

/* The command that brought the mail may still be under way: then its end goes on. */
void imap_pull_next(struct imap_pull *p) {
    bool amid = p->out == OUT_AMID;
    if (p->out != NOT_OUT) {
        p->out = NOT_OUT;
        p->at++;
    }
    imap_session_pause(p->session, false);
    if (!amid)
        step(p);
}
