/* ingest/action_conversation.c - what agents do to conversations: status, owner, internal notes. */
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "ingest/action_priv.h"
#include "store/read.h"

enum { RESOURCE_MAX = 64 << 20, NOTE_MAX = 64 << 10, OWNER_MAX = 64, NONCE = 16 };

/* ---- patch ---- */

static void patched(void *arg, const struct fault *fault, const struct change *c) {
    struct action *a = arg;
    if (action_stopped(a, fault, c))
        return;
    json_object_set_new(a->head, "rev", json_integer(c->rev));
    action_commit(a, RECORD_CONVERSATION, str_c(id_write('v', a->conversation).c));
}

static void patch_located(void *arg, const struct fault *fault, bool found, bool erased,
                          struct id part) {
    struct action *a = arg;
    if (fault) {
        action_fault(a, fault);
        return;
    }
    if (!found) {
        action_kind(a, erased ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    const json_t *owner = json_object_get(a->head, "owner");
    const struct conversation_change c = {
        .part = part,
        .conversation = a->conversation,
        .status = (int)jget_int(a->head, "status", -1),
        .owner = owner ? jget_str(a->head, "owner") : STR_NONE,
        .at_ms = a->at_ms,
        .if_rev = a->if_rev,
    };
    store_conversation_change(a->g->parts.store, &c, patched, a);
}

static int status_of(struct str s) {
    static const char *const names[] = {"open", "pending", "resolved"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(s, names[i]))
            return (int)i;
    return -1;
}

static bool patch_member(struct action *a, const char *key, const json_t *v) {
    struct str s = str_make(json_string_value(v), json_string_length(v));
    if (str_is(str_c(key), "status")) {
        int status = json_is_string(v) ? status_of(s) : -1;
        if (status < 0) {
            action_refuse(a, "/status", "must be open, pending or resolved");
            return false;
        }
        json_object_set_new(a->head, "status", json_integer(status));
    } else if (str_is(str_c(key), "owner")) {
        if (!json_is_null(v) && (!json_is_string(v) || !s.n || s.n > OWNER_MAX)) {
            action_refuse(a, "/owner", "must be an agent's id, or null");
            return false;
        }
        json_object_set_new(a->head, "owner", json_is_null(v) ? json_string("") : jstr(s));
    } else {
        action_refuse(a, "", "only status and owner can be written");
        return false;
    }
    return true;
}

void action_conversation_patch(struct action *a) {
    const char *key;
    json_t *v;
    if (!json_is_object(a->body)) {
        action_refuse(a, "", "must be an object");
        return;
    }
    json_object_set_new(a->head, "op", json_string("patch"));
    json_object_set_new(a->head, "conversation", json_string(id_write('v', a->conversation).c));
    json_object_foreach((json_t *)a->body, key, v) {
        if (!patch_member(a, key, v))
            return;
    }
    store_locate(a->g->parts.store, a->conversation, patch_located, a);
}

/* ---- note ---- */

static json_t *note_json(const struct action *a, const json_t *conversation) {
    return json_pack("{s:O,s:s,s:s,s:{s:o},s:O,s:{s:o}}", "channel",
                     json_object_get(conversation, "channel"), "kind", "note", "direction",
                     "outbound", "from", "name", jstr(a->by), "text",
                     json_object_get(a->body, "text"), "data", "agent", jstr(a->by));
}

static void note_conversation(void *arg, const struct answer *answer) {
    struct action *a = arg;
    cleanup(json_freep) json_t *conversation = NULL, *note = NULL;
    cleanup(fault_list_clear) struct fault_list faults;
    uint8_t nonce[NONCE];
    char nonce_text[2 * NONCE + 1];
    fault_list_init(&faults, 4);
    if (answer->kind != ANSWER_OK) {
        action_kind(a, answer->kind);
        return;
    }
    if (!jread_parse(answer->json, RESOURCE_MAX, &conversation, NULL) ||
        !id_read(jget_str(conversation, "contact"), 'c', &a->contact)) {
        action_kind(a, ANSWER_LATER);
        return;
    }
    bytes_random(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, nonce_text);
    const struct touchpoint_origin origin = {
        .source = arena_strf(&a->arena, "agent:%.*s", STR_ARG(a->by)),
        .source_id = str_c(nonce_text),
        .received_ms = a->at_ms,
        .region = a->g->parts.region,
    };
    note = note_json(a, conversation);
    if (note && touchpoint_read(a->g->parts.ids, note, &origin, &a->tp, &faults))
        action_commit(a, RECORD_TOUCHPOINT, str_c(id_write('p', a->tp->id).c));
    else
        action_fault(a, faults.n ? &faults.items[0] : NULL);
}

void action_note(struct action *a) {
    struct str text;
    struct fault f;
    if (!jread_str(a->body, "text", "", &text, &f)) {
        action_refuse(a, f.place, f.reason);
        return;
    }
    if (!str_trim(text).n || text.n > NOTE_MAX) {
        action_refuse(a, "/text", "must be 1 to 65536 bytes");
        return;
    }
    store_get_conversation(a->g->parts.store, str_c(id_write('v', a->conversation).c), 1, STR_NONE,
                           note_conversation, a);
}
