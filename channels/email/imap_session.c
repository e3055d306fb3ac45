/* imap_session.c - tags, data and ends of commands over a stream of the host. */
#include "imap_session.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/own.h>

#include "email.h"
#include "imap_name.h"
#include "imap_value.h"

enum {
    SILENCE_MS = 60000,
    WATCH_MS = 5000,
    DATA_MAX = 1000000, /* responses without an end to the command: a flood */
    IN_MAX = 1024 * 1024,
    TAG_MAX = 20,
    WHY_MAX = 300,
};

struct imap_session {
    struct email *email;
    const struct imap_config *config;
    struct imap_session_events events;
    void *arg;
    struct tl_stream *stream; /* NULL: gone */
    struct tl_timer *watch;
    struct imap_reader reader;
    struct buf in; /* what came and was not read yet */
    struct imap_facts facts;
    /* the command under way; done NULL: none */
    char tag[TAG_MAX];
    imap_data_fn *data;
    imap_done_fn *done;
    void *command_arg;
    bool idling, wake, paused, dead;
    unsigned busy; /* calls of ours on the stack */
    uint32_t responses;
    int64_t heard_ms;
    char why[WHY_MAX]; /* failed by us; told in the next turn */
    struct tl_timer *failing;
};

static void session_free(struct imap_session *s) {
    s->email->host->timer_free(s->watch);
    s->email->host->timer_free(s->failing);
    imap_reader_clear(&s->reader);
    buf_clear(&s->in);
    free(s);
}

void imap_session_close(struct imap_session *s) {
    if (!s || s->dead)
        return;
    s->dead = true;
    if (s->stream)
        s->email->host->stream_close(steal(&s->stream));
    if (!s->busy)
        session_free(s);
}

/* The end of every call of ours that may have closed the session. */
static void leave(struct imap_session *s) {
    if (--s->busy == 0 && s->dead)
        session_free(s);
}

static void session_down(struct imap_session *s, bool denied, struct str why) {
    s->busy++;
    if (!s->dead) {
        s->dead = true;
        if (s->stream)
            s->email->host->stream_close(steal(&s->stream));
        s->events.down(s->arg, denied, why);
    }
    leave(s);
}

static void on_failing(void *arg) {
    struct imap_session *s = arg;
    session_down(s, false, str_c(s->why));
}

void imap_session_fail(struct imap_session *s, const char *why) {
    if (s->dead || s->failing)
        return;
    snprintf(s->why, sizeof s->why, "%s", why);
    s->paused = true;
    s->failing = s->email->host->timer(s->email->ch, 0, false, on_failing, s);
}

static void on_watch(void *arg) {
    struct imap_session *s = arg;
    bool owes = s->done && !(s->idling && !s->wake) && !s->paused;
    if (owes && s->email->host->mono_ms() - s->heard_ms > SILENCE_MS)
        imap_session_fail(s, "the server does not answer");
}

struct imap_facts *imap_session_facts(struct imap_session *s) {
    return &s->facts;
}

/* ---- Saying ---- */

static void say(struct imap_session *s, struct str line) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, line.n + 2);
    if (buf_add(&b, line) && buf_add_c(&b, "\r\n"))
        s->email->host->stream_write(s->stream, buf_str(&b));
    s->heard_ms = s->email->host->mono_ms();
}

static void tag_choose(struct imap_session *s) {
    uint8_t random[8];
    bytes_random(random, sizeof random);
    s->tag[0] = 'T';
    hex_encode(random, sizeof random, s->tag + 1);
}

void imap_session_command(struct imap_session *s, struct str line, imap_data_fn *data,
                          imap_done_fn *done, void *arg) {
    cleanup(buf_clear) struct buf b;
    assert(!s->done);
    if (s->dead || !s->stream)
        return;
    tag_choose(s);
    s->data = data;
    s->done = done;
    s->command_arg = arg;
    s->idling = s->wake = false;
    s->responses = 0;
    buf_init(&b, line.n + TAG_MAX + 2);
    if (buf_addf(&b, "%s ", s->tag) && buf_add(&b, line))
        say(s, buf_str(&b));
}

void imap_session_idle(struct imap_session *s, imap_done_fn *done, void *arg) {
    imap_session_command(s, str_c("IDLE"), NULL, done, arg);
    s->idling = true;
}

