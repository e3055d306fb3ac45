/* imap_intake.c - what is new in a mailbox goes to the host, one mail after another. */
#include <stdio.h>

#include <touchline/kit/own.h>

#include "imap_box.h"
#include "mail_id.h"

enum {
    CHUNK = 100,
    BUSY_FIRST_MS = 500,
    BUSY_LAST_MS = 60000,
    SUSPECT_MAX = 3,
    REFUSED_MAX = 5,
    WANTED_MAX = IMAP_SCAN_MAX,
};

static void chunk_pull(struct imap_box *b);

void box_intake_clear(struct imap_box *b) {
    imap_scan_clear(&b->scan);
    imap_pull_free(steal(&b->pull));
    b->wanted.n = b->wanted_at = 0;
    b->again = false;
}

/* ---- one mail ---- */

static void submit(struct imap_box *b);

static void on_again(void *arg) {
    struct imap_box *b = arg;
    box_timer(b, 0, NULL);
    if (b->pull)
        submit(b);
}

static void mail_done(struct imap_box *b) {
    if (b->pull)
        imap_pull_next(b->pull);
}

static bool is_kept(enum tl_status status) {
    return status == TL_APPLIED || status == TL_KEPT || status == TL_DUPLICATE ||
           status == TL_MISMATCH;
}

/* Nothing was kept: the same mail again, while nothing more is read. */
static void submit_later(struct imap_box *b) {
    uint32_t ms = BUSY_FIRST_MS;
    for (unsigned i = 0; i < b->busy_times && ms < BUSY_LAST_MS; i++)
        ms *= 2;
    b->busy_times++;
    box_count(b, "imap_mails", "later");
    box_health(b, TL_DEGRADED, "mails cannot be kept now");
    if (b->pull)
        box_timer(b, ms, on_again);
}

static void on_outcome(void *arg, const struct tl_outcome *o) {
    static const char *const labels[] = {
        [TL_APPLIED] = "kept",       [TL_KEPT] = "kept",  [TL_DUPLICATE] = "known",
        [TL_MISMATCH] = "known",     [TL_BUSY] = "later", [TL_FAILED] = "later",
        [TL_REFUSED] = "quarantine",
    };
    struct imap_box *b = arg;
    uint32_t uid = b->mail.uid;
    bool here = b->mail.state == IMAP_MAIL_HERE, current = b->pull != NULL;
    if (b->closed) {
        box_submitted(b);
        return;
    }
    b->submitting = false;
    if (o->status == TL_BUSY || o->status == TL_FAILED) {
        submit_later(b);
        return;
    }
    b->busy_times = 0;
    box_count(b, "imap_mails", labels[o->status]);
    if (o->status == TL_REFUSED)
        b->email->host->log(b->email->ch, TL_ERROR, "email.imap.refused", "reason=not_taken");
    b->cursor = b->next;
    if (here && is_kept(o->status) && b->after != AFTER_NONE)
        (void)!imap_uids_add(&b->todo, uid, IMAP_SCAN_MAX);
    if (current)
        mail_done(b);
}

struct str box_meta(const struct imap_box *b, const struct imap_mail *m, struct buf *out) {
    buf_init(out, b->meta.n + 128);
    bool ok = buf_add(out, b->meta);
    if (m->arrived_ms > 0)
        ok = ok && buf_addf(out, ",\"arrived_ms\":%lld", (long long)m->arrived_ms);
    if (m->cut)
        ok = ok && buf_add_c(out, ",\"cut\":true");
    return ok && buf_add_byte(out, '}') ? buf_str(out) : str_c("{}");
}

static void submit(struct imap_box *b) {
    char id[SHA256_HEX + 1], place[40], cursor[IMAP_CURSOR_MAX];
    cleanup(buf_clear) struct buf meta;
    const struct imap_mail *m = &b->mail;
    bool here = m->state == IMAP_MAIL_HERE;
    b->next = imap_cursor_with(b->cursor, m->uid);
    if (b->after == AFTER_NONE)
        b->next.acted = b->next.last;
    snprintf(place, sizeof place, "%u/%010u", b->cursor.validity, m->uid);
    if (here)
        mail_id(m->bytes, id);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = b->source,
        .source_id = str_c(here ? id : place),
        .format = STR("mime"),
        .meta = box_meta(b, m, &meta),
        .body = here ? m->bytes : str_c("\r\n"),
        .cursor = b->cursor_name,
        .cursor_value = imap_cursor_write(&b->next, cursor),
        .flags = here ? 0 : TL_ENTRY_QUARANTINE,
        .reason = here ? STR_NONE : str_c("the mail server does not give this mail"),
        .place = str_c(place),
    };
    b->submitting = true;
    b->email->host->submit(b->email->ch, &entry, on_outcome, b);
}

