/* ingest/letter.c - see letter.h. */
#include "ingest/letter.h"

#include <stdio.h>

#include <touchline/kit/jread.h>

#include "ingest/subject.h"
#include "touchpoint/touchpoint.h"

enum { WINDOW_MS = 14 * 24 * 3600 * 1000, INDEX_MAX = 64 };

bool letter_is(const struct touchpoint *tp) {
    return str_is(tp->channel, "email") && str_starts(tp->source, (struct str)STR("email:")) &&
           str_is(tp->direction, "inbound");
}

static struct str first(const json_t *json, const char *key) {
    const json_t *v = json_array_get(json_object_get(json, key), 0);
    return message_id_bare(str_make(json_string_value(v), json_string_length(v)));
}

struct str letter_root(const struct touchpoint *tp) {
    struct str root = first(tp->json, "references");
    if (!root.n)
        root = first(tp->json, "in_reply_to");
    return root.n ? root : message_id_bare(tp->message_id);
}

struct str letter_subject_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]) {
    char scope[300 + SUBJECT_BASE_MAX];
    struct subject s;
    if (tp->auto_kind.n)
        return STR_NONE;
    subject_read(tp->subject, &s);
    if (!s.base.n)
        return STR_NONE;
    int n = snprintf(scope, sizeof scope, "%.*s\n%.*s", STR_ARG(str_upto(tp->source, 255)),
                     STR_ARG(s.base));
    return contact_open_field(tp->channel, str_make(scope, (size_t)n), out);
}

bool letter_goes_on(const struct touchpoint *tp, const struct conversation *v) {
    struct subject s;
    int64_t off = tp->at_ms > v->last_ms ? tp->at_ms - v->last_ms : v->last_ms - tp->at_ms;
    subject_read(tp->subject, &s);
    return !tp->auto_kind.n && s.depth && !s.forwarded && off <= WINDOW_MS;
}

struct str letter_index(const struct touchpoint *tp) {
    struct str index = jget_str(json_object_get(tp->json, "data"), "thread_index");
    return letter_is(tp) && index.n <= INDEX_MAX ? index : STR_NONE;
}
