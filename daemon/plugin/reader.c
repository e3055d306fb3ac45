/* plugin/reader.c - kept bytes to touchpoints by the channel's read, in here or in a child.
 *
 * The record's head is {"channel", "format", "meta"}; without a channel the source names it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/jread.h>

#include "base/loop.h"
#include "plugin/plugin_priv.h"
#include "spool/record.h"
#include "worker/worker.h"

enum { READ_DEADLINE_MS = 20000, HEAD_MAX = 1 << 20, ITEMS_MAX = 1 << 16, EMIT_MAX = 64 << 20 };

struct reading {
    struct pending pending;
    read_done_fn *done;
    void *arg;
    struct arena arena;
    struct read_item *items;
    size_t n, room;
    bool ok, again, too_much;
    char reason[FAULT_REASON_MAX];
};

static void reading_end(struct reading *take_r) {
    if (!take_r->pending.dead)
        take_r->done(take_r->arg, take_r->items, take_r->n, take_r->ok, take_r->again,
                     take_r->reason);
    free(take_r->items);
    arena_clear(&take_r->arena);
    pending_free(&take_r->pending);
}

static void tell(struct pending *p) {
    reading_end(container_of(p, struct reading, pending));
}

static void fail_soon(struct reading *r, bool again, const char *reason) {
    r->ok = false;
    r->again = again;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    pending_soon(&r->pending, tell);
}

static void add(struct reading *r, int type, struct str ref, struct str bytes) {
    if (r->n == ITEMS_MAX || r->arena.used_bytes + bytes.n + ref.n > EMIT_MAX) {
        r->too_much = true;
        return;
    }
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 8;
        r->items = mem_grow(r->items, r->room * sizeof *r->items);
    }
    r->items[r->n] = (struct read_item){.ref = ref, .bytes = bytes};
    r->items[r->n++].type = type;
}

/* ---- in a child ---- */

static void on_read(void *arg, const struct worker_answer *answer) {
    static const int types[] = {
        [WORKER_TOUCHPOINT] = READ_TOUCHPOINT, [WORKER_BLOB] = READ_BLOB, [WORKER_BAD] = READ_BAD};
    struct reading *r = arg;
    for (size_t i = 0; i < answer->n; i++) {
        const struct worker_item *item = &answer->items[i];
        if ((size_t)item->type < COUNT(types) && types[item->type])
            add(r, types[item->type], item->ref_or_reason, item->bytes);
    }
    r->ok = answer->ok && !r->too_much;
    r->again = answer->killed;
    snprintf(r->reason, sizeof r->reason, "%s",
             answer->reason ? answer->reason
             : r->too_much  ? "more was read than may be kept"
                            : "");
    reading_end(r);
}

/* ---- in here ---- */

static void emit(struct reading *r, int type, struct str ref, struct str bytes) {
    add(r, type, arena_str(&r->arena, ref), arena_str(&r->arena, bytes));
}

static void emit_touchpoint(void *ctx, struct str json) {
    emit(ctx, READ_TOUCHPOINT, STR_NONE, json);
}

static void emit_blob(void *ctx, struct str ref, struct str bytes) {
    emit(ctx, READ_BLOB, ref, bytes);
}

static void emit_bad(void *ctx, struct str piece, const char *reason) {
    emit(ctx, READ_BAD, str_c(reason ? reason : "cannot be read"), piece);
}

static void emit_answer(void *ctx, struct str json) {
    (void)ctx, (void)json;
}

static void read_here(struct reading *r, const struct tl_plugin *plugin, const struct tl_read *in) {
    const struct tl_emit out = {.size = sizeof out,
                                .ctx = r,
                                .touchpoint = emit_touchpoint,
                                .blob = emit_blob,
                                .bad = emit_bad,
                                .answer = emit_answer};
    r->ok = plugin->read(in, &out) && !r->too_much;
    if (!r->ok)
        snprintf(r->reason, sizeof r->reason, "%s",
                 r->too_much ? "more was read than may be kept" : "cannot be read");
    pending_soon(&r->pending, tell);
}

/* ---- the way in ---- */

/* meta as it stands in the head: an object, or the text of one. */
static struct str meta_of(struct arena *a, const json_t *head) {
    const json_t *meta = json_object_get(head, "meta");
    if (!json_is_object(meta))
        return jget_str(head, "meta");
    cleanup(buf_clear) struct buf text;
    buf_init(&text, HEAD_MAX);
    return jread_dump(&text, meta) ? arena_str(a, buf_str(&text)) : STR_NONE;
}

static void read_record(void *ctx, const struct record *record, read_done_fn *done, void *arg) {
    struct plugin_host *h = ctx;
    struct reading *r = pending_new(h, NULL, sizeof *r);
    cleanup(json_freep) json_t *head = NULL;
    struct fault f;
    r->done = done;
    r->arg = arg;
    arena_init(&r->arena);
    if (!jread_parse(record->head, HEAD_MAX, &head, &f)) {
        fail_soon(r, false, "the record's head cannot be read");
        return;
    }
    struct str name = jget_str(head, "channel");
    struct tl_channel *ch = name.n ? channel_find(h, name) : channel_of_source(h, record->source);
    if (!ch || !ch->plugin.read) {
        fail_soon(r, false, "no channel here reads this");
        return;
    }
    struct tl_read in = {.size = sizeof in,
                         .source = record->source,
                         .source_id = record->source_id,
                         .format = jget_str(head, "format"),
                         .meta = meta_of(&r->arena, head),
                         .body = record->body,
                         .received_ms = record->received_ms,
                         .region = h->parts.region};
    if (!(ch->plugin.flags & TL_PLUGIN_READ_IN_CHILD))
        read_here(r, &ch->plugin, &in);
    else if (!worker_read(h->parts.workers, str_c(ch->name), &in, READ_DEADLINE_MS, on_read, r, &f))
        fail_soon(r, true, f.reason);
}

struct reader plugin_host_reader(struct plugin_host *h) {
    return (struct reader){.ctx = h, .read = read_record};
}
