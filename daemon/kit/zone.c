/* kit/zone.c - see zone.h. The 64-bit block of the file is read, and the rule at its end, which
 * holds after the last transition.
 *
 * A local time is looked up among the transitions as wall clocks show them. Where a clock jumps
 * forward the old offset counts until the gap has ended, where it falls back until the fold has:
 * so both begin at the transition plus the larger of the two offsets. The second of two times is
 * found by the smaller.
 */
#include <touchline/kit/zone.h>

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/own.h>

enum {
    FILE_MAX = 256 * 1024,
    HEADER = 44,
    TRANSITIONS_MAX = 4096,
    PATH_BYTES = 512,
    DAY_S = 86400,
};

/* One of the two days a year on which a rule's clock changes. */
struct change {
    char kind; /* 'M' month week day, 'J' day 1 to 365 without 29 February, 'N' day 0 to 365 */
    int month, week, day;
    int32_t time_s; /* of the wall clock until then, from midnight */
};

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
struct rule {
    bool given, has_dst;
    int32_t std_s, dst_s; /* east of UTC */
    struct change start, end;
};

struct zone {
    size_t n;
    int64_t *at_s;      /* from then on … */
    int32_t *offset_s;  /* … this east of UTC */
    int64_t *wall_s[2]; /* the same as clocks show it: of the first of two times, of the second */
    int32_t first_s;    /* before the first */
    struct rule rule;   /* after the last */
};

/* ---- the rule ---- */

/* A number with an end; false where none stands there. */
static bool take_number(struct str *s, int max, int *out) {
    size_t i = 0;
    *out = 0;
    while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && *out <= max)
        *out = *out * 10 + (s->p[i++] - '0');
    *s = str_from(*s, i);
    return i > 0 && *out <= max;
}

static bool take_sign(struct str *s, char sign) {
    if (!s->n || s->p[0] != sign)
        return false;
    *s = str_from(*s, 1);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct str *s, int hours_max, int32_t *out) {
    int h, m = 0, sec = 0;
    bool minus = take_sign(s, '-');
    if (!minus)
        take_sign(s, '+');
    if (!take_number(s, hours_max, &h) || (take_sign(s, ':') && !take_number(s, 59, &m)) ||
        (take_sign(s, ':') && !take_number(s, 59, &sec)))
        return false;
    *out = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
    return true;
}

/* "CET" or "<+0330>" */
static bool take_name(struct str *s) {
    size_t i = 0;
    if (take_sign(s, '<')) {
        ptrdiff_t end = str_find(*s, '>');
        *s = str_from(*s, end < 0 ? s->n : (size_t)end + 1);
        return end > 0;
    }
    while (i < s->n && ((s->p[i] >= 'a' && s->p[i] <= 'z') || (s->p[i] >= 'A' && s->p[i] <= 'Z')))
        i++;
    *s = str_from(*s, i);
    return i > 0;
}

static bool take_change(struct str *s, struct change *out) {
    *out = (struct change){.kind = 'N', .time_s = 2 * 3600};
    if (!take_sign(s, ','))
        return false;
    bool ok = true;
    if (take_sign(s, 'M')) {
        out->kind = 'M';
        ok = take_number(s, 12, &out->month) && take_sign(s, '.') &&
             take_number(s, 5, &out->week) && take_sign(s, '.') && take_number(s, 6, &out->day) &&
             out->month > 0 && out->week > 0;
    } else {
        if (take_sign(s, 'J'))
            out->kind = 'J';
        ok = take_number(s, 365, &out->day);
    }
    return ok && (!take_sign(s, '/') || take_time(s, 167, &out->time_s));
}

