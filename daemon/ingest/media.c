/* ingest/media.c - attachments that a touchpoint only names: fetched by their channel, kept as
 * blobs, told as a record of their own.
 *
 *   unit_effects ─► row in the spool ─► fetch ─► blob ─► RECORD_MEDIA ─► attach.c
 *                        ▲                │
 *                        └── again later ─┘   10 s doubling to 1 h, given up after a day
 *
 * The bytes are durable before the record is written, and the record before the row counts as done:
 * whatever dies in between is done again, which changes nothing. A slow server holds up its own
 * source's attachments and nobody else's.
 */
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "blob/blob.h"
#include "ingest/ingest_priv.h"
#include "ingest/mask.h"

enum {
    ACTIVE_MAX = 8,
    SOURCE_MAX = 4, /* of them */
    ROWS_MAX = 64,
    LOOK_MS = 1000,
    LOOK_IDLE_MS = 5000,
    PAUSE_FIRST_MS = 10000,
    PAUSE_MAX_MS = 3600000,
    ASKED_MAX_MS = 6 * 3600000, /* what a platform may ask us to wait */
    FULL_MS = 5000,
    GIVE_UP_MS = 24 * 3600000,
    DEFAULT_BYTES = 25 << 20,
    HEAD_MAX = 16 << 10,
};

struct media {
    struct ingest *g; /* NULL: the room has closed; freed with the last answer */
    struct loop_timer *timer;
    struct link fetches;
    size_t active, calls;        /* calls: answers that are still to come */
    bool asking, again, waiting; /* waiting: rows are there */
};

/* One row under way. */
struct fetch {
    struct link link;
    struct media *m;
    struct arena arena;
    struct media_row row;
    struct touchpoint_fetched what; /* of the answer, while its bytes are written */
};

static void pump(struct media *m);

/* ---- wanted ---- */

static struct str key_of(struct arena *a, struct str id, struct str word) {
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    sha256(word, digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_strf(a, "%.*s:%.16s", STR_ARG(id), hex);
}

bool media_wanted(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    struct id_text id = id_write('p', tp->id);
    const json_t *one;
    size_t i;
    bool any = false;
    json_array_foreach(json_object_get(tp->json, "attachments"), i, one) {
        struct str word = jget_str(one, "fetch");
        if (!word.n)
            continue;
        const struct media_row row = {
            .key = key_of(&u->arena, str_c(id.c), word),
            .id = str_c(id.c),
            .source = tp->source,
            .channel = tp->channel,
            .word = word,
            .revision = tp->revision,
            .received_ms = tp->received_ms,
        };
        if (!spool_note_media(u->g->parts.spool, &row))
            return false;
        any = true;
    }
    if (any)
        pump(u->g->media);
    return true;
}

/* ---- the end of one ---- */

static void media_free(struct media *m) {
    if (!m->g && !m->calls)
        free(m);
}

static void fetch_free(struct fetch *f) {
    struct media *m = f->m;
    link_remove(&f->link);
    arena_clear(&f->arena);
    free(f);
    m->active--;
    media_free(m);
}

/* The answer of another room has come. false: this one has closed, f is gone. */
static bool call_back(struct fetch *f) {
    f->m->calls--;
    if (f->m->g)
        return true;
    fetch_free(f);
    return false;
}

static void end(struct fetch *f, bool done, uint32_t attempts, int64_t next_ms) {
    struct media *m = f->m;
    spool_note_media_state(m->g->parts.spool, f->row.key, done, attempts, next_ms, f->row.result);
    fetch_free(f);
    pump(m);
}

/* ---- telling ---- */

static void on_told(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                    struct str answer, const struct fault *fault) {
    struct fetch *f = arg;
    (void)r, (void)answer, (void)fault;
    *keep = false;
    if (!call_back(f))
        return;
    bool refused = verdict == SPOOL_REFUSED;
    end(f, !refused, f->row.attempts, clock_wall_ms() + FULL_MS);
}

static struct record *record_of(const struct fetch *f) {
    struct record *r = record_new(RECORD_MEDIA);
    uint8_t digest[SHA256_BYTES];
    r->id = record_keep(r, arena_strf(&r->arena, "media:%.*s", STR_ARG(f->row.key)));
    r->source = record_keep(r, f->row.source);
    r->source_id = r->id;
    r->revision = f->row.revision;
    r->received_ms = clock_wall_ms();
    r->head = record_keep(r, f->row.result);
    sha256(r->head, digest);
    memcpy(r->content, digest, sizeof r->content);
    return r;
}

static void tell(struct fetch *f) {
    struct fault fault;
    f->m->calls++;
    if (spool_push(f->m->g->parts.spool, record_of(f), on_told, f, &fault))
        return;
    f->m->calls--;
    end(f, false, f->row.attempts, clock_wall_ms() + FULL_MS);
}

/* What is known of it now, as the record's head. */
static void settle(struct fetch *f) {
    const struct touchpoint_fetched *t = &f->what;
    cleanup(buf_clear) struct buf json;
    struct jwrite w;
    buf_init(&json, HEAD_MAX);
    jwrite_init(&w, &json);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "id", f->row.id);
    jwrite_str(&w, "fetch", f->row.word);
    if (t->sha256.n) {
        jwrite_str(&w, "sha256", t->sha256);
        jwrite_int(&w, "size", t->size);
        jwrite_str(&w, "type", t->type);
        jwrite_str(&w, "name", t->name);
    } else {
        jwrite_str(&w, "failed", t->reason);
    }
    jwrite_close(&w, '}');
    metric_add_label(METRIC_MEDIA, t->sha256.n ? "fetched" : "failed", 1);
    if (!t->sha256.n)
        log_warn("ingest.media_failed", "id=%s attempts=%u reason=%s", log_value(f->row.id),
                 f->row.attempts, log_value(t->reason));
    f->row.result = arena_str(&f->arena, buf_str(&json));
    tell(f);
}

