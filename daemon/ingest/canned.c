/* ingest/canned.c - see canned.h. */
#include "ingest/canned.h"

#include <stddef.h>

enum { NAME_MAX_BYTES = 64 };

static const struct {
    const char *name;
    size_t at;
} placeholders[] = {
    {"contact.name", offsetof(struct canned_values, contact_name)},
    {"agent.name", offsetof(struct canned_values, agent_name)},
    {"conversation.subject", offsetof(struct canned_values, conversation_subject)},
};

/* What stands in braces at the beginning of s, letters and dots; absent: it is text. */
static struct str name_at(struct str s) {
    size_t n = 1;
    while (n < s.n && n <= NAME_MAX_BYTES &&
           ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_' || s.p[n] == '.'))
        n++;
    return s.n && s.p[0] == '{' && n < s.n && s.p[n] == '}' ? str_make(s.p + 1, n - 1) : STR_NONE;
}

static bool is_ours(struct str name) {
    return str_starts(name, str_c("contact.")) || str_starts(name, str_c("agent.")) ||
           str_starts(name, str_c("conversation."));
}

/* -1: none of that name. */
static int place_of(struct str name) {
    for (size_t i = 0; i < COUNT(placeholders); i++)
        if (str_is(name, placeholders[i].name))
            return (int)i;
    return -1;
}

bool canned_check(struct str text, const char *place, struct fault *f) {
    for (size_t i = 0; i < text.n; i++) {
        struct str name = name_at(str_from(text, i));
        if (name.p && is_ours(name) && place_of(name) < 0)
            return fault_set(f, FAULT_INPUT, place,
                             "an unknown placeholder; there are {contact.name}, {agent.name} and "
                             "{conversation.subject}");
    }
    return true;
}

bool canned_fill(struct str text, const struct canned_values *v, const char *place, struct buf *out,
                 struct fault *f) {
    size_t from = 0;
    bool ok = true;
    for (size_t i = 0; i < text.n; i++) {
        struct str name = name_at(str_from(text, i));
        int row = name.p ? place_of(name) : -1;
        if (row < 0)
            continue;
        const struct str *value = (const void *)((const char *)v + placeholders[row].at);
        if (!value->n)
            return fault_set(f, FAULT_INPUT, place, "{%s} has no value here",
                             placeholders[row].name);
        ok = ok && buf_add(out, str_make(text.p + from, i - from)) && buf_add(out, *value);
        i += name.n + 1;
        from = i + 1;
    }
    if (!ok || !buf_add(out, str_from(text, from)))
        return fault_set(f, FAULT_INPUT, place, "what came of it is too long");
    return true;
}
