/* outbox/attempt.c - one reply handed to its channel, and what became of it.
 *
 *   due row ─► marked in the spool ─► attachments to files ─► sender ─► sent | again later | failed
 *
 * Attachments lie in the row; they go through the blob store, whose thread writes the files, so
 * that the loop never waits for a disk. The folder of an attempt is made for it alone and removed
 * after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "blob/blob.h"
#include "outbox/outbox_priv.h"

enum {
    PAUSE_FIRST_MS = 10000,
    PAUSE_MAX_MS = 3600000,
    RETRY_AFTER_MAX_MS = 6 * 3600000,
    MARK_MS = 10000, /* a row marked by a daemon that died is due again then */
    JSON_MAX = 64 << 20,
    FOLDER_MAX = 256,
};

struct attempt {
    struct held held;
    struct arena arena;
    struct touchpoint *tp;
    struct str id, source, reply_to, contact, conversation;
    uint32_t number;
    int64_t queued_ms;
    char folder[FOLDER_MAX]; /* of attachments; empty: none was made */
    size_t blob;             /* the one that is being written */
    struct buf json;         /* the outbound touchpoint as the channel gets it */
};

int64_t attempt_pause_ms(uint32_t attempts) {
    uint32_t doublings = attempts > 1 ? attempts - 1 : 0;
    int64_t ms = doublings < 10 ? (int64_t)PAUSE_FIRST_MS << doublings : PAUSE_MAX_MS;
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* ---- files ---- */

static struct str file_path(struct attempt *a, size_t i) {
    return arena_strf(&a->arena, "%s/%zu", a->folder, i);
}

static void files_remove(struct attempt *a) {
    if (!a->folder[0])
        return; /* none was made, or they are gone */
    for (size_t i = 0; i < a->tp->blobs_n; i++)
        unlink(file_path(a, i).p);
    rmdir(a->folder);
    a->folder[0] = '\0';
}

static void on_closing(struct held *h) {
    files_remove(container_of(h, struct attempt, held));
}

static void attempt_free(struct attempt *a) {
    link_remove(&a->held.link);
    if (a->tp)
        files_remove(a);
    touchpoint_free(a->tp);
    buf_clear(&a->json);
    arena_clear(&a->arena);
    free(a);
}

/* ---- the end ---- */

static struct str recipient_of(const struct attempt *a) {
    const json_t *to = json_array_get(json_object_get(a->tp->json, "to"), 0);
    struct str email = jget_str(to, "email");
    return email.n ? email : jget_str(to, "phone");
}

static void tell_state(struct attempt *a, const char *state, const struct tl_sent_result *r,
                       int64_t now) {
    struct outbox *o = a->held.o;
    struct delivery_news news = {.id = a->id,
                                 .source = a->source,
                                 .message_id = a->tp->message_id,
                                 .provider_id = r->provider_id,
                                 .recipient = recipient_of(a),
                                 .state = state,
                                 .code = r->code,
                                 .status = r->status,
                                 .diagnostic = r->diagnostic,
                                 .hard = r->state == TL_SENT_NEVER,
                                 .at_ms = now};
    state_tell(o, &news);
    spool_note_step(o->spool, a->id, now, state, r->diagnostic);
}

static void end_sent(struct attempt *a, const struct tl_sent_result *r, int64_t now) {
    struct outbox *o = a->held.o;
    spool_note_outbox(o->spool, a->id, OUTBOX_SENT, a->number, 0, r->provider_id, STR_NONE);
    spool_note_alias(o->spool, r->provider_id, a->id);
    metric_observe_us(METRIC_OUTBOX_LATENCY, (now - a->queued_ms) * 1000);
    tell_state(a, "sent", r, now);
    log_info("outbox.sent", "id=%s attempts=%u", log_value(a->id), a->number);
}

static void end_failed(struct attempt *a, const struct tl_sent_result *r, int64_t now) {
    struct outbox *o = a->held.o;
    spool_note_outbox(o->spool, a->id, OUTBOX_FAILED, a->number, 0, r->provider_id, r->diagnostic);
    tell_state(a, "failed", r, now);
    log_warn("outbox.failed", "id=%s attempts=%u code=%s", log_value(a->id), a->number,
             log_value(r->code));
}

static void end_later(struct attempt *a, const struct tl_sent_result *r, int64_t now,
                      struct known *k) {
    struct outbox *o = a->held.o;
    int64_t pause = attempt_pause_ms(a->number), asked = r->retry_after_ms;
    if (asked > RETRY_AFTER_MAX_MS)
        asked = RETRY_AFTER_MAX_MS;
    k->next_ms = now + (asked > pause ? asked : pause);
    spool_note_outbox(o->spool, a->id, OUTBOX_QUEUED, a->number, k->next_ms, STR_NONE,
                      r->diagnostic);
    spool_note_step(o->spool, a->id, now, "retry", r->diagnostic);
    log_info("outbox.retry", "id=%s attempts=%u reason=%s", log_value(a->id), a->number,
             log_value(r->diagnostic));
}

/* A way that fails again and again is left alone for a while by all its replies. */
static void way_judge(struct way *w, enum tl_sent state, int64_t now) {
    w->active--;
    if (state != TL_SENT_RETRY)
        w->failures = 0;
    else if (++w->failures >= TRIP_AT)
        w->open_until_ms = now + TRIP_MS;
}

static void attempt_end(struct attempt *a, const struct tl_sent_result *r) {
    struct outbox *o = a->held.o;
    struct known *k = known_of(o, a->id);
    int64_t now = clock_wall_ms();
    bool given_up = r->state == TL_SENT_RETRY && now - a->queued_ms > GIVE_UP_MS;
    way_judge(way_of(o, a->source), r->state, now);
    k->active = false;
    k->since_ms = clock_mono_ms();
    k->done = r->state != TL_SENT_RETRY || given_up;
    metric_add_label(METRIC_OUTBOX_ATTEMPTS,
                     r->state == TL_SENT ? "sent"
                     : k->done           ? "never"
                                         : "retry",
                     1);
    if (r->state == TL_SENT)
        end_sent(a, r, now);
    else if (k->done)
        end_failed(a, r, now);
    else
        end_later(a, r, now, k);
    attempt_free(a);
    outbox_pump(o);
}

static void end_with(struct attempt *a, enum tl_sent state, const char *why) {
    struct tl_sent_result r = {.size = sizeof r, .state = state, .diagnostic = str_c(why)};
    attempt_end(a, &r);
}

/* ---- the way ---- */

static void on_sent(void *arg, const struct tl_sent_result *result) {
    struct attempt *a = arg;
    if (a->held.o)
        attempt_end(a, result);
    else
        attempt_free(a);
}

/* The stored form, its attachments with the files that hold them. */
static bool write_outbound(struct attempt *a) {
    json_t *attachments = json_object_get(a->tp->json, "attachments"), *v;
    size_t i;
    json_array_foreach(attachments, i, v) {
        struct str sha = jget_str(v, "sha256");
        for (size_t b = 0; b < a->tp->blobs_n; b++)
            if (str_is(sha, a->tp->blobs[b].sha256))
                json_object_set_new(v, "path", jstr(file_path(a, b)));
    }
    buf_init(&a->json, JSON_MAX);
    return touchpoint_write(a->tp, a->contact, a->conversation, &a->json);
}

static void hand_over(struct attempt *a) {
    struct outbox *o = a->held.o;
    if (!write_outbound(a)) {
        end_with(a, TL_SENT_NEVER, "the reply is too large");
        return;
    }
    struct tl_outbound what = {.size = sizeof what,
                               .id = a->id,
                               .source = a->source,
                               .touchpoint = buf_str(&a->json),
                               .reply_to = a->reply_to,
                               .attempt = a->number};
    o->sender.send(o->sender.ctx, &what, on_sent, a);
}

static void next_file(struct attempt *a);

static void on_exported(void *arg, bool ok) {
    struct attempt *a = arg;
    if (!a->held.o) {
        attempt_free(a);
    } else if (!ok) {
        end_with(a, TL_SENT_RETRY, "an attachment could not be written");
    } else {
        a->blob++;
        next_file(a);
    }
}

static void on_put(void *arg, bool ok) {
    struct attempt *a = arg;
    if (!a->held.o || !ok) {
        on_exported(a, false);
        return;
    }
    blob_export(a->held.o->blobs, a->id, str_c(a->tp->blobs[a->blob].sha256), file_path(a, a->blob),
                on_exported, a);
}

static void next_file(struct attempt *a) {
    if (a->blob == a->tp->blobs_n) {
        hand_over(a);
        return;
    }
    struct touchpoint_blob *b = &a->tp->blobs[a->blob];
    blob_put(a->held.o->blobs, a->id, str_c(b->sha256), buf_str(&b->bytes), on_put, a);
}

static bool folder_make(struct attempt *a) {
    const char *root = getenv("TMPDIR");
    int n =
        snprintf(a->folder, sizeof a->folder, "%s/touchline-XXXXXX", root && *root ? root : "/tmp");
    if (n > 0 && (size_t)n < sizeof a->folder && mkdtemp(a->folder))
        return true;
    a->folder[0] = '\0';
    return false;
}

static struct attempt *attempt_new(struct outbox *o, const struct outbox_row *row) {
    struct attempt *a = NEW(struct attempt);
    cleanup(json_freep) json_t *head = NULL;
    struct fault f;
    hold(o, &a->held);
    a->held.closing = on_closing;
    arena_init(&a->arena);
    buf_init(&a->json, JSON_MAX);
    a->id = arena_str(&a->arena, row->id);
    a->source = arena_str(&a->arena, row->source);
    a->reply_to = row->reply_to.n ? arena_str(&a->arena, row->reply_to) : STR_NONE;
    a->number = row->attempts + 1;
    a->queued_ms = row->queued_ms;
    if (touchpoint_load(row->head, &a->tp, &f) && jread_parse(row->head, JSON_MAX, &head, &f)) {
        a->contact = arena_str(&a->arena, jget_str(head, "_contact"));
        a->conversation = arena_str(&a->arena, jget_str(head, "_conversation"));
        return a;
    }
    log_error("outbox.unreadable", "id=%s reason=%s", log_value(row->id), log_fault(&f));
    attempt_free(a);
    return NULL;
}

void attempt_begin(struct outbox *o, const struct outbox_row *row) {
    struct known *k = known_of(o, row->id);
    struct attempt *a = attempt_new(o, row);
    int64_t now = clock_wall_ms();
    k->since_ms = clock_mono_ms();
    if (!a) {
        k->done = true;
        spool_note_outbox(o->spool, row->id, OUTBOX_FAILED, row->attempts, 0, STR_NONE,
                          str_c("cannot be read"));
        return;
    }
    k->active = true;
    k->queued_ms = row->queued_ms;
    way_of(o, row->source)->active++;
    spool_note_outbox(o->spool, a->id, OUTBOX_QUEUED, a->number, now + MARK_MS, STR_NONE, STR_NONE);
    if (a->tp->blobs_n && !folder_make(a))
        end_with(a, TL_SENT_RETRY, "no folder for attachments could be made");
    else
        next_file(a);
}
