/* ingest/condition.c - does a condition hold: paths into facts, operators over the values found
 * there. Pure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "config/config.h"
#include "ingest/rules_priv.h"

enum { VALUES_MAX = 64, SUBJECT_MAX = 64 * 1024, MATCH_STEPS_MAX = 200000, MATCH_DEPTH_MAX = 2000 };

/* Every field a rule may name. A '*' at the end stands for any rest. */
static const char *const fields[] = {
    "source",
    "source_id",
    "channel",
    "kind",
    "direction",
    "subject",
    "text",
    "reply_text",
    "html",
    "language",
    "thread",
    "tags",
    "priority",
    "auto",
    "message_id",
    "warnings",
    "from.name",
    "from.email",
    "from.phone",
    "from.verified",
    "from.social.network",
    "from.social.id",
    "from.social.handle",
    "from.external.*",
    "to.name",
    "to.email",
    "to.phone",
    "to.address",
    "cc.name",
    "cc.email",
    "reply_to.email",
    "reply_to.name",
    "attachments.name",
    "attachments.type",
    "attachments.size",
    "call.disposition",
    "call.caller",
    "call.callee",
    "call.queue",
    "call.agent",
    "call.sip_code",
    "call.ring_s",
    "call.talk_s",
    "delivery.state",
    "delivery.status",
    "delivery.code",
    "delivery.hard",
    "delivery.recipient",
    "data.*",
    "contact.name",
    "contact.language",
    "contact.tags",
    "contact.attributes.*",
    "contact.consent.*",
    "contact.no_contact",
    "contact.key_account",
    "contact.counters.touchpoints",
    "contact.repeat",
    "conversation.status",
    "conversation.channel",
    "conversation.subject",
    "conversation.owner",
};

bool condition_field_known(struct str field, const char **out_near) {
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct str known = str_c(fields[i]);
        bool open = str_ends(known, (struct str)STR(".*"));
        if (open ? str_starts(field, str_upto(known, known.n - 1)) && field.n > known.n - 1
                 : str_eq(field, known))
            return true;
    }
    *out_near = config_nearest(field, fields, COUNT(fields));
    return false;
}

/* ---- values of a field ---- */

struct values {
    const json_t *items[VALUES_MAX];
    size_t n;
};

static void add_value(struct values *out, const json_t *v) {
    if (v && !json_is_null(v) && out->n < VALUES_MAX)
        out->items[out->n++] = v;
}

/* Lists on the way are gone through: "to.email" is every recipient's. */
static void collect(const json_t *at, struct str path, struct values *out) {
    const json_t *item;
    size_t i;
    if (json_is_array(at)) {
        json_array_foreach(at, i, item) collect(item, path, out);
        return;
    }
    if (!path.p || !path.n) {
        add_value(out, at);
        return;
    }
    if (!json_is_object(at))
        return;
    /* A name in `data` may hold dots itself. */
    const json_t *whole = json_object_getn(at, path.p, path.n);
    if (whole) {
        collect(whole, STR_NONE, out);
        return;
    }
    struct str rest = path, name = str_cut(&rest, '.');
    const json_t *next = rest.p ? json_object_getn(at, name.p, name.n) : NULL;
    if (next)
        collect(next, rest, out);
}

static void values_of(struct str field, const struct rule_facts *f, struct values *out) {
    const struct str contact = STR("contact."), conversation = STR("conversation.");
    out->n = 0;
    if (str_starts(field, contact))
        collect(f->contact, str_from(field, contact.n), out);
    else if (str_starts(field, conversation))
        collect(f->conversation, str_from(field, conversation.n), out);
    else
        collect(f->touchpoint, field, out);
}

/* ---- operators ---- */

