/* touchpoint/phone.c - a number as people write it to E.164, by the rules of a region.
 *
 * A wrong number joins two strangers, a number left alone costs a suggestion: whatever could be
 * read in two ways is not read at all. libphonenumber, where it is there, reads what these rules
 * leave unread; it never overrules them, so an identity does not change when it is installed.
 * Whoever changes what an existing number becomes raises the normaliser's version (main.c).
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/phone.h>
#include <touchline/kit/utf8.h>

#include "touchpoint/touchpoint_priv.h"

enum {
    DIGITS_MAX = 20,    /* as dialled, with prefixes */
    E164_MIN = 7,       /* shorter ones are services and extensions */
    E164_MAX = 15,      /* ITU-T E.164 6.1 */
    NATIONAL_MIN = 9,   /* of one without any prefix: shorter ones are local numbers */
    OWN_CODE_MIN = 11,  /* of one that begins with the region's own code, without a plus */
    NANP_NATIONAL = 10, /* North America: always ten */
};

struct dialled {
    char digits[DIGITS_MAX + 1];
    size_t n;
    bool plus;
};

/* Zeroes of the decimal digits people type: ASCII, Arabic-Indic, its eastern form, Devanagari,
 * full width. */
static const uint32_t zeroes[] = {'0', 0x660, 0x6f0, 0x966, 0xff10};

static int digit_of(uint32_t c) {
    for (size_t i = 0; i < COUNT(zeroes); i++)
        if (c >= zeroes[i] && c <= zeroes[i] + 9)
            return (int)(c - zeroes[i]);
    return -1;
}

static bool is_separator(uint32_t c) {
    if (c < 0x80)
        return c && strchr(" \t-./()[]~", (int)c);
    return c == 0xa0 || c == 0xad || (c >= 0x2000 && c <= 0x2015) || c == 0x202f || c == 0x2060 ||
           c == 0x2212 || c == 0x3000 || c == 0xff08 || c == 0xff09 || c == 0xff0d;
}

/* What ends the number: parameters, an extension. */
static bool is_end(uint32_t c) {
    return c < 0x80 && c && strchr(";,xXeE#", (int)c);
}

static struct str without_scheme(struct str raw) {
    static const char *const schemes[] = {"tel:", "sms:", "whatsapp:"};
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_eq_nocase(str_upto(raw, strlen(schemes[i])), str_c(schemes[i])))
            return str_trim(str_from(raw, strlen(schemes[i])));
    return raw;
}

static bool scan(struct str raw, struct dialled *out) {
    const char *p = raw.p, *end = raw.p + raw.n;
    *out = (struct dialled){0};
    while (p < end) {
        /* "+49 (0) 30": the trunk zero that is only dialled at home. */
        if (out->plus && end - p >= 3 && memcmp(p, "(0)", 3) == 0) {
            p += 3;
            continue;
        }
        uint32_t c = utf8_next(&p, end);
        int digit = digit_of(c);
        if (digit >= 0) {
            if (out->n == DIGITS_MAX)
                return false;
            out->digits[out->n++] = (char)('0' + digit);
        } else if ((c == '+' || c == 0xff0b) && !out->n && !out->plus) {
            out->plus = true;
        } else if (is_end(c) && out->n) {
            break;
        } else if (!is_separator(c)) {
            return false;
        }
    }
    return out->n > 0;
}

/* Enough of them to be more than a service or an extension. */
static bool has_digits(struct str raw) {
    const char *p = raw.p, *end = raw.p + raw.n;
    size_t n = 0;
    while (p < end)
        n += digit_of(utf8_next(&p, end)) >= 0;
    return n >= E164_MIN;
}

static bool take(struct arena *a, const char *code, struct str rest, struct str *out) {
    size_t n = strlen(code) + rest.n;
    if (n < E164_MIN || n > E164_MAX)
        return false;
    struct str e164 = arena_strf(a, "+%s%.*s", code, STR_ARG(rest));
    if (e164.p[1] == '0' || !phone_code_known(str_from(e164, 1)))
        return false;
    *out = e164;
    return true;
}

/* Neither plus nor a prefix was dialled. */
static bool take_bare(struct arena *a, const struct phone_region *r, struct str digits,
                      struct str *out) {
    if (strcmp(r->code, "1") == 0)
        return digits.n == NANP_NATIONAL && take(a, r->code, digits, out);
    if (digits.n >= OWN_CODE_MIN && str_starts(digits, str_c(r->code)))
        return take(a, "", digits, out);
    if (*r->national && digits.n < NATIONAL_MIN)
        return false;
    return digits.n >= r->min && digits.n <= r->max && take(a, r->code, digits, out);
}

