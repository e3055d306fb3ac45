/* sip/number.c - see number.h. Sources: RFC 3966, RFC 3261 19.1, RFC 3323, E.164. */
#include "number.h"

#include <touchline/kit/buf.h>
#include <touchline/kit/phone.h>
#include <touchline/kit/urlencoded.h>

enum { DIGITS_MIN = 7, DIGITS_MAX = 15, RAW_MAX = 256 };

static bool all_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* A number taken apart. */
struct dialled {
    struct str user, host, context; /* host: of a SIP URI; context: phone-context */
};

/* Where the address begins in "Name <sip:…>": a '<' within quotes is a part of the name. */
static struct str within_brackets(struct str s) {
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && quoted) {
            i++;
        } else if (s.p[i] == '"') {
            quoted = !quoted;
        } else if (s.p[i] == '<' && !quoted) {
            struct str rest = str_from(s, i + 1);
            return str_trim(str_cut(&rest, '>'));
        }
    }
    return s;
}

static struct str parameter(struct str params, const char *name) {
    while (params.n) {
        struct str value = str_cut(&params, ';'), key = str_cut(&value, '=');
        if (str_is_nocase(str_trim(key), name))
            return str_trim(value);
    }
    return STR_NONE;
}

static struct dialled take_apart(struct str raw) {
    struct dialled d = {0};
    struct str s = within_brackets(str_trim(raw));
    static const struct str schemes[] = {STR("sips:"), STR("sip:"), STR("tel:"), STR("whatsapp:")};
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_eq_nocase(str_upto(s, schemes[i].n), schemes[i])) {
            s = str_from(s, schemes[i].n);
            break;
        }
    struct str user = str_cut(&s, '@'), host = s;
    d.user = str_trim(str_cut(&user, ';'));
    d.context = parameter(user, "phone-context");
    host = str_cut(&host, ';');
    d.host = host.p && host.n && host.p[0] == '[' ? host : str_cut(&host, ':');
    /* sip:4930…:password@host */
    if (d.host.p)
        d.user = str_cut(&d.user, ':');
    return d;
}

static bool is_withheld(const struct dialled *d) {
    static const char *const words[] = {
        "anonymous", "unknown",  "restricted",   "private", "unavailable",
        "asterisk",  "withheld", "no-caller-id", "blocked", "invalid",
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is_nocase(d->user, words[i]))
            return true;
    return !d->user.n || str_is_nocase(d->host, "anonymous.invalid");
}

bool extensions_read(struct str s, size_t *out_min, size_t *out_max) {
    *out_min = 2;
    *out_max = 6;
    if (!s.n)
        return true;
    struct str rest = s;
    struct str low = str_cut(&rest, '-');
    struct str high = rest.p ? rest : low;
    if (low.n != 1 || high.n != 1 || !all_digits(low) || !all_digits(high) ||
        low.p[0] > high.p[0] || low.p[0] == '0')
        return false;
    *out_min = (size_t)(low.p[0] - '0');
    *out_max = (size_t)(high.p[0] - '0');
    return true;
}

static struct number e164(struct arena *a, int64_t country, struct str digits, struct str raw) {
    struct str text = country ? arena_strf(a, "+%lld%.*s", (long long)country, STR_ARG(digits))
                              : arena_strf(a, "+%.*s", STR_ARG(digits));
    if (text.n - 1 < DIGITS_MIN || text.n - 1 > DIGITS_MAX || text.p[1] == '0')
        return (struct number){NUMBER_UNKNOWN, raw};
    return (struct number){NUMBER_E164, text};
}

/* Digits alone, from what people and switches put between them; false: something else is there.
 * "(0)" behind a country code is dialled at home only. */
static bool only_digits(struct str s, bool *out_plus, struct buf *out) {
    *out_plus = s.n && s.p[0] == '+';
    while (*out_plus && s.n > 1 && s.p[1] == '+')
        s = str_from(s, 1);
    for (size_t i = *out_plus; i < s.n; i++) {
        char c = s.p[i];
        bool country = *out_plus || (out->n > 2 && buf_c(out)[0] == '0'); /* "0049 (0)30" */
        if (country && str_starts(str_from(s, i), (struct str)STR("(0)")))
            i += 2;
        else if (c >= '0' && c <= '9') {
            if (!buf_add_byte(out, c))
                return false;
        } else if (!c || !strchr("-.() /", c)) {
            return false;
        }
    }
    return out->n > 0;
}

