/* kit/phone.c - see kit/phone.h. Facts of the numbering plans of Anatel, IFT and ENACOM. */
#include <touchline/kit/phone.h>

enum { BRAZIL = 55, MEXICO = 52, ARGENTINA = 54, BELARUS = 375 };

/* Argentina's area codes of two and three digits; all others have four. */
static const char areas[][4] = {
    "11",  "220", "221", "223", "230", "236", "237", "249", "260", "261", "263", "264", "266",
    "280", "291", "294", "297", "298", "299", "336", "341", "342", "343", "345", "348", "351",
    "353", "358", "362", "364", "370", "376", "379", "380", "381", "383", "385", "387", "388"};

/* Brazil's carriers, dialled between the 0 and the area code. */
static const char carriers[][3] = {"12", "14", "15", "21", "22", "23", "25",
                                   "31", "41", "43", "55", "65", "99"};

static size_t area_digits(struct str digits) {
    for (size_t i = 0; i < COUNT(areas); i++)
        if (str_starts(digits, str_c(areas[i])))
            return strlen(areas[i]);
    return 4;
}

/* area 15 number: twelve digits. */
static struct str argentina(struct arena *a, struct str digits) {
    size_t n = area_digits(digits);
    if (digits.n != 12 || !str_starts(str_from(digits, n), (struct str)STR("15")))
        return digits;
    return arena_strf(a, "9%.*s%.*s", (int)n, digits.p, STR_ARG(str_from(digits, n + 2)));
}

static struct str brazil(struct str digits) {
    if (digits.n != 12 && digits.n != 13)
        return digits;
    for (size_t i = 0; i < COUNT(carriers); i++)
        if (str_starts(digits, str_c(carriers[i])))
            return str_from(digits, 2);
    return digits;
}

/* 01, 044 and 045 were dialled before 2019 and still stand in address books. */
static struct str mexico(struct str digits) {
    static const struct str prefixes[] = {STR("044"), STR("045"), STR("01"), STR("1")};
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (digits.n == prefixes[i].n + 10 && str_starts(digits, prefixes[i]))
            return str_from(digits, prefixes[i].n);
    return digits;
}

struct str phone_national_part(struct arena *a, int country, struct str digits) {
    switch (country) {
    case ARGENTINA:
        return argentina(a, digits);
    case BRAZIL:
        return brazil(digits);
    case MEXICO:
        return mexico(digits);
    case BELARUS: /* 8, then 0 before the area code */
        return str_from(digits, digits.n == 10 && digits.p[0] == '0');
    default:
        return digits;
    }
}

/* Countries that dial a 0 at home and have no numbers that begin with it. */
static const char zero_dialled[][4] = {
    "20",  "27",  "31",  "32",  "33",  "40",  "41",  "43",  "44",  "46",  "49",  "54",
    "55",  "60",  "61",  "62",  "63",  "64",  "66",  "81",  "82",  "84",  "86",  "90",
    "91",  "92",  "93",  "94",  "98",  "212", "213", "234", "249", "251", "254", "255",
    "256", "263", "353", "358", "359", "380", "381", "385", "386", "387", "389", "421",
    "880", "961", "962", "963", "964", "966", "971", "972", "995",
};

static struct str without_zero(struct arena *a, struct str e164) {
    for (size_t i = 0; i < COUNT(zero_dialled); i++) {
        struct str code = str_c(zero_dialled[i]), rest = str_from(e164, 1 + code.n);
        if (!str_starts(str_from(e164, 1), code))
            continue;
        bool one = rest.n > 7 && rest.p[0] == '0' && rest.p[1] != '0';
        return one ? arena_strf(a, "+%.*s%.*s", STR_ARG(code), STR_ARG(str_from(rest, 1))) : e164;
    }
    return e164;
}

struct str phone_canonical(struct arena *a, struct str e164) {
    e164 = without_zero(a, e164);
    struct str code = str_make(e164.p + 1, e164.n > 3 ? 2 : 0), rest = str_from(e164, 3);
    if (str_is(code, "55") && rest.n == 10 && rest.p[2] >= '6')
        return arena_strf(a, "+55%.*s9%.*s", 2, rest.p, STR_ARG(str_from(rest, 2)));
    if (str_is(code, "52") && rest.n == 11 && rest.p[0] == '1')
        return arena_strf(a, "+52%.*s", STR_ARG(str_from(rest, 1)));
    if (!str_is(code, "54"))
        return e164;
    struct str plain = argentina(a, rest);
    if (plain.n == 11 && plain.p[0] == '9')
        return arena_strf(a, "+54%.*s", STR_ARG(str_from(plain, 1)));
    return e164;
}
