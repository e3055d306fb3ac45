/* mail_date.c - what the strict reader refuses is taken by its words, in whatever order they stand.
 */
#include "mail_date.h"

#include <ctype.h>

#include <touchline/kit/date.h>

enum { WORDS_MAX = 20, YEAR_MIN = 1900, YEAR_MAX = 2200, DAY_MS = 24 * 3600 * 1000 };

struct reading {
    int year, month, day; /* 0: not yet */
    int hour, minute, second, offset_minutes;
    bool time, pm, am;
    bool month_first; /* before the day: it may have been a weekday, "mar., 5 avr. 2024" */
};

/* Digits in front, at most four; *out_n tells how many. */
static int number(struct str s, size_t *out_n) {
    int v = 0;
    size_t n = 0;
    while (n < s.n && n < 4 && isdigit((unsigned char)s.p[n]))
        v = v * 10 + s.p[n++] - '0';
    *out_n = n;
    return v;
}

/* Jan..Dec, and what programs write that speak the user's language. */
static int month_of(struct str word) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    static const struct {
        const char *starts;
        int month;
    } others[] = {{"gen", 1},  {"ene", 1},  {"fév", 2}, {"fev", 2},  {"mär", 3},  {"mrz", 3},
                  {"mrt", 3},  {"avr", 4},  {"abr", 4}, {"mai", 5},  {"mag", 5},  {"mei", 5},
                  {"maj", 5},  {"juin", 6}, {"giu", 6}, {"juil", 7}, {"lug", 7},  {"aoû", 8},
                  {"aou", 8},  {"ago", 8},  {"set", 9}, {"okt", 10}, {"ott", 10}, {"out", 10},
                  {"dez", 12}, {"déc", 12}, {"dic", 12}};
    for (size_t i = 0; i < COUNT(others); i++)
        if (str_is_nocase(str_upto(word, strlen(others[i].starts)), others[i].starts))
            return others[i].month;
    for (int i = 0; i < 12 && word.n >= 3; i++)
        if (!strncasecmp(word.p, names + 3 * i, 3))
            return i + 1;
    return 0;
}

/* "+0100", "-600", "+01:00", "+2", "--0500" */
static bool take_offset(struct reading *r, struct str word) {
    if (word.n > 2 && word.p[1] == word.p[0])
        word = str_from(word, 1);
    size_t n, more = 0;
    int sign = word.p[0] == '-' ? -1 : 1, v = number(str_from(word, 1), &n), minutes = 0;
    struct str rest = str_from(word, n + 1);
    if (!n)
        return false;
    if (rest.n && rest.p[0] == ':')
        minutes = number(str_from(rest, 1), &more);
    else if (n > 2)
        minutes = v % 100, v /= 100;
    r->offset_minutes = sign * (v * 60 + minutes);
    return v < 24 && minutes < 60;
}

/* "7:00", "07:00:00.123", "07.00.00" */
static bool take_time(struct reading *r, struct str word) {
    int *to[] = {&r->hour, &r->minute, &r->second};
    size_t n, parts = 0;
    char mark = 0;
    for (; parts < 3; parts++) {
        int v = number(word, &n);
        if (!n || n > 2 || v > 60)
            return false;
        *to[parts] = v;
        word = str_from(word, n);
        if (!word.n || (word.p[0] != ':' && word.p[0] != '.') || (mark && word.p[0] != mark))
            break;
        mark = word.p[0];
        word = str_from(word, 1);
    }
    r->time = mark && (mark == ':' || parts == 2);
    while (word.n && (word.p[0] == '.' || isdigit((unsigned char)word.p[0])))
        word = str_from(word, 1); /* of a second */
    r->pm = r->pm || (word.n >= 2 && (word.p[0] | 0x20) == 'p');
    r->am = r->am || (word.n >= 2 && (word.p[0] | 0x20) == 'a');
    if (word.n > 1 && (word.p[0] == '+' || word.p[0] == '-'))
        return r->time && take_offset(r, word);
    return r->time;
}

static void take_name(struct reading *r, struct str word) {
    static const struct {
        const char *name;
        int minutes;
    } zones[] = {{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420},
                 {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"CET", 60},   {"CEST", 120},
                 {"MET", 60},   {"MEST", 120}, {"EET", 120},  {"EEST", 180}, {"BST", 60},
                 {"MSK", 180},  {"JST", 540},  {"KST", 540},  {"HKT", 480},  {"AEST", 600}};
    int month = month_of(word);
    if (month && (!r->month || r->month_first)) {
        r->month_first = !r->day;
        r->month = month;
        return;
    }
    r->pm = r->pm || str_is_nocase(word, "PM");
    r->am = r->am || str_is_nocase(word, "AM");
    for (size_t i = 0; i < COUNT(zones); i++)
        if (str_is_nocase(word, zones[i].name))
            r->offset_minutes = zones[i].minutes;
    size_t sign = 0; /* "GMT+0100" */
    while (sign < word.n && isalpha((unsigned char)word.p[sign]))
        sign++;
    if (sign < word.n && (word.p[sign] == '+' || word.p[sign] == '-'))
        (void)take_offset(r, str_from(word, sign));
}

