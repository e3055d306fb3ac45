/* config/holidays.c - days that iCalendar files close.
 *
 * Lines are cut and unfolded here, so that a fault names its line; libical reads the values and
 * walks the rules (RFC 5545 3.3.10). An event closes the days from DTSTART until before DTEND.
 */
#include <libical/ical.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/date.h>
#include <touchline/kit/own.h>

#include "config/time.h"

enum { FILE_MAX = 4 << 20, LINE_MAX_BYTES = 4096, DATES_MAX = 512, LAST_YEAR = 2100 };
#define EARLIEST_MS INT64_C(-2208988800000) /* 1900 */
#define LATEST_MS INT64_C(7258118400000)    /* 2200 */

struct event {
    struct icaltimetype start, end;
    struct icaldurationtype duration;
    struct icalrecurrencetype rule;
    struct icaltimetype more[DATES_MAX], without[DATES_MAX];
    size_t more_n, without_n;
    bool has_start, has_end, has_duration, has_rule, cancelled;
};

struct holidays {
    const char *path;
    size_t line;
    int64_t **days;
    size_t *n;
    struct event *event; /* the one that is open */
    int depth, event_depth;
    struct fault *f;
};

static bool wrong(struct holidays *h, const char *reason) {
    char place[FAULT_PLACE_MAX];
    const char *name = strrchr(h->path, '/');
    snprintf(place, sizeof place, "%s:%zu", name ? name + 1 : h->path, h->line);
    return fault_set(h->f, FAULT_INPUT, place, "%s", reason);
}

static int64_t day_of(struct icaltimetype t) {
    return date_days(t.year, t.month, t.day);
}

static bool whole_day(struct icaltimetype t) {
    return t.is_date || (t.hour == 0 && t.minute == 0 && t.second == 0);
}

/* ---- an event's days ---- */

static bool close_days(struct holidays *h, int64_t first, int64_t count) {
    if (*h->n + (size_t)count > HOLIDAYS_MAX)
        return wrong(h, "the files close more than 20000 days");
    *h->days = mem_grow(*h->days, (*h->n + (size_t)count) * sizeof **h->days);
    for (int64_t i = 0; i < count; i++)
        (*h->days)[(*h->n)++] = first + i;
    return true;
}

static bool is_without(const struct event *e, int64_t day) {
    for (size_t i = 0; i < e->without_n; i++)
        if (day_of(e->without[i]) == day)
            return true;
    return false;
}

/* Begin counts itself, whatever the rule says (3.8.5.3). */
static bool close_by_rule(struct holidays *h, const struct event *e, int64_t count) {
    struct icalrecur_iterator_impl *it = icalrecur_iterator_new(e->rule, e->start);
    bool ok = true;
    if (!it)
        return wrong(h, "RRULE is none that can be walked");
    for (struct icaltimetype t = icalrecur_iterator_next(it);
         ok && !icaltime_is_null_time(t) && t.year <= LAST_YEAR; t = icalrecur_iterator_next(it))
        if (day_of(t) != day_of(e->start) && !is_without(e, day_of(t)))
            ok = close_days(h, day_of(t), count);
    icalrecur_iterator_free(it);
    return ok;
}

static bool event_close(struct holidays *h) {
    const struct event *e = h->event;
    int64_t count = 1;
    if (!e->has_start)
        return wrong(h, "an event without DTSTART ends here");
    if (e->has_end)
        count = day_of(e->end) - day_of(e->start);
    else if (e->has_duration)
        count = icaldurationtype_as_int(e->duration) / 86400;
    else if (!e->start.is_date)
        return true;
    if (e->cancelled || !whole_day(e->start) || (e->has_end && !whole_day(e->end)))
        return true;
    if (count < 1)
        count = e->start.is_date; /* DTEND on the same day, as some write it */
    if (!is_without(e, day_of(e->start)) && !close_days(h, day_of(e->start), count))
        return false;
    for (size_t i = 0; i < e->more_n; i++)
        if (!close_days(h, day_of(e->more[i]), count))
            return false;
    return !e->has_rule || close_by_rule(h, e, count);
}

/* ---- lines ---- */

/* Strictly: libical takes the thirteenth month. */
static bool date_take(struct holidays *h, const char *value, struct icaltimetype *out) {
    char text[32];
    int64_t ms;
    size_t digits = strspn(value, "0123456789"), n = strlen(value);
    bool is_date = n == 8 && digits == 8;
    if (is_date)
        snprintf(text, sizeof text, "%.4s-%.2s-%.2sT00:00:00Z", value, value + 4, value + 6);
    else if ((n == 15 || (n == 16 && value[15] == 'Z')) && digits == 8 && value[8] == 'T')
        snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", value, value + 4, value + 6,
                 value + 9, value + 11, value + 13);
    else
        text[0] = '\0';
    if (!date_parse(str_c(text), &ms) || ms < EARLIEST_MS || ms > LATEST_MS)
        return wrong(h, "no date; allowed is 20261224 and 20261224T000000");
    *out = icaltime_from_string(value);
    return true;
}