void imap_session_wake(struct imap_session *s) {
    if (s->dead || !s->idling || s->wake)
        return;
    s->wake = true;
    say(s, str_c("DONE"));
}

void imap_session_enter(struct imap_session *s, bool to_change, imap_done_fn *done, void *arg) {
    cleanup(buf_clear) struct buf b;
    struct imap_place place;
    buf_init(&b, 16384);
    s->facts.validity = s->facts.exists = s->facts.uid_next = 0;
    if (imap_url_read(s->config->url, &place) &&
        buf_add_c(&b, to_change ? "SELECT " : "EXAMINE ") && imap_folder_write(&b, place.folder))
        imap_session_command(s, buf_str(&b), NULL, done, arg);
    else
        imap_session_fail(s, "the folder's name cannot be written");
}

/* ---- Hearing ---- */

static void features_read(struct imap_session *s, struct str list) {
    static const struct {
        const char *name;
        enum imap_feature feature;
    } known[] = {{"IDLE", IMAP_HAS_IDLE}, {"MOVE", IMAP_HAS_MOVE}, {"UIDPLUS", IMAP_HAS_UIDPLUS}};
    s->facts.features = 0;
    while (list.n) {
        struct str word = str_trim(str_cut(&list, ' '));
        for (size_t i = 0; i < COUNT(known); i++)
            if (str_is_nocase(word, known[i].name))
                s->facts.features |= known[i].feature;
    }
}

static void code_read(struct imap_session *s, struct str code) {
    struct str rest = code, name = str_cut(&rest, ' ');
    const struct imap_value v = {.token = IMAP_ATOM, .bytes = str_trim(rest)};
    uint64_t n = 0;
    if (str_is_nocase(name, "CAPABILITY"))
        features_read(s, rest);
    else if (str_is_nocase(name, "READ-ONLY"))
        s->facts.read_only = true;
    else if (str_is_nocase(name, "READ-WRITE"))
        s->facts.read_only = false;
    else if (str_is_nocase(name, "UIDVALIDITY") && imap_value_number(&v, &n) && n <= UINT32_MAX) {
        if (s->facts.validity && s->facts.validity != n)
            imap_session_fail(s, "the mailbox was made anew");
        s->facts.validity = (uint32_t)n;
    } else if (str_is_nocase(name, "UIDNEXT") && imap_value_number(&v, &n) && n <= UINT32_MAX) {
        s->facts.uid_next = (uint32_t)n;
    }
}

static void alert(struct imap_session *s, struct str text) {
    char line[300];
    int n = snprintf(line, sizeof line, "server_says=\"");
    for (size_t i = 0; i < text.n && n < 250; i++) {
        unsigned char c = (unsigned char)text.p[i];
        line[n++] = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? (char)c : '?';
    }
    snprintf(line + n, sizeof line - (size_t)n, "\"");
    s->email->host->log(s->email->ch, TL_WARN, "email.imap.alert", line);
}

static void hear_untagged(struct imap_session *s, const struct imap_response *r) {
    if (str_is_nocase(r->word, "BYE")) {
        char why[WHY_MAX];
        snprintf(why, sizeof why, "the server says goodbye: %.*s", STR_ARG(str_upto(r->text, 200)));
        for (char *c = why; *c; c++)
            if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
                *c = '?';
        imap_session_fail(s, why);
    } else if (str_is_nocase(r->word, "EXISTS") && r->numbered) {
        bool more = r->number > s->facts.exists;
        s->facts.exists = r->number;
        s->facts.fresh |= more;
        if (more && s->idling)
            s->events.news(s->arg);
    } else if (str_is_nocase(r->word, "EXPUNGE") && s->facts.exists) {
        s->facts.exists--;
    } else if (str_is_nocase(r->word, "CAPABILITY")) {
        features_read(s, r->args);
    }
    if (str_is_nocase(r->code, "ALERT"))
        alert(s, r->text);
    else if (r->code.n)
        code_read(s, r->code);
    if (!s->dead && s->data)
        s->data(s->command_arg, &s->reader, r);
}

