/* touchpoint/json.c - a push or a channel's JSON to a touchpoint: every fault told, by its pointer.
 *
 * What judges at once (a push, a form) is strict; what was acknowledged before it was read (mail,
 * hooks, call logs) is mended where it can be, with a warning.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "touchpoint/touchpoint_priv.h"

enum {
    ID_MAX = 255,
    SUBJECT_MAX = 2000,
    TEXT_MAX = 4 << 20,
    LANGUAGE_MAX = 35, /* RFC 5646 4.4.1 */
    TAGS_MAX = 50,
    TAG_MAX = 100,
    REFERENCES_MAX = 100,
    REFERENCE_MAX = 998, /* RFC 5322 2.1.1 */
    PRIORITY_DEFAULT = 5,
    PRIORITY_MAX = 10,
    FUTURE_MAX_MS = 24 * 3600 * 1000,
};

static const char *const channels[] = {"email",  "call", "form",  "social", "chat", "sms",
                                       "letter", "fax",  "visit", "web",    "other"};
static const char *const kinds[] = {
    "message",    "comment", "mention",  "reaction", "call",    "missed_call", "voicemail",
    "submission", "visit",   "purchase", "rating",   "receipt", "note",        "other"};
static const char *const directions[] = {"inbound", "outbound"};
static const char *const autos[] = {"bounce",   "auto-reply", "list",
                                    "feedback", "receipt",    "notification"};

/* Members of the top level; those that only channels give are refused in a push. */
static const struct {
    const char *name;
    bool push;
} members[] = {
    {"id", true},          {"revision", true},   {"deleted", true},     {"channel", true},
    {"kind", true},        {"direction", true},  {"at", true},          {"from", true},
    {"to", true},          {"cc", true},         {"reply_to", true},    {"subject", true},
    {"text", true},        {"reply_text", true}, {"html", true},        {"language", true},
    {"thread", true},      {"message_id", true}, {"in_reply_to", true}, {"references", true},
    {"attachments", true}, {"tags", true},       {"priority", true},    {"data", true},
    {"auto", true},        {"call", true},       {"source_id", false},  {"delivery", false},
    {"warnings", false},   {"envelope", false},  {"echo", false},
};

static bool is_one_of(struct str s, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_is(s, list[i]))
            return true;
    return false;
}

static struct str choice(struct reading *r, const char *key, const char *const *list, size_t n,
                         struct str preset) {
    struct str s = reading_str(r, r->in, "", key, 64, 0);
    if (!s.p)
        return preset;
    if (is_one_of(s, list, n))
        return arena_str(&r->tp->arena, s);
    cleanup(buf_clear) struct buf known;
    buf_init(&known, 300);
    for (size_t i = 0; i < n; i++)
        if (!buf_addf(&known, "%s%s", i ? " " : "", list[i]))
            break;
    reading_fault(r, "", key, "must be one of: %s", buf_c(&known));
    return preset;
}

static void refuse_unknown(struct reading *r) {
    json_t *o = (json_t *)r->in, *v;
    const char *name;
    json_object_foreach(o, name, v) {
        bool known = false;
        for (size_t i = 0; i < COUNT(members) && !known; i++)
            known = strcmp(name, members[i].name) == 0 && (members[i].push || !r->origin->push);
        if (!known && utf8_valid(str_c(name)))
            reading_fault(r, "", strlen(name) > 64 ? "" : name, "this field is not known");
    }
}

/* ---- who and when ---- */

static void read_ids(struct reading *r) {
    struct touchpoint *tp = r->tp;
    const char *key = r->origin->push ? "id" : "source_id";
    struct str own =
        reading_str(r, r->in, "", key, r->strict ? ID_MAX : 2000, TEXT_LINE | TEXT_NOT_EMPTY);
    struct fault f;
    tp->own_id = own.p != NULL;
    tp->source = arena_str(&tp->arena, r->origin->source);
    tp->source_id = arena_str(&tp->arena, own.p ? own : r->origin->source_id);
    if (!jread_int(r->in, "revision", "", 0, &tp->revision, &f))
        fault_list_add(r->faults, &f);
    else if (tp->revision < 0)
        reading_fault(r, "", "revision", "must not be negative");
    if (!jread_bool(r->in, "deleted", "", false, &tp->deleted, &f))
        fault_list_add(r->faults, &f);
}