/* Whether a number of that country can look so. */
static bool is_plausible(struct str e164) {
    const struct phone_region *r = phone_region_of(str_from(e164, 1));
    if (!r)
        return true; /* of no country: nothing is known */
    struct str rest = str_from(e164, 1 + strlen(r->code));
    bool nanp = strcmp(r->code, "1") == 0;
    return rest.n >= r->min && rest.n <= r->max &&
           (!nanp || (rest.p[0] >= '2' && rest.p[3] >= '2'));
}

/* One way to read what was dialled; a second one that differs makes it ambiguous. */
struct reading_of {
    struct str e164;
    size_t n;
};

static void consider(struct arena *a, struct str rest, struct reading_of *r) {
    struct str e164;
    if (!take(a, "", rest, &e164) || !is_plausible(e164) || (r->n && str_eq(e164, r->e164)))
        return;
    r->e164 = e164;
    r->n++;
}

enum way { WAY_HOME, WAY_ABROAD, WAY_UNREAD };

/* Dialled to leave the country: by one of its own prefixes, or by 00, which leaves most countries
 * and is what people write everywhere. A prefix of zeroes or Russia's 8 begins nothing else. */
static enum way take_abroad(struct arena *a, const struct phone_region *r, struct str digits,
                            struct str *out) {
    struct reading_of found = {0};
    struct str all = str_c(*r->international ? r->international : "00");
    static const struct str everywhere = STR("00");
    bool left = str_starts(digits, everywhere);
    if (left)
        consider(a, str_from(digits, everywhere.n), &found);
    while (all.n) {
        struct str prefix = str_cut(&all, ' ');
        if (!str_starts(digits, prefix))
            continue;
        left |= prefix.n > 1 && (prefix.p[0] == '0' || prefix.p[0] == '8');
        consider(a, str_from(digits, prefix.n), &found);
    }
    *out = found.e164;
    if (found.n == 1)
        return WAY_ABROAD;
    return left || found.n ? WAY_UNREAD : WAY_HOME;
}

static bool take_national(struct arena *a, const struct phone_region *r, struct str digits,
                          struct str *out) {
    struct str part = phone_national_part(a, atoi(r->code), digits);
    bool fits = part.n >= r->min && part.n <= r->max && part.p[0] != '0';
    return fits && take(a, r->code, part, out);
}

static bool by_rules(struct arena *a, const struct dialled *d, struct str region, struct str *out) {
    struct str digits = str_make(d->digits, d->n);
    if (d->plus)
        return take(a, "", digits, out);
    const struct phone_region *r = phone_region_find(region);
    if (!r)
        return false;
    enum way way = take_abroad(a, r, digits, out);
    if (way != WAY_HOME)
        return way == WAY_ABROAD;
    struct str national = str_c(r->national);
    if (national.n && str_starts(digits, national) && digits.n > national.n + 3)
        return take_national(a, r, str_from(digits, national.n), out);
    return take_bare(a, r, phone_national_part(a, atoi(r->code), digits), out);
}

bool phone_by_rules(struct arena *a, struct str raw, struct str region, struct str *out) {
    struct dialled d;
    struct str e164;
    raw = without_scheme(str_trim(raw));
    if (!raw.n || raw.n > 128 || !scan(raw, &d) || !by_rules(a, &d, region, &e164))
        return false;
    *out = phone_canonical(a, e164);
    return true;
}

bool phone_normalise(struct arena *a, struct str raw, struct str region, struct str *out) {
    struct str e164;
    if (phone_by_rules(a, raw, region, out))
        return true;
    /* Only what our own rules leave unread is asked of the library. */
    raw = without_scheme(str_trim(raw));
    if (!has_digits(raw) || !phone_library_read(a, raw, region, 0, &e164))
        return false;
    *out = phone_canonical(a, e164);
    return true;
}

struct str phone_national(struct arena *a, struct str e164, struct str region) {
    const struct phone_region *r = phone_region_find(region);
    struct str digits = str_from(e164, 1);
    if (!r || !str_starts(digits, str_c(r->code)))
        return STR_NONE;
    return arena_strf(a, "%s%.*s", r->national, STR_ARG(str_from(digits, strlen(r->code))));
}