/* Too many in a row is no matter of single mails. */
static bool refused_too_often(struct imap_box *b) {
    if (++b->refused_times <= REFUSED_MAX)
        return false;
    b->refused_times = 0;
    box_fail(b, "the server gives no mail any more");
    return true;
}

static void on_mail(void *arg, const struct imap_mail *m) {
    struct imap_box *b = arg;
    b->mail = *m;
    if (m->state == IMAP_MAIL_REFUSED && refused_too_often(b))
        return;
    if (m->state == IMAP_MAIL_HERE)
        b->refused_times = 0;
    if (m->state != IMAP_MAIL_GONE) {
        submit(b);
        return;
    }
    box_count(b, "imap_mails", "gone");
    b->cursor = imap_cursor_with(b->cursor, m->uid);
    mail_done(b);
}

/* ---- one window ---- */

static void on_scanned(void *arg, bool ok, const uint32_t *uids, size_t n, struct str reason);

static void chunk_next(struct imap_box *b) {
    if (b->wanted_at < b->wanted.n) {
        chunk_pull(b);
        return;
    }
    b->state = BOX_SCANNING;
    imap_scan_next(&b->scan);
}

static void on_pull_end(void *arg, bool ok, struct str reason) {
    struct imap_box *b = arg;
    char why[200];
    imap_pull_free(steal(&b->pull));
    if (ok) {
        box_act(b, chunk_next);
        return;
    }
    snprintf(why, sizeof why, "mails cannot be fetched: %.*s", STR_ARG(str_upto(reason, 120)));
    box_fail(b, why);
}

static void chunk_pull(struct imap_box *b) {
    static const struct imap_pull_events events = {.mail = on_mail, .end = on_pull_end};
    const struct imap_pull_options options = {
        .max_bytes = b->mail_max,
        .careful = b->suspect_times > 0 && imap_cursor_wants(&b->cursor, b->suspect),
        .avoid = b->suspect_times >= SUSPECT_MAX ? b->suspect : 0,
    };
    size_t left = b->wanted.n - b->wanted_at, n = left < CHUNK ? left : CHUNK;
    const uint32_t *uids = b->wanted.items + b->wanted_at;
    b->wanted_at += n;
    b->state = BOX_PULLING;
    b->pull = imap_pull_new(b->session, uids, n, &options, &events, b);
    imap_pull_next(b->pull);
}

static void caught_up(struct imap_box *b) {
    b->cursor.caught_ms = b->email->host->now_ms();
    b->floor_ms = 0;
    b->suspect = b->suspect_times = 0;
    imap_scan_clear(&b->scan);
    box_act(b, box_rest);
}

static void on_scanned(void *arg, bool ok, const uint32_t *uids, size_t n, struct str reason) {
    struct imap_box *b = arg;
    char why[200];
    if (!ok) {
        snprintf(why, sizeof why, "mails cannot be listed: %.*s", STR_ARG(str_upto(reason, 120)));
        box_fail(b, why);
        return;
    }
    b->wanted.n = b->wanted_at = 0;
    for (size_t i = 0; i < n; i++)
        if (imap_cursor_wants(&b->cursor, uids[i]))
            (void)!imap_uids_add(&b->wanted, uids[i], WANTED_MAX);
    if (n) {
        if (b->wanted.n)
            box_health(b, TL_OK, "reading");
        chunk_next(b);
    } else {
        caught_up(b);
    }
}

void box_look(struct imap_box *b) {
    int64_t since = b->cursor.born_ms > b->floor_ms ? b->cursor.born_ms : b->floor_ms;
    box_timer(b, 0, NULL);
    b->state = BOX_SCANNING;
    imap_session_facts(b->session)->fresh = false;
    imap_scan_clear(&b->scan);
    imap_scan_begin(&b->scan, b->session, imap_cursor_from(&b->cursor), since, on_scanned, b);
    imap_scan_next(&b->scan);
}