static bool rule_read(struct str s, struct rule *out) {
    struct rule r = {.given = true};
    if (!take_name(&s) || !take_time(&s, 24, &r.std_s))
        return false;
    r.std_s = -r.std_s; /* POSIX counts west of Greenwich */
    r.dst_s = r.std_s + 3600;
    if (s.n) {
        r.has_dst = true;
        if (!take_name(&s))
            return false;
        if (s.n && s.p[0] != ',') {
            if (!take_time(&s, 24, &r.dst_s))
                return false;
            r.dst_s = -r.dst_s;
        }
        if (!take_change(&s, &r.start) || !take_change(&s, &r.end) || s.n)
            return false;
    }
    *out = r;
    return true;
}

/* A day's weekday, Sunday 0: 1970-01-01 was a Thursday. */
static int weekday(int64_t day) {
    return (int)(((day + 4) % 7 + 7) % 7);
}

/* When it is that year, by the wall clock until then. */
static int64_t change_s(const struct change *c, int year) {
    int64_t day = date_days(year, 1, 1);
    if (c->kind == 'M') {
        int64_t first = date_days(year, c->month, 1);
        int64_t next =
            c->month == 12 ? date_days(year + 1, 1, 1) : date_days(year, c->month + 1, 1);
        day = first + (c->day - weekday(first) + 7) % 7 + (c->week - 1) * 7;
        if (day >= next) /* the fifth is the last */
            day -= 7;
    } else if (c->kind == 'J') {
        bool leap = date_days(year, 3, 1) - date_days(year, 2, 28) == 2;
        day += c->day - 1 + (leap && c->day >= 60);
    } else {
        day += c->day;
    }
    return day * DAY_S + c->time_s;
}

static int year_of(int64_t s) {
    int64_t day = s / DAY_S - (s % DAY_S < 0);
    int year = (int)(1970 + day / 366) - (day < 0);
    while (date_days(year + 1, 1, 1) <= day)
        year++;
    return year;
}

static bool within(int64_t t, int64_t start, int64_t end) {
    return start < end ? t >= start && t < end : !(t >= end && t < start);
}

static int32_t rule_at(const struct rule *r, int64_t utc_s) {
    if (!r->has_dst)
        return r->std_s;
    int year = year_of(utc_s + r->std_s);
    return within(utc_s, change_s(&r->start, year) - r->std_s, change_s(&r->end, year) - r->dst_s)
               ? r->dst_s
               : r->std_s;
}

static int32_t rule_local(const struct rule *r, int64_t local_s, bool second) {
    if (!r->has_dst)
        return r->std_s;
    int year = year_of(local_s), ahead = r->dst_s - r->std_s;
    int64_t start = change_s(&r->start, year), end = change_s(&r->end, year);
    if (second == (ahead >= 0))
        end -= ahead;
    else
        start += ahead;
    return within(local_s, start, end) ? r->dst_s : r->std_s;
}

/* ---- the file ---- */