static bool begins_abroad(const struct trunk_config *t, struct str digits) {
    for (size_t i = 0; i < t->international.n && digits.p[0] == '0'; i++)
        if (t->international.items[i].n && str_starts(digits, t->international.items[i]))
            return true;
    return false;
}

/* Dialled at the trunk, no country code in front. */
static struct number by_trunk(struct arena *a, const struct trunk_config *t, struct str digits,
                              struct str raw) {
    struct number unknown = {NUMBER_UNKNOWN, raw};
    for (size_t i = 0; i < t->international.n; i++) {
        struct str prefix = t->international.items[i];
        if (prefix.n && str_starts(digits, prefix) && digits.n > prefix.n + 5)
            return e164(a, 0, str_from(digits, prefix.n), raw);
    }
    size_t low, high;
    (void)!extensions_read(t->extensions, &low, &high);
    if (digits.n <= high)
        return (struct number){digits.n >= low ? NUMBER_EXTENSION : NUMBER_UNKNOWN, digits};
    if (t->country == 1 && digits.n == 10)
        return e164(a, 1, digits, raw);
    if (t->national.n && str_starts(digits, t->national) && t->country) {
        struct str rest = str_from(digits, t->national.n);
        return e164(a, t->country, phone_national_part(a, (int)t->country, rest), raw);
    }
    return unknown;
}

/* tel:7042;phone-context=+4930555, and as some write it tel:030-123456;phone-context=+49 */
static bool in_context(struct arena *a, const struct trunk_config *t, struct str context,
                       struct str digits, struct number *out, struct str raw) {
    bool plus;
    cleanup(buf_clear) struct buf prefix;
    buf_init(&prefix, RAW_MAX);
    if (!context.n || context.p[0] != '+' || !only_digits(context, &plus, &prefix))
        return false;
    struct str own = arena_strf(a, "%lld", (long long)t->country);
    if (str_eq(buf_str(&prefix), own) && t->national.n && str_starts(digits, t->national))
        digits = str_from(digits, t->national.n);
    *out = e164(a, 0, arena_strf(a, "%.*s%.*s", STR_ARG(buf_str(&prefix)), STR_ARG(digits)), raw);
    return out->kind == NUMBER_E164;
}

struct number number_read(struct arena *a, const struct trunk_config *t, struct str raw) {
    cleanup(buf_clear) struct buf plain, b;
    buf_init(&plain, RAW_MAX);
    buf_init(&b, RAW_MAX);
    struct dialled d = take_apart(raw);
    struct number out = {NUMBER_UNKNOWN, arena_str(a, str_upto(d.user, RAW_MAX))};
    bool plus;
    if (is_withheld(&d))
        return (struct number){NUMBER_WITHHELD, STR_NONE};
    if (d.user.n > RAW_MAX / 2 || !percent_decode(&plain, d.user) ||
        !only_digits(str_trim(buf_str(&plain)), &plus, &b))
        return out;
    struct str digits = arena_str(a, buf_str(&b)), raw_text = out.text;
    if (plus && !begins_abroad(t, digits)) /* "+0049 …" is dialled, whatever stands before it */
        return e164(a, 0, digits, raw_text);
    if (in_context(a, t, d.context, digits, &out, raw_text))
        return out;
    out = by_trunk(a, t, digits, raw_text);
    if (out.kind == NUMBER_UNKNOWN && digits.n >= DIGITS_MIN && t->country &&
        phone_library_read(a, digits, STR_NONE, (int)t->country, &out.text))
        out.kind = NUMBER_E164;
    return out;
}

bool number_inbound(const struct trunk_config *t, const struct number *called) {
    for (size_t i = 0; i < t->inbound.n; i++) {
        struct str ours = t->inbound.items[i];
        bool prefix = ours.n && ours.p[0] == '+';
        if (prefix ? called->kind == NUMBER_E164 && str_starts(called->text, ours)
                   : str_eq(called->text, ours))
            return true;
    }
    return false;
}
