/* touchpoint/identity.c - addresses of a person in their normal form, and which is the strongest.
 */
#include <stdlib.h>
#include <string.h>

#include <idn2.h>
#include <utf8proc.h>

#include <touchline/kit/utf8.h>

#include "touchpoint/touchpoint_priv.h"

enum {
    EMAIL_MAX = 254, /* RFC 5321 4.5.3.1.3, without the angle brackets */
    LOCAL_MAX = 64,
    DOMAIN_MAX = 253,
    LABEL_MAX = 63,
    NAME_MAX_BYTES = 32,
    VALUE_MAX = 255,
};

static const char *const builtin[] = {
    "email",    "phone",   "anonymous", "sms",       "whatsapp", "telegram",
    "facebook", "threads", "messenger", "instagram", "line",     "viber",
    "slack",    "discord", "x",         "twitter",   "mastodon", "signal",
};

bool identity_builtin(struct str name) {
    for (size_t i = 0; i < COUNT(builtin); i++)
        if (str_is(name, builtin[i]))
            return true;
    return false;
}

bool identity_name_ok(struct str name) {
    if (!name.n || name.n > NAME_MAX_BYTES || name.p[0] < 'a' || name.p[0] > 'z')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* Letters, digits, hyphens inside; our own check, since libidn2 lets "a..b" pass. */
static bool domain_ok(struct str domain) {
    if (!domain.n || domain.n > DOMAIN_MAX)
        return false;
    while (domain.p) {
        struct str label = str_cut(&domain, '.');
        if (!label.n || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
                return false;
        }
    }
    return true;
}

static void lower_ascii(char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] += 'a' - 'A';
}

static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool domain_normalise(struct arena *a, struct str domain, struct str *out) {
    struct str copy = arena_str(a, domain);
    if (is_ascii(copy)) {
        lower_ascii((char *)copy.p, copy.n);
    } else {
        uint8_t *ascii = NULL;
        if (idn2_to_ascii_8z(copy.p, (char **)&ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
            IDN2_OK)
            return false;
        copy = arena_str(a, str_c((const char *)ascii));
        idn2_free(ascii);
    }
    *out = copy;
    return domain_ok(copy);
}

/* What would leave the address on a wire or in a header: blanks, controls, brackets, separators.
 * Quoted local parts are refused with their quotes: nobody has one, and every parser differs. */
static bool local_ok(struct str local) {
    if (!local.n || local.n > LOCAL_MAX || local.p[0] == '.' || local.p[local.n - 1] == '.')
        return false;
    const char *p = local.p, *end = local.p + local.n;
    while (p < end) {
        uint32_t c = utf8_next(&p, end);
        if (c <= 0x20 || (c >= 0x7f && c < 0xa1) || c == 0xfffd)
            return false;
        if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
            (c >= 0x2060 && c <= 0x2069) || c == 0xfeff)
            return false;
        if (c < 0x80 && strchr("()<>[]:;@\\,\"", (int)c))
            return false;
    }
    return true;
}

static bool local_normalise(struct arena *a, struct str local, struct str *out) {
    struct str copy = arena_str(a, local);
    if (is_ascii(copy)) {
        lower_ascii((char *)copy.p, copy.n);
        *out = copy;
        return true;
    }
    uint8_t *folded = NULL;
    utf8proc_ssize_t n = utf8proc_map((const uint8_t *)copy.p, (utf8proc_ssize_t)copy.n, &folded,
                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    if (n <= 0)
        return false;
    *out = arena_str(a, str_make((const char *)folded, (size_t)n));
    free(folded);
    return true;
}

bool email_normalise(struct arena *a, struct str raw, struct str *out) {
    raw = str_trim(raw);
    ptrdiff_t at = -1;
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] == '@')
            at = (ptrdiff_t)i;
    if (at < 0 || raw.n > EMAIL_MAX || memchr(raw.p, 0, raw.n))
        return false;
    struct str local = str_upto(raw, (size_t)at), domain = str_from(raw, (size_t)at + 1);
    if (!local_ok(local) || !local_normalise(a, local, &local) ||
        !domain_normalise(a, domain, &domain))
        return false;
    *out = arena_strf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
    return true;
}

static bool value_ok(struct str v) {
    if (!v.n || v.n > VALUE_MAX || !utf8_valid(v))
        return false;
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
            return false;
    return true;
}

bool identity_parse(struct arena *a, struct str text, struct str region, struct identity *out,
                    struct fault *f) {
    struct str value = text, kind = str_cut(&value, ':');
    if (!value.p || !value.n)
        return fault_set(f, FAULT_INPUT, "", "an identity is written KIND:VALUE");
    if (!identity_name_ok(kind))
        return fault_set(f, FAULT_INPUT, "",
                         "the kind of an identity is email, phone or a name of [a-z0-9_]");
    *out = (struct identity){.kind = arena_str(a, kind)};
    if (str_is(kind, "email")) {
        if (!email_normalise(a, value, &out->value))
            return fault_set(f, FAULT_INPUT, "", "not an e-mail address");
    } else if (str_is(kind, "phone")) {
        /* In a query "+" may have arrived as a blank. */
        struct str trimmed = str_trim(value);
        bool plus_lost = value.p[0] == ' ' && trimmed.n && trimmed.p[0] != '0';
        if (plus_lost)
            trimmed = arena_strf(a, "+%.*s", STR_ARG(trimmed));
        if (!phone_normalise(a, trimmed, region, &out->value))
            return fault_set(f, FAULT_INPUT, "", "not a telephone number");
    } else if (!value_ok(value)) {
        return fault_set(f, FAULT_INPUT, "", "an id is 1 to %d bytes without controls", VALUE_MAX);
    } else {
        out->value = arena_str(a, value);
    }
    return true;
}

static int strength(const struct identity *i) {
    int kind = 0;
    if (str_is(i->kind, "phone"))
        kind = 3;
    else if (str_is(i->kind, "email"))
        kind = 2;
    else if (identity_builtin(i->kind))
        kind = 1;
    return kind + (i->verified ? 0 : 4);
}

void identity_sort(struct identity *list, size_t n) {
    for (size_t i = 1; i < n; i++) { /* insertion: stable, and n is at most IDENTITIES_MAX */
        struct identity it = list[i];
        size_t at = i;
        for (; at && strength(&list[at - 1]) > strength(&it); at--)
            list[at] = list[at - 1];
        list[at] = it;
    }
}