static void read_at(struct reading *r) {
    struct touchpoint *tp = r->tp;
    struct str at = reading_str(r, r->in, "", "at", 64, 0);
    tp->at_ms = tp->received_ms;
    if (!at.p)
        return;
    if (!date_parse(at, &tp->at_ms)) {
        tp->at_ms = tp->received_ms;
        if (r->strict)
            reading_fault(r, "", "at", "must be a time by RFC 3339, like 2026-11-23T08:00:00Z");
        else
            reading_warn(r, "at could not be read");
    } else if (tp->at_ms > tp->received_ms + FUTURE_MAX_MS) {
        tp->at_ms = tp->received_ms;
        tp->at_clamped = true;
        reading_warn(r, "at lay in the future: %.*s", STR_ARG(at));
    }
}

static void read_priority(struct reading *r) {
    struct fault f;
    int64_t *priority = &r->tp->priority;
    if (!jread_int(r->in, "priority", "", PRIORITY_DEFAULT, priority, &f)) {
        fault_list_add(r->faults, &f);
    } else if (*priority < 1 || *priority > PRIORITY_MAX) {
        reading_fault(r, "", "priority", "must be 1 to %d, higher first", PRIORITY_MAX);
    }
}

static struct str default_kind(struct str channel) {
    if (str_is(channel, "call"))
        return str_c("call");
    if (str_is(channel, "form"))
        return str_c("submission");
    return str_c(str_is(channel, "visit") ? "visit" : "message");
}

static void read_what(struct reading *r) {
    struct touchpoint *tp = r->tp;
    tp->channel = choice(r, "channel", channels, COUNT(channels), STR_NONE);
    if (!tp->channel.p &&
        (!json_object_get(r->in, "channel") || json_is_null(json_object_get(r->in, "channel"))))
        reading_fault(r, "", "channel", "is required");
    tp->kind = choice(r, "kind", kinds, COUNT(kinds), default_kind(tp->channel));
    tp->direction = choice(r, "direction", directions, COUNT(directions), str_c(directions[0]));
    tp->auto_kind = choice(r, "auto", autos, COUNT(autos), STR_NONE);
}

/* The person is who wrote; of an outbound one, who was written to, where that is an identity. */
static void read_people(struct reading *r, json_t **out_from, json_t **out_to) {
    struct touchpoint *tp = r->tp;
    bool outbound = str_is(tp->direction, "outbound");
    size_t told = r->faults->n;
    const json_t *from = json_object_get(r->in, "from");
    *out_to = persons_read(r, "to", outbound);
    if (json_is_object(from))
        *out_from = person_read(r, from, "/from", tp->identities_n == 0);
    else if (from && !json_is_null(from))
        reading_fault(r, "", "from", "must be an object");
    else if (r->strict && !tp->identities_n)
        reading_fault(r, "", "from", "is required");
    if (*out_from && r->strict && !tp->identities_n && r->faults->n == told)
        reading_fault(r, "", "from",
                      "names no e-mail address, telephone number, social or "
                      "external id; a name alone is not enough");
    identity_sort(tp->identities, tp->identities_n);
    if (*out_from && !outbound)
        json_object_set_new(*out_from, "verified",
                            json_boolean(tp->identities_n && tp->identities[0].verified));
}

/* ---- what it refers to ---- */

struct str message_id_bare(struct str id) {
    id = str_trim(id);
    if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
        id = str_trim(str_make(id.p + 1, id.n - 2));
    return id;
}

static void add_reference(struct touchpoint *tp, struct str text) {
    struct str bare = message_id_bare(text);
    if (!bare.n || str_eq(bare, message_id_bare(tp->message_id)))
        return;
    for (size_t i = 0; i < tp->references_n; i++)
        if (str_eq(tp->references[i], bare))
            return;
    tp->references[tp->references_n++] = arena_str(&tp->arena, bare);
}

static struct str item(const json_t *list, size_t i) {
    const json_t *v = json_array_get(list, i);
    return str_make(json_string_value(v), json_string_length(v));
}

