/* ingest/profile.c - see profile.h. */
#include "ingest/profile.h"

#include <stdio.h>
#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

enum {
    TEXT_MAX = 512,
    LANGUAGE_MAX = 35,
    TAGS_MAX = 100,
    MEMBERS_MAX = 200,
    AGENT_MAX = 64,
    ANY_MAX = 64 << 10
};

enum member_type {
    MEMBER_TEXT,
    MEMBER_LANGUAGE,
    MEMBER_TAGS,
    MEMBER_OBJECT,
    MEMBER_BOOL,
    MEMBER_KEY_ACCOUNT
};
static const struct {
    const char *name;
    enum member_type type;
    bool keeps_null; /* null says: nothing, whatever touchpoints tell */
} members[] = {
    {"name", MEMBER_TEXT, true},
    {"language", MEMBER_LANGUAGE, true},
    {"tags", MEMBER_TAGS, false},
    {"attributes", MEMBER_OBJECT, false},
    {"consent", MEMBER_OBJECT, false},
    {"no_contact", MEMBER_BOOL, false},
    {"key_account", MEMBER_KEY_ACCOUNT, false},
};

static bool refuse(struct fault *f, const char *name, const char *why) {
    char place[FAULT_PLACE_MAX];
    snprintf(place, sizeof place, "/%s", name);
    return fault_set(f, FAULT_INPUT, place, "%s", why);
}

static bool line_ok(const json_t *v, size_t max) {
    struct str s = str_make(json_string_value(v), json_string_length(v));
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return json_is_string(v) && s.n <= max;
}

static bool tags_ok(const json_t *v) {
    if (!json_is_array(v) || json_array_size(v) > TAGS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!line_ok(json_array_get(v, i), 100) || !json_string_length(json_array_get(v, i)))
            return false;
    return true;
}

static bool size_ok(const json_t *v) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, ANY_MAX);
    return jread_dump(&text, v);
}

/* {"manager": AGENT, "deputy": AGENT or null, "hard": bool}. Who is configured is not known here: a
 * manager who is not is waited for by nobody. */
static bool key_account_ok(const json_t *v, struct fault *f) {
    const json_t *manager = json_object_get(v, "manager"), *deputy = json_object_get(v, "deputy"),
                 *hard = json_object_get(v, "hard");
    if (!json_is_object(v) || json_object_size(v) > MEMBERS_MAX || !size_ok(v))
        return refuse(f, "key_account", "must be an object of at most 64 KiB");
    if (!line_ok(manager, AGENT_MAX) || !json_string_length(manager))
        return refuse(f, "key_account/manager", "must be the id of an agent");
    if (deputy && !json_is_null(deputy) && !line_ok(deputy, AGENT_MAX))
        return refuse(f, "key_account/deputy", "must be the id of an agent, or null");
    return !hard || json_is_boolean(hard) || refuse(f, "key_account/hard", "must be true or false");
}

static bool member_ok(enum member_type type, const char *name, const json_t *v, struct fault *f) {
    switch (type) {
    case MEMBER_TEXT:
        return line_ok(v, TEXT_MAX) || refuse(f, name, "must be one line of text");
    case MEMBER_LANGUAGE:
        return line_ok(v, LANGUAGE_MAX) || refuse(f, name, "must be a language tag, like \"de\"");
    case MEMBER_TAGS:
        return tags_ok(v) || refuse(f, name, "must be a list of at most 100 short texts");
    case MEMBER_OBJECT:
        return (json_is_object(v) && json_object_size(v) <= MEMBERS_MAX && size_ok(v)) ||
               refuse(f, name, "must be an object of at most 200 members and 64 KiB");
    case MEMBER_BOOL:
        return json_is_boolean(v) || refuse(f, name, "must be true or false");
    case MEMBER_KEY_ACCOUNT:
        return key_account_ok(v, f);
    }
    return false;
}

/* RFC 7396 2: objects into each other, null takes away, all else replaces. */
static json_t *merged(const json_t *target, const json_t *patch) {
    const char *key;
    json_t *v;
    if (!json_is_object(patch))
        return json_incref((json_t *)patch);
    json_t *out = json_is_object(target) ? json_copy((json_t *)target) : json_object();
    json_object_foreach((json_t *)patch, key, v) {
        if (json_is_null(v))
            json_object_del(out, key);
        else
            json_object_set_new(out, key, merged(json_object_get(target, key), v));
    }
    return out;
}

static int find(const char *name) {
    for (size_t i = 0; i < COUNT(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool is_beside(const char *name, const char *const *beside) {
    for (; beside && *beside; beside++)
        if (strcmp(*beside, name) == 0)
            return true;
    return false;
}

static bool patch_one(json_t *out, const char *name, const json_t *v, struct fault *f) {
    int at = find(name);
    if (at < 0)
        return refuse(f, utf8_valid(str_c(name)) && strlen(name) < 64 ? name : "",
                      "this member cannot be written");
    if (json_is_null(v)) {
        if (members[at].keeps_null)
            json_object_set_new(out, name, json_null());
        else
            json_object_del(out, name);
        return true;
    }
    json_t *now = merged(json_object_get(out, name), v);
    bool ok = member_ok(members[at].type, name, now, f);
    json_object_set_new(out, name, now);
    return ok;
}

json_t *profile_patch(const json_t *current, const json_t *patch, const char *const *beside,
                      struct fault *f) {
    const char *name;
    json_t *v;
    if (!json_is_object(patch)) {
        fault_set(f, FAULT_INPUT, "", "must be an object");
        return NULL;
    }
    json_t *out = json_is_object(current) ? json_copy((json_t *)current) : json_object();
    json_object_foreach((json_t *)patch, name, v) {
        if (!is_beside(name, beside) && !patch_one(out, name, v, f)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}