static bool take_number(struct reading *r, int v, size_t digits) {
    if (digits == 4 && !r->year)
        r->year = v;
    else if (digits <= 2 && !r->day)
        r->day = v;
    else if (digits == 2 && !r->year)
        r->year = v + (v < 50 ? 2000 : 1900);
    else if (digits == 3 && !r->year)
        r->year = v + 1900;
    else
        return false;
    return true;
}

/* "23", "2026", "23-Nov-2026", "23-11-2026", "2026-11-23", "2026-11-23T07:00:00Z" */
static bool take_digits(struct reading *r, struct str word) {
    size_t n;
    int v = number(word, &n);
    struct str rest = str_from(word, n);
    if (rest.n && (rest.p[0] == ':' || rest.p[0] == '.'))
        return take_time(r, word);
    if (!rest.n && n >= 3 && r->year && r->day && r->time) { /* "0200": the sign is lost */
        r->offset_minutes = v / 100 * 60 + v % 100;
        return v % 100 < 60 && v < 1500;
    }
    if (!take_number(r, v, n))
        return false;
    while (rest.n && rest.p[0] == '-') {
        rest = str_from(rest, 1);
        v = number(rest, &n);
        if (n && n <= 2 && (r->year || r->day) && !r->month)
            r->month = v;
        else if (n && !take_number(r, v, n))
            return false;
        else if (!n && !(r->month = month_of(rest)))
            return false;
        while (!n && rest.n && rest.p[0] != '-')
            rest = str_from(rest, 1);
        rest = str_from(rest, n);
    }
    bool time = rest.n > 1 && (rest.p[0] == 'T' || rest.p[0] == 't');
    return time ? take_time(r, str_from(rest, 1)) : true;
}

static bool take(struct reading *r, struct str word) {
    if (isdigit((unsigned char)word.p[0]))
        return take_digits(r, word);
    if (word.p[0] == '+' || word.p[0] == '-')
        return take_offset(r, word);
    take_name(r, word);
    return true;
}

/* The next word; comments, quotes and commas stand between words. */
static struct str word_next(struct str *rest) {
    size_t n = 0, depth = 0, i = 0;
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        depth += c == '(';
        if (!depth && c > ' ' && !strchr(",;\"'", c))
            break;
        depth -= c == ')' && depth;
    }
    *rest = str_from(*rest, i);
    while (n < rest->n && rest->p[n] > ' ' && !strchr(",;\"'(", rest->p[n]))
        n++;
    struct str word = str_upto(*rest, n);
    *rest = str_from(*rest, n);
    return word;
}

/* "… 07:00:00 JST", "… 7:00 PM": the strict reader takes any word that it does not know for UTC. */
static bool ends_with_word(struct str value) {
    struct str last = STR_NONE, word;
    while ((word = word_next(&value)).n)
        last = word;
    return last.n > 1 && isalpha((unsigned char)last.p[0]);
}

/* In whatever order. */
static bool loose_date(struct str value, int64_t *out_ms) {
    struct reading r = {0};
    for (size_t i = 0; i < WORDS_MAX; i++) {
        struct str word = word_next(&value);
        if (!word.n)
            break;
        if (!take(&r, word))
            return false;
    }
    bool day = r.year >= YEAR_MIN && r.year <= YEAR_MAX && r.month >= 1 && r.month <= 12 &&
               r.day >= 1 && r.day <= 31;
    if (!day || r.hour > 24 || r.minute > 59 || r.second > 60)
        return false;
    r.hour = r.pm && r.hour < 12 ? r.hour + 12 : r.am && r.hour == 12 ? 0 : r.hour;
    *out_ms = date_days(r.year, r.month, r.day) * DAY_MS +
              ((int64_t)(r.hour * 60 + r.minute - r.offset_minutes) * 60 + r.second) * 1000;
    return true;
}

bool mail_date(struct str value, int64_t *out_ms) {
    if (ends_with_word(value) && loose_date(value, out_ms))
        return true;
    return date_parse_mail(value, out_ms) || loose_date(value, out_ms);
}