/* References from the last to the first, then In-Reply-To: the nearest ancestor counts. */
void touchpoint_references(struct touchpoint *tp, const json_t *references,
                           const json_t *in_reply_to) {
    size_t n = json_array_size(references), m = json_array_size(in_reply_to);
    tp->references = arena_new(&tp->arena, (n + m + 1) * sizeof *tp->references);
    for (size_t i = n; i > 0; i--)
        add_reference(tp, item(references, i - 1));
    for (size_t i = 0; i < m; i++)
        add_reference(tp, item(in_reply_to, i));
}

/* ---- the whole ---- */

static void put(struct reading *r, const char *key, json_t *take_value) {
    json_object_set_new(r->tp->json, key, take_value ? take_value : json_null());
}

static void put_text(struct reading *r, const char *key, size_t max, int flags, struct str *out) {
    struct str s = reading_str(r, r->in, "", key, max, flags);
    put(r, key, jstr(s));
    if (out)
        *out = arena_str(&r->tp->arena, s);
}

static void put_time(struct reading *r, const char *key, int64_t ms) {
    char text[DATE_RFC3339_MAX];
    date_format(ms, text);
    put(r, key, json_string(text));
}

static void put_origin(struct reading *r) {
    struct touchpoint *tp = r->tp;
    put(r, "source", jstr(tp->source));
    put(r, "source_id", jstr(tp->source_id));
    put_time(r, "at", tp->at_ms);
    put_time(r, "received_at", tp->received_ms);
    put(r, "channel", jstr(tp->channel));
    put(r, "kind", jstr(tp->kind));
    put(r, "direction", jstr(tp->direction));
}

static void put_people(struct reading *r) {
    json_t *from = NULL, *to = NULL;
    read_people(r, &from, &to);
    put(r, "from", from);
    put(r, "to", to);
    put(r, "cc", persons_read(r, "cc", false));
    json_t *reply_to = persons_read(r, "reply_to", false);
    bool named = json_array_size(reply_to) > 0;
    put(r, "reply_to", named ? reply_to : json_null());
    if (!named)
        json_decref(reply_to);
}

static void put_content(struct reading *r) {
    struct touchpoint *tp = r->tp;
    put_text(r, "subject", SUBJECT_MAX, TEXT_LINE, &tp->subject);
    put_text(r, "text", TEXT_MAX, 0, &tp->text);
    put_text(r, "reply_text", TEXT_MAX, 0, NULL);
    put_text(r, "html", TEXT_MAX, 0, NULL);
    put_text(r, "language", LANGUAGE_MAX, TEXT_LINE, &tp->language);
    put_text(r, "thread", r->strict ? ID_MAX : 2000, TEXT_LINE | TEXT_NOT_EMPTY, &tp->thread);
    put(r, "attachments", attachments_read(r));
    put(r, "auto", jstr(tp->auto_kind));
    put(r, "call", call_read(r, json_object_get(r->in, "call")));
}

static void put_relations(struct reading *r) {
    struct touchpoint *tp = r->tp;
    put_text(r, "message_id", REFERENCE_MAX, TEXT_LINE, &tp->message_id);
    json_t *to = reading_strings(r, "in_reply_to", REFERENCES_MAX, REFERENCE_MAX, true);
    json_t *references = reading_strings(r, "references", REFERENCES_MAX, REFERENCE_MAX, false);
    touchpoint_references(tp, references, to);
    put(r, "in_reply_to", to);
    put(r, "references", references);
    const json_t *delivery = json_object_get(r->in, "delivery");
    struct fault f;
    if (!r->origin->push && delivery && !json_is_null(delivery)) {
        tp->delivery = delivery_read(delivery, "/delivery", &f);
        if (!tp->delivery)
            fault_list_add(r->faults, &f);
        tp->delivery_state = arena_str(&tp->arena, jget_str(tp->delivery, "state"));
    }
}

