/* store/conversation.c - one conversation with its touchpoints.
 *
 *   {p:…} ─► part ─► {c…}:v ─► whose the part is now ─► a page of its entries ─► JSON
 */
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "store/contact_priv.h"
#include "store/episode.h"
#include "store/page.h"
#include "store/read.h"

enum { CONVERSATION_JSON_MAX = 64 << 20 };

struct reading {
    struct store *s;
    struct id id, part, contact;
    struct str packed; /* owned */
    struct conversation v;
    struct arena arena; /* of e */
    struct episodes e;
    struct page_query q;
    bool cursor_bad;
    answer_fn *done;
    void *arg;
};

static void reading_free(struct reading *r) {
    free((char *)r->packed.p);
    arena_clear(&r->arena);
    free(r);
}

static void end(struct reading *r, enum answer_kind kind) {
    answer_kind(r->done, r->arg, kind);
    reading_free(r);
}

static void fail(struct reading *r, const struct fault *fault) {
    answer_fault(r->done, r->arg, fault);
    reading_free(r);
}

static void paged(void *arg, const struct page_result *page) {
    struct reading *r = arg;
    cleanup(buf_clear) struct buf json;
    buf_init(&json, CONVERSATION_JSON_MAX);
    if (!page->fault && conversation_json(&r->v, r->contact, &r->e, &json) &&
        buf_add_c(&json, ",\"touchpoints\":") && page_json(page, r->contact, &json) &&
        buf_add_byte(&json, '}')) {
        const struct answer a = {.kind = ANSWER_OK, .json = buf_str(&json), .rev = r->v.rev};
        r->done(r->arg, &a);
        reading_free(r);
    } else {
        fail(r, page->fault);
    }
}

static void touchpoints_ask(struct reading *r) {
    r->q.conversation = &r->id;
    r->q.from_ms = r->v.opened_ms;
    r->q.to_ms = r->v.last_ms;
    page_read(r->s, &r->part, 1, &r->q, paged, r);
}

static void visited(void *arg, const struct fault *fault, const struct episodes *e) {
    struct reading *r = arg;
    if (fault) {
        fail(r, fault);
        return;
    }
    episodes_copy(&r->e, e, &r->arena);
    touchpoints_ask(r);
}

static void owned(void *arg, const struct fault *fault, bool found, bool gone,
                  const struct look_contact *c) {
    struct reading *r = arg;
    if (fault) {
        fail(r, fault);
    } else if (!found) {
        end(r, gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
    } else {
        r->contact = c->id;
        if (c->parts_n) { /* what it is about may lie in any of them */
            store_episodes(r->s, c->id, visited, r);
            return;
        }
        episodes_add(&r->e, arena_str(&r->arena, c->visits), arena_str(&r->arena, c->marks));
        touchpoints_ask(r);
    }
}

static void unpacked(void *arg, const struct store_reply *reply, const struct fault *fault) {
    struct reading *r = arg;
    if (fault) {
        fail(r, fault);
        return;
    }
    if (reply->type != STORE_STR) {
        end(r, ANSWER_NOT_FOUND);
        return;
    }
    r->packed = str_make(mem_dup(reply->str.p, reply->str.n), reply->str.n);
    if (conversation_decode(r->id, r->packed, &r->v))
        store_look_contact(r->s, r->part, STR_NONE, STR_NONE, owned, r);
    else
        fail(r, NULL);
}

static void located(void *arg, const struct fault *fault, bool found, bool erased, struct id part) {
    struct reading *r = arg;
    struct part_keys k;
    if (fault) {
        fail(r, fault);
        return;
    }
    if (r->cursor_bad) {
        const struct answer a = {.kind = ANSWER_REFUSED,
                                 .code = "cursor",
                                 .pointer = "",
                                 .detail = "the cursor is none that a list gave"};
        r->done(r->arg, &a);
        reading_free(r);
        return;
    }
    if (!found) {
        end(r, erased ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    r->part = part;
    part_keys(part, &k);
    const struct str argv[] = {str_c("HGET"), k.v, id_bytes(&r->id)};
    store_command(r->s, argv, 3, 1, unpacked, r);
}

void store_get_conversation(struct store *s, struct str id, size_t limit, struct str cursor,
                            answer_fn *done, void *arg) {
    struct reading *r = NEW(struct reading);
    *r = (struct reading){.s = s, .done = done, .arg = arg};
    arena_init(&r->arena);
    episodes_init(&r->e, &r->arena);
    r->q.limit = limit;
    if (cursor.n) {
        r->q.has_cursor = page_cursor_read(cursor, &r->q.cursor_ms, &r->q.cursor_id);
        r->cursor_bad = !r->q.has_cursor;
    }
    if (!id_read(id, 'v', &r->id))
        r->id = (struct id){{0}};
    store_locate(s, r->id, located, r);
}