static uint32_t u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static int64_t i64(const uint8_t *p) {
    return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

struct counts {
    uint32_t utc, std, leap, time, type, chars;
};

static bool read_counts(const uint8_t *p, size_t n, struct counts *out) {
    if (n < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *out = (struct counts){u32(p + 20), u32(p + 24), u32(p + 28),
                           u32(p + 32), u32(p + 36), u32(p + 40)};
    return out->time <= TRANSITIONS_MAX && out->type <= 256 && out->type > 0 &&
           out->chars <= 4096 && out->leap <= 100 && out->std <= 256 && out->utc <= 256;
}

static void see_walls(struct zone *z) {
    for (size_t i = 0; i < z->n; i++) {
        int32_t before = i ? z->offset_s[i - 1] : z->first_s, after = z->offset_s[i];
        z->wall_s[0][i] = z->at_s[i] + (before > after ? before : after);
        z->wall_s[1][i] = z->at_s[i] + (before > after ? after : before);
    }
}

/* Between two line ends after the last block; without one the last offset stands for ever. */
static bool read_footer(struct zone *z, const uint8_t *p, size_t n) {
    struct str s = str_make((const char *)p, n);
    if (!take_sign(&s, '\n'))
        return false;
    ptrdiff_t end = str_find(s, '\n');
    return end == 0 || (end > 0 && rule_read(str_upto(s, (size_t)end), &z->rule));
}

static bool parse(struct zone *z, const uint8_t *p, size_t n) {
    struct counts c;
    if (!read_counts(p, n, &c) || p[4] < '2')
        return false;
    size_t first = HEADER + c.time * 5 + c.type * 6 + c.chars + c.leap * 8 + c.std + c.utc;
    if (first + HEADER > n || !read_counts(p + first, n - first, &c))
        return false;
    const uint8_t *times = p + first + HEADER, *kinds = times + c.time * 8, *types = kinds + c.time;
    size_t end = (size_t)(types - p) + c.type * 6 + c.chars + c.leap * (size_t)12 + c.std + c.utc;
    if (end > n)
        return false;
    z->n = c.time;
    z->at_s = mem_new((c.time + 1) * sizeof *z->at_s);
    z->offset_s = mem_new((c.time + 1) * sizeof *z->offset_s);
    for (int i = 0; i < 2; i++)
        z->wall_s[i] = mem_new((c.time + 1) * sizeof *z->wall_s[i]);
    z->first_s = (int32_t)u32(types);
    for (uint32_t i = 0; i < c.time; i++) {
        if (kinds[i] >= c.type)
            return false;
        z->at_s[i] = i64(times + i * 8);
        z->offset_s[i] = (int32_t)u32(types + kinds[i] * 6);
    }
    see_walls(z);
    return read_footer(z, p + end, n - end);
}

/* A zone's name is a path below the zone folder: letters, digits and a few signs, nothing that
 * climbs. */
static bool name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '+' || (c == '/' && i > 0 && name.p[i - 1] != '/');
        if (!ok)
            return false;
    }
    return name.n < 100;
}

struct zone *zone_open(struct str name) {
    struct zone *z = NEW(struct zone);
    char path[PATH_BYTES];
    if (!name.n || str_is_nocase(name, "UTC"))
        return z;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    FILE *f = name_ok(name) ? fopen(path, "rb") : NULL;
    cleanup(mem_freep) uint8_t *bytes = mem_new(FILE_MAX);
    size_t n = f ? fread(bytes, 1, FILE_MAX, f) : 0;
    if (f)
        fclose(f);
    if (n && parse(z, bytes, n))
        return z;
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z) {
    if (!z)
        return;
    free(z->at_s);
    free(z->offset_s);
    free(z->wall_s[0]);
    free(z->wall_s[1]);
    free(z);
}

/* How many of them are not after t. */
static size_t passed(const int64_t *at, size_t n, int64_t t) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (at[mid] <= t)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int32_t zone_offset_s(const struct zone *z, int64_t utc_s) {
    if (!z)
        return 0;
    size_t k = passed(z->at_s, z->n, utc_s);
    if (k == z->n && z->rule.given)
        return rule_at(&z->rule, utc_s);
    return k ? z->offset_s[k - 1] : z->first_s;
}

static int32_t offset_local(const struct zone *z, int64_t local_s, bool second) {
    size_t k = passed(z->wall_s[second], z->n, local_s);
    if (k == z->n && z->rule.given)
        return rule_local(&z->rule, local_s, second);
    return k ? z->offset_s[k - 1] : z->first_s;
}

void zone_both_utc_ms(const struct zone *z, int64_t local_ms, int64_t out[2]) {
    int64_t local_s = local_ms / 1000 - (local_ms % 1000 < 0);
    out[0] = out[1] = local_ms;
    if (!z)
        return;
    out[0] -= offset_local(z, local_s, false) * INT64_C(1000);
    out[1] -= offset_local(z, local_s, true) * INT64_C(1000);
    if (out[1] < out[0]) /* skipped: there is one only */
        out[1] = out[0];
}

int64_t zone_to_utc_ms(const struct zone *z, int64_t local_ms) {
    int64_t both[2];
    zone_both_utc_ms(z, local_ms, both);
    return both[0];
}
