/* ingest/action_canned.c - canned answers written and deleted: {r} decides by revision, the record
 * keeps the answer as it stands then. */
#include <touchline/kit/date.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "ingest/action_priv.h"
#include "ingest/canned.h"
#include "store/canned.h"

enum { NAME_MAX_BYTES = 200, TEXT_MAX_BYTES = 20000, WORD_MAX = 35, JSON_MAX = 256 * 1024 };

static void kept(void *arg, const struct answer *answer) {
    struct action *a = arg;
    if (answer->kind != ANSWER_OK) {
        action_end(a, answer);
        return;
    }
    json_object_set_new(a->head, "rev", json_integer(answer->rev));
    action_commit(a, RECORD_CANNED, str_c(id_write('a', a->contact).c));
}

static void put(struct action *a, enum canned_mode mode, struct str json) {
    json_object_set_new(a->head, "id", json_string(id_write('a', a->contact).c));
    store_canned_put(
        a->g->parts.store,
        &(struct canned){
            .id = jget_str(a->head, "id"), .json = json, .mode = mode, .if_rev = a->if_rev},
        kept, a);
}

/* A text, or null where it may be absent; false: refused. */
static bool member(struct action *a, json_t *out, const char *key, size_t max, bool needed) {
    struct str s;
    struct fault f = {0};
    if (!jread_str(a->body, key, "", &s, &f)) {
        action_fault(a, &f);
        return false;
    }
    if (s.n > max || (needed && !str_trim(s).n)) {
        action_refuse(a, arena_strf(&a->arena, "/%s", key).p,
                      arena_strf(&a->arena, "a text of 1 to %zu bytes is expected", max).p);
        return false;
    }
    json_object_set_new(out, key, s.n ? jstr(s) : json_null());
    return true;
}

static bool is_channel(struct str s) {
    static const char *const names[] = {"email",  "call", "form",  "social", "chat", "sms",
                                        "letter", "fax",  "visit", "web",    "other"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(s, names[i]))
            return true;
    return !s.n;
}

static void write_answer(struct action *a, enum canned_mode mode) {
    json_t *out = json_object();
    char at[DATE_RFC3339_MAX];
    struct buf text;
    struct fault f = {0};
    json_object_set_new(a->head, "answer", out);
    json_object_set_new(out, "id", json_string(id_write('a', a->contact).c));
    if (!member(a, out, "name", NAME_MAX_BYTES, true) ||
        !member(a, out, "language", WORD_MAX, false) ||
        !member(a, out, "channel", WORD_MAX, false) ||
        !member(a, out, "text", TEXT_MAX_BYTES, true))
        return;
    if (!is_channel(jget_str(out, "channel"))) {
        action_refuse(a, "/channel", "one of the channels, or null");
        return;
    }
    if (!canned_check(jget_str(out, "text"), "/text", &f)) {
        action_fault(a, &f);
        return;
    }
    date_format(a->at_ms, at);
    json_object_set_new(out, "updated_at", json_string(at));
    json_object_set_new(out, "updated_by", jstr(a->by));
    buf_init(&text, JSON_MAX);
    bool whole = jread_dump(&text, out);
    if (whole)
        put(a, mode, buf_str(&text));
    else
        action_refuse(a, "/text", "it is too long");
    buf_clear(&text);
}

void action_canned_create(struct action *a) {
    bytes_random(a->contact.b, sizeof a->contact.b);
    write_answer(a, CANNED_NEW);
}

void action_canned_put(struct action *a) {
    write_answer(a, CANNED_PUT);
}

void action_canned_drop(struct action *a) {
    put(a, CANNED_DROP, STR_NONE);
}