static struct str text_of(const json_t *v, char small[32]) {
    if (json_is_string(v))
        return str_make(json_string_value(v), json_string_length(v));
    if (json_is_integer(v))
        snprintf(small, 32, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        snprintf(small, 32, "%.15g", json_real_value(v));
    else if (json_is_boolean(v))
        snprintf(small, 32, "%s", json_is_true(v) ? "yes" : "no");
    else
        return STR_NONE;
    return str_c(small);
}

static bool equals(const json_t *v, struct str wanted) {
    char small[32];
    bool flag;
    if (json_is_boolean(v))
        return config_read_bool(wanted, &flag) && flag == (bool)json_is_true(v);
    return str_eq_nocase(text_of(v, small), wanted);
}

static bool matches(const pcre2_code *pattern, struct str text) {
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(pattern, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!data || !limits)
        abort();
    pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(limits, MATCH_DEPTH_MAX);
    text = str_upto(text, SUBJECT_MAX);
    while (text.n && text.n == SUBJECT_MAX && ((unsigned char)text.p[text.n - 1] & 0xC0) == 0x80)
        text.n--;
    int found =
        pcre2_match(pattern, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, data, limits);
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    return found >= 0; /* beyond the limits it does not match */
}

static bool number_of(const json_t *v, double *out) {
    char small[32], *end;
    struct str s = text_of(v, small);
    if (!s.n || s.n >= sizeof small)
        return false;
    char text[32];
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

static bool one_of(const struct condition *c, const json_t *v) {
    for (size_t i = 0; i < c->values_n; i++)
        if (equals(v, c->values[i]))
            return true;
    return false;
}

static bool starts_or_ends(const struct condition *c, const json_t *v) {
    char small[32];
    struct str s = text_of(v, small);
    for (size_t i = 0; i < c->values_n; i++) {
        struct str w = c->values[i];
        if (w.n > s.n)
            continue;
        struct str part = c->kind == COND_STARTS ? str_upto(s, w.n) : str_from(s, s.n - w.n);
        if (str_eq_nocase(part, w))
            return true;
    }
    return false;
}

static bool value_holds(const struct condition *c, const json_t *v) {
    char small[32];
    double n;
    switch (c->kind) {
    case COND_EQUALS:
    case COND_HAS:
        return one_of(c, v);
    case COND_MATCHES:
        return matches(c->pattern, text_of(v, small));
    case COND_STARTS:
    case COND_ENDS:
        return starts_or_ends(c, v);
    case COND_ABOVE:
        return number_of(v, &n) && n > c->number;
    case COND_BELOW:
        return number_of(v, &n) && n < c->number;
    case COND_ALL:
    case COND_ANY:
    case COND_NOT:
    case COND_EXISTS:
    case COND_OPEN:
        break;
    }
    return false;
}

static bool open_now(const struct condition *c, const struct rule_facts *facts) {
    const struct rule_calendars *all = &facts->calendars;
    for (size_t i = 0; i < c->values_n; i++)
        if (all->open && all->open(all->ctx, c->values[i], facts->at_ms))
            return true;
    return false;
}

static bool field_holds(const struct condition *c, const struct rule_facts *facts) {
    struct values found;
    json_t *source = NULL;
    bool holds = false;
    if (str_is(c->field, "source")) {
        source = jstr(facts->source);
        found = (struct values){.n = 0};
        add_value(&found, source);
    } else {
        values_of(c->field, facts, &found);
    }
    if (c->kind == COND_EXISTS)
        holds = (found.n > 0) == c->wanted;
    else
        for (size_t i = 0; i < found.n && !holds; i++)
            holds = value_holds(c, found.items[i]);
    json_decref(source);
    return holds;
}

bool condition_holds(const struct condition *c, const struct rule_facts *facts) {
    switch (c->kind) {
    case COND_ALL:
        for (size_t i = 0; i < c->children_n; i++)
            if (!condition_holds(&c->children[i], facts))
                return false;
        return true;
    case COND_ANY:
        for (size_t i = 0; i < c->children_n; i++)
            if (condition_holds(&c->children[i], facts))
                return true;
        return false;
    case COND_NOT:
        return !condition_holds(&c->children[0], facts);
    case COND_EQUALS:
    case COND_MATCHES:
    case COND_STARTS:
    case COND_ENDS:
    case COND_HAS:
    case COND_ABOVE:
    case COND_BELOW:
    case COND_EXISTS:
        return field_holds(c, facts);
    case COND_OPEN:
        return open_now(c, facts);
    }
    return false;
}