static void put_rest(struct reading *r) {
    struct touchpoint *tp = r->tp;
    const json_t *data = json_object_get(r->in, "data"),
                 *envelope = json_object_get(r->in, "envelope");
    put(r, "revision", json_integer(tp->revision));
    put(r, "deleted", json_boolean(tp->deleted));
    put(r, "tags", reading_strings(r, "tags", TAGS_MAX, TAG_MAX, true));
    put(r, "priority", json_integer(tp->priority));
    if (json_is_object(envelope))
        put(r, "envelope", json_incref((json_t *)envelope));
    if (!r->origin->push) {
        json_t *told = reading_strings(r, "warnings", TAGS_MAX, 1000, true);
        json_array_extend(r->warnings, told);
        json_decref(told);
    }
    put(r, "warnings", json_incref(r->warnings));
    bool no_data = !data || json_is_null(data);
    put(r, "data", no_data ? json_object() : json_incref((json_t *)data));
}

/* {"update": {"message_id","at","delivery"}}: news of an outbound one, no touchpoint of its own. */
static void read_update(struct reading *r, const json_t *update) {
    struct touchpoint *tp = r->tp;
    struct fault f;
    if (!json_is_object(update)) {
        reading_fault(r, "", "update", "must be an object");
        return;
    }
    struct str of =
        reading_str(r, update, "/update", "message_id", REFERENCE_MAX, TEXT_LINE | TEXT_NOT_EMPTY);
    struct str at = reading_str(r, update, "/update", "at", 64, 0);
    tp->update_of = arena_str(&tp->arena, message_id_bare(of));
    tp->at_ms = tp->received_ms;
    if (at.p && !date_parse(at, &tp->at_ms))
        tp->at_ms = tp->received_ms;
    if (!of.n)
        reading_fault(r, "/update", "message_id", "is required");
    tp->delivery = delivery_read(json_object_get(update, "delivery"), "/update/delivery", &f);
    if (!tp->delivery)
        fault_list_add(r->faults, &f);
    tp->delivery_state = arena_str(&tp->arena, jget_str(tp->delivery, "state"));
}

static void read_all(struct reading *r) {
    const json_t *update = json_object_get(r->in, "update");
    if (update && !r->origin->push) {
        r->tp->source = arena_str(&r->tp->arena, r->origin->source);
        read_update(r, update);
        return;
    }
    /* A form is judged while its sender waits. */
    r->strict = r->origin->push || str_is(jget_str(r->in, "channel"), "form");
    if (r->origin->push)
        refuse_unknown(r);
    read_ids(r);
    read_at(r);
    read_what(r);
    read_priority(r);
    put_origin(r);
    put_people(r);
    put_content(r);
    put_relations(r);
    put_rest(r);
    r->tp->echo = !r->origin->push && jget_bool(r->in, "echo", false) && r->tp->message_id.n &&
                  str_is(r->tp->direction, "outbound");
}

bool touchpoint_read(struct id_maker *ids, const json_t *json,
                     const struct touchpoint_origin *origin, struct touchpoint **out,
                     struct fault_list *faults) {
    cleanup(touchpoint_freep) struct touchpoint *tp = NEW(struct touchpoint);
    cleanup(json_freep) json_t *warnings = json_array();
    struct reading r = {
        .tp = tp, .in = json, .origin = origin, .faults = faults, .warnings = warnings};
    size_t before = faults->n + faults->dropped;
    arena_init(&tp->arena);
    tp->json = json_object();
    tp->received_ms = origin->received_ms;
    if (!json_is_object(json))
        return reading_fault(&r, "", NULL, "must be an object");
    /* The id comes first: attachments name it. */
    struct str own = jget_str(json, origin->push ? "id" : "source_id");
    tp->id = id_touchpoint(ids, origin->source, own.p ? own : origin->source_id);
    read_all(&r);
    content_hash(json, tp->content);
    if (faults->n + faults->dropped > before)
        return false;
    *out = steal(&tp);
    return true;
}

void touchpoint_free(struct touchpoint *tp) {
    if (!tp)
        return;
    for (size_t i = 0; i < tp->blobs_n; i++)
        buf_clear(&tp->blobs[i].bytes);
    free(tp->blobs);
    json_decref(tp->json);
    json_decref(tp->delivery);
    arena_clear(&tp->arena);
    free(tp);
}

void touchpoint_freep(struct touchpoint **tp) {
    touchpoint_free(*tp);
    *tp = NULL;
}
