/* touchpoint/call.c - the members `call` and `delivery`: known ones with their types, in order. */
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "touchpoint/touchpoint_priv.h"

enum { CALL_TEXT_MAX = 1000, DIAGNOSTIC_MAX = 2000 };

static const char *const dispositions[] = {"answered", "abandoned", "no-answer", "busy",
                                           "rejected", "failed",    "voicemail"};

enum member_type { MEMBER_TEXT, MEMBER_TIME, MEMBER_NUMBER, MEMBER_ANY };
static const struct {
    const char *name;
    enum member_type type;
} call_members[] = {
    {"call_id", MEMBER_TEXT},     {"caller", MEMBER_TEXT},   {"callee", MEMBER_TEXT},
    {"disposition", MEMBER_TEXT}, {"start", MEMBER_TIME},    {"answer", MEMBER_TIME},
    {"end", MEMBER_TIME},         {"ring_s", MEMBER_NUMBER}, {"talk_s", MEMBER_NUMBER},
    {"sip_code", MEMBER_NUMBER},  {"queue", MEMBER_TEXT},    {"agent", MEMBER_TEXT},
    {"recording", MEMBER_TEXT},   {"legs", MEMBER_ANY},
};

static json_t *text_member(struct reading *r, const json_t *in, const char *name) {
    return jstr(reading_str(r, in, "/call", name, CALL_TEXT_MAX, TEXT_LINE));
}

static json_t *time_member(struct reading *r, const json_t *in, const char *name) {
    struct str s = reading_str(r, in, "/call", name, 64, 0);
    char text[DATE_RFC3339_MAX];
    int64_t ms;
    if (!s.p)
        return json_null();
    if (!date_parse(s, &ms)) {
        if (r->strict)
            reading_fault(r, "/call", name, "must be a time by RFC 3339");
        return json_null();
    }
    date_format(ms, text);
    return json_string(text);
}

static json_t *call_member(struct reading *r, const json_t *in, size_t i) {
    const char *name = call_members[i].name;
    json_t *v = json_object_get(in, name);
    if (!v || json_is_null(v))
        return json_null();
    switch (call_members[i].type) {
    case MEMBER_TEXT:
        return text_member(r, in, name);
    case MEMBER_TIME:
        return time_member(r, in, name);
    case MEMBER_NUMBER:
        if (json_is_number(v))
            return json_incref(v);
        reading_fault(r, "/call", name, "must be a number");
        return json_null();
    case MEMBER_ANY:
        return json_incref(v);
    }
    return json_null();
}

json_t *call_read(struct reading *r, const json_t *in) {
    if (!in || json_is_null(in))
        return NULL;
    if (!json_is_object(in)) {
        reading_fault(r, "", "call", "must be an object");
        return NULL;
    }
    json_t *out = json_object();
    for (size_t i = 0; i < COUNT(call_members); i++)
        json_object_set_new(out, call_members[i].name, call_member(r, in, i));
    struct str disposition = jget_str(out, "disposition");
    bool known = !disposition.p;
    for (size_t i = 0; i < COUNT(dispositions) && !known; i++)
        known = str_is(disposition, dispositions[i]);
    if (!known)
        reading_fault(
            r, "/call", "disposition",
            "must be one of: answered abandoned no-answer busy rejected failed voicemail");
    return out;
}

int delivery_rank(struct str state) {
    static const struct {
        const char *name;
        int rank;
    } states[] = {{"queued", 1}, {"sent", 2}, {"delivered", 3}, {"read", 4}, {"failed", 4}};
    for (size_t i = 0; i < COUNT(states); i++)
        if (str_is(state, states[i].name))
            return states[i].rank;
    return 0;
}

json_t *delivery_read(const json_t *in, const char *at, struct fault *f) {
    static const char *const texts[] = {"status", "code", "recipient", "diagnostic", "reason"};
    bool hard;
    if (!json_is_object(in)) {
        fault_set(f, FAULT_INPUT, at, "must be an object with a state");
        return NULL;
    }
    if (!delivery_rank(jget_str(in, "state"))) {
        char place[POINTER_MAX];
        snprintf(place, sizeof place, "%s/state", at);
        fault_set(f, FAULT_INPUT, place, "must be one of: queued sent delivered read failed");
        return NULL;
    }
    if (!jread_bool(in, "hard", at, false, &hard, f))
        return NULL;
    cleanup(json_freep) json_t *out = json_object();
    json_object_set_new(out, "state", jstr(jget_str(in, "state")));
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct str s;
        if (!jread_str(in, texts[i], at, &s, f))
            return NULL;
        if (s.n || i < COUNT(texts) - 1) /* a reason only where one was found */
            json_object_set_new(out, texts[i], jstr(str_upto(s, DIAGNOSTIC_MAX)));
        if (i == 1)
            json_object_set_new(out, "hard",
                                json_object_get(in, "hard") ? json_boolean(hard) : json_null());
    }
    return steal(&out);
}
