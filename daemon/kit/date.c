/* kit/date.c - instants and the forms they come in. No time zones of the system, no locale. */
#include <touchline/kit/date.h>

#include <stdio.h>

enum { DAY_S = 86400 };

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

struct civil {
    int year, month, day, hour, minute, second, ms, weekday;
};

/* Years begin in March here, so that the leap day is the last of its year and a 400-year cycle
 * has the same length everywhere. */
int64_t date_days(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t cycle = (y >= 0 ? y : y - 399) / 400;
    int64_t of_cycle = y - cycle * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return cycle * 146097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719468;
}

static bool leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

static struct civil civil_of(int64_t ms) {
    const int64_t first = date_days(0, 1, 1) * DAY_S * 1000;
    const int64_t last = date_days(10000, 1, 1) * DAY_S * 1000 - 1;
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t of_day = ms % (DAY_S * 1000);
    if (of_day < 0)
        of_day += DAY_S * 1000;
    int64_t days = (ms - of_day) / (DAY_S * 1000);
    struct civil c = {.ms = (int)(of_day % 1000)};
    int second = (int)(of_day / 1000);
    c.hour = second / 3600;
    c.minute = second / 60 % 60;
    c.second = second % 60;
    c.weekday = (int)(((days % 7) + 7) % 7);
    int64_t z = days + 719468; /* never below zero from year 0 on, January of year 0 apart */
    int64_t cycle = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_cycle = z - cycle * 146097;
    int64_t year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    int64_t of_year = of_cycle - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    c.day = (int)(of_year - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = (int)(year + cycle * 400 + (c.month <= 2));
    return c;
}

static bool civil_ms(const struct civil *c, int offset_minutes, int64_t *out_ms) {
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > month_days(c->year, c->month) ||
        c->hour > 23 || c->minute > 59 || c->second > 60)
        return false;
    int second = c->second == 60 ? 59 : c->second;
    int64_t s = date_days(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 +
                second - (int64_t)offset_minutes * 60;
    *out_ms = s * 1000 + c->ms;
    return true;
}

void date_format(int64_t ms, char out[DATE_RFC3339_MAX]) {
    struct civil c = civil_of(ms);
    snprintf(out, DATE_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year % 10000, c.month,
             c.day, c.hour, c.minute, c.second, c.ms % 1000);
}

void date_format_http(int64_t ms, char out[32]) {
    struct civil c = civil_of(ms);
    snprintf(out, 32, "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[c.weekday], c.day,
             month_names[c.month - 1], c.year % 10000, c.hour, c.minute, c.second);
}

void date_format_mail(int64_t ms, char out[40]) {
    struct civil c = civil_of(ms);
    snprintf(out, 40, "%s, %d %s %04d %02d:%02d:%02d +0000", day_names[c.weekday], c.day,
             month_names[c.month - 1], c.year % 10000, c.hour, c.minute, c.second);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes min to max digits off the front; how many is left in *out_n where wanted. */
static bool take_number(struct str *s, size_t min, size_t max, int *out, size_t *out_n) {
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < max && is_digit(s->p[n]))
        v = v * 10 + (s->p[n++] - '0');
    if (n < min || (n < s->n && is_digit(s->p[n])))
        return false;
    *s = str_from(*s, n);
    *out = v;
    if (out_n)
        *out_n = n;
    return true;
}

static bool take_byte(struct str *s, const char *one_of) {
    if (!s->n || !s->p[0] || !strchr(one_of, s->p[0]))
        return false;
    *s = str_from(*s, 1);
    return true;
}

static bool take_fraction(struct str *s, int *out_ms) {
    if (!take_byte(s, "."))
        return true;
    size_t n = 0;
    int ms = 0, scale = 100;
    for (; n < s->n && is_digit(s->p[n]); n++, scale /= 10)
        ms += (s->p[n] - '0') * scale;
    *s = str_from(*s, n);
    *out_ms = ms;
    return n > 0;
}

/* "Z", "+01:00", or without the colon where mail writes it so. */
static bool take_offset(struct str *s, bool colon, int *out_minutes) {
    bool east = s->n && s->p[0] == '+';
    int hours, minutes;
    if (!take_byte(s, "+-"))
        return false;
    if (colon) {
        if (!take_number(s, 2, 2, &hours, NULL) || !take_byte(s, ":") ||
            !take_number(s, 2, 2, &minutes, NULL) || hours > 23)
            return false;
    } else {
        int both;
        if (!take_number(s, 4, 4, &both, NULL))
            return false;
        hours = both / 100;
        minutes = both % 100;
    }
    if (minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (east ? 1 : -1);
    return true;
}

bool date_parse(struct str s, int64_t *out_ms) {
    struct civil c = {0};
    int offset = 0;
    if (!take_number(&s, 4, 4, &c.year, NULL) || !take_byte(&s, "-") ||
        !take_number(&s, 2, 2, &c.month, NULL) || !take_byte(&s, "-") ||
        !take_number(&s, 2, 2, &c.day, NULL) || !take_byte(&s, "Tt ") ||
        !take_number(&s, 2, 2, &c.hour, NULL) || !take_byte(&s, ":") ||
        !take_number(&s, 2, 2, &c.minute, NULL) || !take_byte(&s, ":") ||
        !take_number(&s, 2, 2, &c.second, NULL) || !take_fraction(&s, &c.ms))
        return false;
    if (!take_byte(&s, "Zz") && !take_offset(&s, true, &offset))
        return false;
    return s.n == 0 && civil_ms(&c, offset, out_ms);
}

/* Folding white space and comments, which nest (RFC 5322 3.2.2). false: a comment never ends. */
static bool skip_cfws(struct str *s) {
    size_t depth = 0, i = 0;
    for (; i < s->n; i++) {
        char c = s->p[i];
        if (c == '\\' && depth)
            i++;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
    }
    *s = str_from(*s, i);
    return depth == 0;
}

static struct str take_word(struct str *s) {
    size_t n = 0;
    while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    struct str word = str_upto(*s, n);
    *s = str_from(*s, n);
    return word;
}

/* RFC 5322 4.3: the names of zones; single letters and unknown ones count as -0000. */
static int zone_minutes(struct str name) {
    static const struct {
        const char *name;
        int minutes;
    } zones[] = {{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300},
                 {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}};
    for (size_t i = 0; i < COUNT(zones); i++)
        if (str_is_nocase(name, zones[i].name))
            return zones[i].minutes;
    return 0;
}

static bool take_mail_day(struct str *s, struct civil *c) {
    struct str day_name = take_word(s);
    if (day_name.n && (!skip_cfws(s) || (take_byte(s, ",") && !skip_cfws(s))))
        return false;
    size_t digits;
    if (!take_number(s, 1, 2, &c->day, NULL) || !skip_cfws(s))
        return false;
    struct str month = take_word(s);
    for (int i = 0; i < 12; i++)
        if (str_is_nocase(month, month_names[i]))
            c->month = i + 1;
    if (!skip_cfws(s) || !take_number(s, 2, 4, &c->year, &digits))
        return false;
    if (digits == 3 || (digits == 2 && c->year >= 50))
        c->year += 1900;
    else if (digits == 2)
        c->year += 2000;
    return skip_cfws(s);
}

static bool take_mail_time(struct str *s, struct civil *c) {
    if (!take_number(s, 1, 2, &c->hour, NULL) || !skip_cfws(s) || !take_byte(s, ":") ||
        !skip_cfws(s) || !take_number(s, 2, 2, &c->minute, NULL) || !skip_cfws(s))
        return false;
    if (!take_byte(s, ":"))
        return true;
    return skip_cfws(s) && take_number(s, 2, 2, &c->second, NULL) && skip_cfws(s);
}

bool date_parse_mail(struct str s, int64_t *out_ms) {
    struct civil c = {0};
    int offset = 0;
    if (!skip_cfws(&s) || !take_mail_day(&s, &c) || !take_mail_time(&s, &c))
        return false;
    if (s.n && (s.p[0] == '+' || s.p[0] == '-')) {
        if (!take_offset(&s, false, &offset))
            return false;
    } else {
        struct str zone = take_word(&s);
        if (!zone.n)
            return false;
        offset = zone_minutes(zone);
    }
    return skip_cfws(&s) && s.n == 0 && civil_ms(&c, offset, out_ms);
}
