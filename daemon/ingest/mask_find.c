/* ingest/mask_find.c - card numbers and IBANs by their check digits. */
#include "ingest/mask_find.h"

#include <string.h>

#include <touchline/kit/own.h>

enum { CARD_MIN = 13, CARD_MAX = 19, IBAN_MAX = 34 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t mask_gap(struct str t, size_t at, bool raw) {
    static const char *const written[] = {
        "\xC2\xA0",     "\xE2\x80\xAF", "\xE2\x80\x89", "\xE2\x80\x90", "\xE2\x80\x91",
        "\xE2\x80\x92", "\xE2\x80\x93", "\xE2\x88\x92", "&nbsp;",       "&#160;"};
    static const char *const coded[] = {"+",       "%20",     "%2D",     "%2d",     "%C2%A0",
                                        "=20",     "=2D",     "=\r\n",   "=\n",     "=C2=A0",
                                        "\\u00a0", "\\u00A0", "\\u2011", "\\u2013", "%c2%a0"};
    if (at >= t.n)
        return 0;
    if (t.p[at] == ' ' || t.p[at] == '-')
        return 1;
    struct str rest = str_from(t, at);
    if (is_digit(t.p[at]) || is_letter(t.p[at]))
        return 0;
    for (size_t i = 0; i < COUNT(written); i++)
        if (str_starts(rest, str_c(written[i])))
            return strlen(written[i]);
    for (size_t i = 0; raw && i < COUNT(coded); i++)
        if (str_starts(rest, str_c(coded[i])))
            return strlen(coded[i]);
    return 0;
}

/* ---- cards ---- */

static bool luhn(const char *digits, size_t n) {
    unsigned sum = 0;
    bool all_same = true;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        all_same &= digits[i] == digits[0];
        sum += i % 2 ? (d * 2 > 9 ? d * 2 - 9 : d * 2) : d;
    }
    return sum % 10 == 0 && !all_same;
}

/* A row of digit groups from a group's begin on: the longest beginning of it that is a card. */
static bool card_at(struct str t, size_t begin, bool raw, size_t *out_end) {
    char digits[CARD_MAX];
    size_t ends[CARD_MAX + 1] = {0}; /* by count of digits: where a group ends there, else 0 */
    size_t n = 0, groups = 0;
    for (size_t at = begin; at < t.n;) {
        size_t first = n;
        while (at < t.n && is_digit(t.p[at])) {
            if (n < CARD_MAX)
                digits[n] = t.p[at];
            n++;
            at++;
        }
        if (n == first || n > CARD_MAX)
            break;
        ends[n] = at;
        groups++;
        at += mask_gap(t, at, raw);
    }
    /* "a716-446655440000": the tail of a word, not a number of its own. */
    bool in_word = begin && is_letter(t.p[begin - 1]);
    for (size_t k = CARD_MAX; k >= CARD_MIN; k--) {
        if (!ends[k] || !luhn(digits, k) || (in_word && groups > 1))
            continue;
        *out_end = ends[k];
        return true;
    }
    return false;
}

/* Behind all groups of the row that begins here. */
static size_t row_end(struct str t, size_t at, bool raw) {
    for (size_t gap = 0;; at += gap) {
        while (at < t.n && is_digit(t.p[at]))
            at++;
        gap = mask_gap(t, at, raw);
        if (!gap || at + gap >= t.n || !is_digit(t.p[at + gap]))
            return at;
    }
}

bool mask_find_card(struct str t, size_t from, bool raw, struct mask_span *out) {
    for (size_t at = from; at < t.n; at++) {
        if (!is_digit(t.p[at]) || (at && is_digit(t.p[at - 1])))
            continue;
        if (!raw && at && t.p[at - 1] == '+') { /* a telephone number, all of it */
            at = row_end(t, at, raw);
            continue;
        }
        /* "%204111…": two of the digits are the blank's. */
        bool coded = raw && at && (t.p[at - 1] == '%' || t.p[at - 1] == '=') && at + 2 < t.n;
        for (size_t skip = 0; skip <= (coded ? 2u : 0u); skip += 2) {
            if (!card_at(t, at + skip, raw, &out->end))
                continue;
            out->begin = at + skip;
            return true;
        }
    }
    return false;
}

/* ---- IBANs ---- */

/* Country and length, of those that have IBANs (the registry, and those in use beyond it). */
static const char countries[] =
    "AD24AE23AL28AO25AT20AZ28BA20BE16BF28BG22BH22BI27BJ28BR29BY28CF27CG27CH21CI28CM27CR22CV25CY28"
    "CZ24DE22DJ27DK18DO28DZ26EE20EG29ES24FI18FK18FO18FR27GA27GB22GE22GI23GL18GQ27GR27GT28GW25HN28"
    "HR21HU28IE22IL23IQ23IR26IS26IT27JO30KM27KW30KZ20LB28LC32LI21LT20LU20LV21LY25MA28MC27MD24ME22"
    "MG27MK19ML28MN20MR27MT31MU30MZ25NE28NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31"
    "SD18SE24SI19SK24SM27SN28SO23ST25SV28TD27TG28TL23TN24TR26UA29VA22VG24XK20YE30";

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static size_t iban_length(char a, char b) {
    for (size_t i = 0; i + 4 < sizeof countries; i += 4)
        if (countries[i] == a && countries[i + 1] == b)
            return (size_t)(countries[i + 2] - '0') * 10 + (size_t)(countries[i + 3] - '0');
    return 0;
}

/* ISO 7064 MOD 97-10, the first four characters last. */
static bool mod97(const char *s, size_t n) {
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[(i + 4) % n];
        rest = is_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97
                           : (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
    }
    return rest == 1;
}

static bool iban_at(struct str t, size_t begin, bool raw, size_t *out_end) {
    char s[IBAN_MAX];
    size_t n = 0, at = begin;
    size_t wanted = iban_length(upper(t.p[begin]), upper(t.p[begin + 1]));
    while (n < wanted && at < t.n) {
        char c = upper(t.p[at]);
        if (!is_digit(c) && !is_letter(c)) {
            size_t gap = mask_gap(t, at, raw);
            if (!gap || !n || at == begin)
                return false;
            at += gap;
            if (at >= t.n || (!is_digit(upper(t.p[at])) && !is_letter(t.p[at])))
                return false;
            continue;
        }
        s[n++] = c;
        at++;
    }
    if (!wanted || n < wanted || (at < t.n && (is_digit(t.p[at]) || is_letter(t.p[at]))))
        return false;
    *out_end = at;
    return is_digit(s[2]) && is_digit(s[3]) && mod97(s, n);
}

bool mask_find_iban(struct str t, size_t from, bool raw, struct mask_span *out) {
    for (size_t at = from; at + 4 < t.n; at++) {
        bool begins = !at || (!is_digit(t.p[at - 1]) && !is_letter(t.p[at - 1])) ||
                      (raw && at >= 3 && (t.p[at - 3] == '%' || t.p[at - 3] == '='));
        if (!begins || !is_letter(t.p[at]) || !is_letter(t.p[at + 1]))
            continue;
        if (iban_at(t, at, raw, &out->end)) {
            out->begin = at;
            return true;
        }
    }
    return false;
}