static void give_up(struct fetch *f, struct str reason) {
    f->what.sha256 = STR_NONE;
    f->what.reason = arena_str(&f->arena, str_upto(reason, 300));
    settle(f);
}

/* ---- fetching ---- */

static int64_t pause_ms(uint32_t attempts) {
    uint32_t doublings = attempts > 1 ? attempts - 1 : 0;
    int64_t ms = doublings < 10 ? (int64_t)PAUSE_FIRST_MS << doublings : PAUSE_MAX_MS;
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

static void again(struct fetch *f, const char *reason, int64_t asked_ms) {
    int64_t now = clock_wall_ms(), pause = pause_ms(f->row.attempts);
    if (asked_ms > ASKED_MAX_MS)
        asked_ms = ASKED_MAX_MS;
    if (now - f->row.since_ms > GIVE_UP_MS) {
        give_up(f, arena_strf(&f->arena, "given up after a day: %s", reason));
        return;
    }
    metric_add_label(METRIC_MEDIA, "retry", 1);
    log_info("ingest.media_retry", "id=%s attempts=%u reason=%s", log_value(f->row.id),
             f->row.attempts, log_value(str_c(reason)));
    end(f, false, f->row.attempts, now + (asked_ms > pause ? asked_ms : pause));
}

static void on_blob(void *arg, bool ok) {
    struct fetch *f = arg;
    if (!call_back(f))
        return;
    if (ok)
        settle(f);
    else
        again(f, "the bytes could not be written", 0);
}

static void keep(struct fetch *f, const struct tl_attached *a) {
    struct ingest *g = f->m->g;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    int64_t until_ms;
    struct str bytes = a->bytes;
    cleanup(buf_clear) struct buf masked;
    buf_init(&masked, (size_t)DEFAULT_BYTES * 4);
    if (g->mask && mask_drops(g->mask, f->row.channel, f->row.source, a->type)) {
        give_up(f, str_c("attachments of its type are not kept"));
        return;
    }
    /* Where nothing is kept of a channel, its attachments are all the same: they are the message.
     */
    (void)!kept_until(g, f->row.channel, f->row.received_ms, &until_ms);
    if (g->mask && mask_attachment(g->mask, f->row.channel, f->row.source, a->type, bytes, &masked))
        bytes = buf_str(&masked);
    sha256(bytes, digest);
    hex_encode(digest, sizeof digest, hex);
    f->what = (struct touchpoint_fetched){.sha256 = arena_str(&f->arena, str_c(hex)),
                                          .size = (int64_t)bytes.n,
                                          .type = arena_str(&f->arena, str_upto(a->type, 200)),
                                          .name = arena_str(&f->arena, str_upto(a->name, 1000))};
    f->m->calls++;
    blob_put_until(g->parts.blobs, f->row.id, f->what.sha256, bytes, until_ms, on_blob, f);
}

static void on_attached(void *arg, const struct tl_attached *a) {
    struct fetch *f = arg;
    if (!call_back(f))
        return;
    f->row.attempts++;
    switch (a->state) {
    case TL_SENT:
        keep(f, a);
        return;
    case TL_SENT_RETRY:
        again(f, a->reason, a->retry_after_ms);
        return;
    case TL_SENT_NEVER:
        break;
    }
    give_up(f, str_c(a->reason));
}

static void begin(struct media *m, const struct media_row *row) {
    const struct fetcher *fetcher = &m->g->parts.fetcher;
    int64_t max = m->g->parts.fetch_max_bytes;
    struct fetch *f = NEW(struct fetch);
    f->m = m;
    f->row = *row;
    arena_init(&f->arena);
    list_push(&m->fetches, &f->link);
    m->active++;
    struct str *views[] = {&f->row.key,     &f->row.id,   &f->row.source,
                           &f->row.channel, &f->row.word, &f->row.result};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&f->arena, *views[i]);
    if (f->row.result.n) { /* known, and only to be told (again) */
        tell(f);
        return;
    }
    if (!fetcher->fetch) {
        give_up(f, str_c("nobody here fetches"));
        return;
    }
    const struct tl_attach what = {
        .size = sizeof what,
        .source = f->row.source,
        .touchpoint = f->row.id,
        .fetch = f->row.word,
        .max_bytes = (uint32_t)(max > 0 && max < DEFAULT_BYTES ? max : DEFAULT_BYTES),
        .attempt = f->row.attempts + 1,
    };
    m->calls++;
    fetcher->fetch(fetcher->ctx, &what, on_attached, f);
}