static void hear_end(struct imap_session *s, const struct imap_response *r) {
    imap_done_fn *done = s->done;
    s->done = NULL;
    s->data = NULL;
    s->idling = s->wake = false;
    if (str_is_nocase(r->code, "ALERT"))
        alert(s, r->text);
    else
        code_read(s, r->code);
    done(s->command_arg,
         str_is_nocase(r->word, "OK")   ? IMAP_OK
         : str_is_nocase(r->word, "NO") ? IMAP_NO
                                        : IMAP_REJECTED,
         r);
}

static void hear(struct imap_session *s) {
    struct imap_response r;
    imap_reader_response(&s->reader, &r);
    if (++s->responses > DATA_MAX)
        imap_session_fail(s, "a flood of responses");
    else if (r.kind == IMAP_UNTAGGED)
        hear_untagged(s, &r);
    else if (r.kind == IMAP_TAGGED && s->done && str_is(r.tag, s->tag))
        hear_end(s, &r);
}

/* What is left over while paused waits in `in`. */
static void pump(struct imap_session *s, struct str bytes) {
    s->busy++;
    while (!s->dead && !s->paused && bytes.n) {
        bytes = str_from(bytes, imap_reader_feed(&s->reader, bytes));
        if (s->reader.state == IMAP_READY)
            hear(s);
        else if (s->reader.state == IMAP_BROKEN)
            imap_session_fail(s, s->reader.why);
    }
    if (!s->dead && !s->failing && bytes.n && !buf_add(&s->in, bytes))
        imap_session_fail(s, "more came than was asked for");
    leave(s);
}

static void on_data(struct imap_session *s, struct str bytes) {
    s->heard_ms = s->email->host->mono_ms();
    if (s->paused || s->in.n) {
        if (!buf_add(&s->in, bytes))
            imap_session_fail(s, "more came than was asked for");
    } else {
        pump(s, bytes);
    }
}

void imap_session_pause(struct imap_session *s, bool paused) {
    if (s->dead || s->failing || s->paused == paused)
        return;
    s->paused = paused;
    s->email->host->stream_hold(s->stream, paused);
    s->heard_ms = s->email->host->mono_ms();
    if (paused || !s->in.n || s->busy)
        return;
    size_t n;
    cleanup(mem_freep) char *bytes = buf_steal(&s->in, &n);
    pump(s, str_make(bytes, n));
}

static void on_capability(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_session *s = arg;
    (void)result, (void)end;
    s->events.up(s->arg);
}

static void on_stream(void *arg, enum tl_stream_event event, struct str bytes) {
    struct imap_session *s = arg;
    switch (event) {
    case TL_STREAM_UP:
        imap_session_command(s, str_c("CAPABILITY"), NULL, on_capability, s);
        break;
    case TL_STREAM_DATA:
        on_data(s, bytes);
        break;
    case TL_STREAM_DOWN:
    case TL_STREAM_DENIED:
        s->stream = NULL; /* where we had found fault with it before, that is the reason */
        session_down(s, event == TL_STREAM_DENIED, s->failing ? str_c(s->why) : bytes);
        break;
    }
}

struct imap_session *imap_session_open(struct email *e, const struct imap_config *config,
                                       struct str bearer, size_t literal_max,
                                       const struct imap_session_events *events, void *arg) {
    struct imap_place place = {0};
    if (!imap_url_read(config->url, &place))
        return NULL;
    cleanup(buf_clear) struct buf url;
    buf_init(&url, 1024);
    if (!buf_add(&url, place.server) || !buf_add_byte(&url, '/'))
        return NULL;
    const struct tl_stream_open what = {
        .size = sizeof what,
        .url = buf_str(&url),
        .user = config->user,
        .password = bearer.n ? STR_NONE : config->password,
        .bearer = bearer.n ? bearer : STR_NONE,
        .ca = config->ca.n ? config->ca : STR_NONE,
        .tls_required = config->tls == IMAP_TLS_REQUIRED,
        .private_allowed = true,
    };
    struct imap_session *s = NEW(struct imap_session);
    s->email = e;
    s->config = config;
    s->events = *events;
    s->arg = arg;
    imap_reader_init(&s->reader, literal_max);
    buf_init(&s->in, IN_MAX);
    s->stream = e->host->stream(e->ch, &what, on_stream, s);
    if (!s->stream) {
        session_free(s);
        return NULL;
    }
    s->watch = e->host->timer(e->ch, WATCH_MS, true, on_watch, s);
    return s;
}