static bool dates_take(struct holidays *h, char *value, struct icaltimetype *out, size_t *n) {
    for (char *rest = value, *one; (one = strsep(&rest, ","));) {
        if (*n == DATES_MAX)
            return wrong(h, "an event has more than 512 dates");
        if (!date_take(h, one, &out[*n]))
            return false;
        (*n)++;
    }
    return true;
}

static bool event_line(struct holidays *h, const char *name, char *value) {
    struct event *e = h->event;
    if (strcmp(name, "DTSTART") == 0)
        return e->has_start = date_take(h, value, &e->start);
    if (strcmp(name, "DTEND") == 0)
        return e->has_end = date_take(h, value, &e->end);
    if (strcmp(name, "RDATE") == 0)
        return dates_take(h, value, e->more, &e->more_n);
    if (strcmp(name, "EXDATE") == 0)
        return dates_take(h, value, e->without, &e->without_n);
    if (strcmp(name, "DURATION") == 0) {
        e->duration = icaldurationtype_from_string(value);
        e->has_duration = !icaldurationtype_is_bad_duration(e->duration);
        return e->has_duration || wrong(h, "DURATION is none; allowed is P1D");
    }
    if (strcmp(name, "RRULE") == 0) {
        e->rule = icalrecurrencetype_from_string(value);
        e->has_rule = e->rule.freq != ICAL_NO_RECURRENCE;
        return e->has_rule || wrong(h, "RRULE is none; like FREQ=YEARLY");
    }
    if (strcmp(name, "STATUS") == 0)
        e->cancelled = strcasecmp(value, "CANCELLED") == 0;
    return true;
}

static bool begin(struct holidays *h, const char *what) {
    if (h->depth == 0 && strcasecmp(what, "VCALENDAR") != 0)
        return wrong(h, "no iCalendar file: it begins with BEGIN:VCALENDAR");
    h->depth++;
    if (strcasecmp(what, "VEVENT") != 0 || h->event)
        return true;
    h->event = NEW(struct event);
    h->event_depth = h->depth;
    return true;
}

static bool end(struct holidays *h) {
    if (h->depth == 0)
        return wrong(h, "END without BEGIN");
    if (h->event && h->depth == h->event_depth) {
        bool ok = event_close(h);
        free(h->event);
        h->event = NULL;
        if (!ok)
            return false;
    }
    h->depth--;
    return true;
}

/* NAME[;PARAMETER…]:VALUE; a parameter's value may hold a colon in quotes. */
static bool line_take(struct holidays *h, char *line) {
    char *at = line;
    if (!*line)
        return true;
    for (bool quoted = false; *at && (quoted || *at != ':'); at++)
        quoted ^= *at == '"';
    if (!*at)
        return wrong(h, "a line is NAME:VALUE");
    *at++ = '\0';
    line[strcspn(line, ";")] = '\0';
    for (char *p = line; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    if (strcmp(line, "BEGIN") == 0)
        return begin(h, at);
    if (h->depth == 0)
        return wrong(h, "no iCalendar file: it begins with BEGIN:VCALENDAR");
    if (strcmp(line, "END") == 0)
        return end(h);
    return !h->event || h->depth != h->event_depth || event_line(h, line, at);
}

/* Lines are folded by a line end and a blank (3.1). */
static bool lines_take(struct holidays *h, struct str text) {
    char line[LINE_MAX_BYTES];
    size_t n = 0, next = 1;
    bool ok = true;
    if (str_starts(text, str_c("\xEF\xBB\xBF")))
        text = str_from(text, 3);
    while (ok && text.n) {
        struct str one = str_cut(&text, '\n');
        if (one.n && one.p[one.n - 1] == '\r')
            one.n--;
        bool folded = one.n && (one.p[0] == ' ' || one.p[0] == '\t');
        if (folded) {
            one = str_from(one, 1);
        } else {
            line[n] = '\0';
            ok = line_take(h, line);
            n = 0;
            h->line = next;
        }
        size_t taken = one.n < sizeof line - 1 - n ? one.n : sizeof line - 1 - n;
        memcpy(line + n, one.p ? one.p : "", taken); /* the rest of a long text says nothing here */
        n += taken;
        next++;
    }
    line[n] = '\0';
    if (!ok || !line_take(h, line))
        return false;
    h->line = next - 1;
    return h->depth == 0 || wrong(h, "the file ends within a component");
}

bool holidays_read(const char *path, int64_t **io_days, size_t *io_n, struct fault *f) {
    struct holidays h = {.path = path, .line = 1, .days = io_days, .n = io_n, .f = f};
    cleanup(mem_freep) char *bytes = mem_new(FILE_MAX + 1);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return fault_set(f, FAULT_SYSTEM, path, "%s", strerror(errno));
    size_t n = fread(bytes, 1, FILE_MAX + 1, file);
    fclose(file);
    if (n > FILE_MAX)
        return fault_set(f, FAULT_INPUT, path, "larger than 4 MiB");
    if (!n || memchr(bytes, '\0', n))
        return wrong(&h, "no iCalendar file: it begins with BEGIN:VCALENDAR");
    icalerror_set_errors_are_fatal(false);
    bool ok = lines_take(&h, str_make(bytes, n));
    free(h.event);
    return ok;
}