/* ---- what is due ---- */

static bool may_begin(const struct media *m, const struct media_row *row, bool *out_known) {
    size_t same = 0;
    *out_known = false;
    list_each (l, &m->fetches) {
        const struct fetch *f = container_of(l, struct fetch, link);
        same += str_eq(f->row.source, row->source);
        *out_known |= str_eq(f->row.key, row->key);
    }
    return !*out_known && m->active < ACTIVE_MAX && same < SOURCE_MAX;
}

/* A row whose source is busy makes room in the next answer for those of others. */
static void put_off(struct media *m, const struct media_row *row) {
    spool_note_media_state(m->g->parts.spool, row->key, false, row->attempts,
                           clock_wall_ms() + LOOK_MS, STR_NONE);
}

static void on_rows(void *arg, const struct media_row *rows, size_t n) {
    struct media *m = arg;
    bool known;
    m->calls--;
    if (!m->g) {
        media_free(m);
        return;
    }
    m->asking = false;
    m->waiting = n > 0;
    for (size_t i = 0; i < n && !m->g->draining && m->active < ACTIVE_MAX; i++) {
        if (may_begin(m, &rows[i], &known))
            begin(m, &rows[i]);
        else if (!known)
            put_off(m, &rows[i]);
    }
    if (m->again) {
        m->again = false;
        pump(m);
    }
}

static void pump(struct media *m) {
    if (!m->g || m->g->draining || m->active >= ACTIVE_MAX)
        return;
    if (m->asking) {
        m->again = true;
        return;
    }
    m->asking = true;
    m->calls++;
    spool_ask_media(m->g->parts.spool, clock_wall_ms(), ROWS_MAX, on_rows, m);
}

static void on_timer(void *arg) {
    struct media *m = arg;
    pump(m);
    loop_timer_set(m->timer, m->waiting ? LOOK_MS : LOOK_IDLE_MS);
}

void media_open(struct ingest *g) {
    struct media *m = NEW(struct media);
    link_init(&m->fetches);
    m->g = g;
    m->timer = loop_timer_new(g->parts.loop, 0, on_timer, m);
    g->media = m;
}

void media_close(struct ingest *g) {
    struct media *m = g->media;
    loop_timer_free(m->timer);
    m->g = NULL;
    media_free(m);
}
