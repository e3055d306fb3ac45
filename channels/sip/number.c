/* sip/number.c - see number.h. Sources: RFC 3966, RFC 3261 19.1, E.164. */
#include "number.h"

#include <touchline/kit/buf.h>
#include <touchline/kit/urlencoded.h>

enum { DIGITS_MIN = 7, DIGITS_MAX = 15, RAW_MAX = 256 };

static bool all_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* The user part: of "Name" <sip:user@host;x>, sip:user;npdi@host, tel:user;ext=, or the thing
 * itself. */
static struct str user_part(struct str raw) {
    struct str s = str_trim(raw);
    ptrdiff_t open = str_find(s, '<');
    if (open >= 0) {
        s = str_from(s, (size_t)open + 1);
        s = str_cut(&s, '>');
    }
    static const struct str schemes[] = {STR("sips:"), STR("sip:"), STR("tel:"), STR("whatsapp:")};
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_eq_nocase(str_upto(s, schemes[i].n), schemes[i])) {
            s = str_from(s, schemes[i].n);
            break;
        }
    s = str_cut(&s, '@');
    return str_cut(&s, ';');
}

static bool is_withheld(struct str s) {
    static const char *const words[] = {"anonymous",   "unknown",  "restricted", "private",
                                        "unavailable", "asterisk", "withheld"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is_nocase(s, words[i]))
            return true;
    return !s.n;
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

struct number number_read(struct arena *a, const struct trunk_config *t, struct str raw) {
    cleanup(buf_clear) struct buf plain, b;
    buf_init(&plain, RAW_MAX);
    buf_init(&b, RAW_MAX);
    struct str user = user_part(raw);
    struct number unknown = {NUMBER_UNKNOWN, arena_str(a, str_upto(user, RAW_MAX))};
    if (is_withheld(user))
        return (struct number){NUMBER_WITHHELD, STR_NONE};
    if (user.n > RAW_MAX / 2 || !percent_decode(&plain, user))
        return unknown;
    struct str s = buf_str(&plain);
    bool plus = s.n && s.p[0] == '+';
    for (size_t i = plus; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9') {
            if (!buf_add_byte(&b, c))
                return unknown;
        } else if (!strchr("-.() /", c)) { /* what people put between digits */
            return unknown;
        }
    }
    struct str digits = arena_str(a, buf_str(&b));
    if (!digits.n)
        return unknown;
    if (plus)
        return e164(a, 0, digits, unknown.text);
    for (size_t i = 0; i < t->international.n; i++) {
        struct str prefix = t->international.items[i];
        if (prefix.n && str_starts(digits, prefix) && digits.n > prefix.n + 5)
            return e164(a, 0, str_from(digits, prefix.n), unknown.text);
    }
    size_t low, high;
    (void)!extensions_read(t->extensions, &low, &high);
    if (digits.n <= high)
        return (struct number){digits.n >= low ? NUMBER_EXTENSION : NUMBER_UNKNOWN, digits};
    if (t->country == 1 && digits.n == 10)
        return e164(a, 1, digits, unknown.text);
    if (t->national.n && str_starts(digits, t->national) && t->country)
        return e164(a, t->country, str_from(digits, t->national.n), unknown.text);
    return unknown;
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
