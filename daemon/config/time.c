/* config/time.c - tables of calendars and service levels, and a calendar's windows. */
#include "config/time.h"

#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/own.h>
#include <touchline/kit/zone.h>

#include "config/config_priv.h"

#define AT(type, member) offsetof(struct type, member)

enum { ID_MAX = 64, DAY_S = 86400, SPECIAL_MAX = 4000 };

const struct tl_key calendar_keys[] = {
    {.name = "id",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = AT(calendar_config, id),
     .min = 1,
     .max = ID_MAX,
     .help = "what service levels and rules call the calendar"},
    {.name = "zone",
     .type = TL_KEY_STR,
     .offset = AT(calendar_config, zone),
     .min = 1,
     .max = 99,
     .help = "time zone of its hours, like Europe/Berlin; absent: UTC"},
    {.name = "week",
     .type = TL_KEY_NODE,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(calendar_config, week),
     .help = "hours by day or range of days (mon-thu): [08:00-12:00, 13:00-17:30]; one that ends "
             "before it begins reaches into the next day; days not named are closed"},
    {.name = "holidays",
     .type = TL_KEY_STRS,
     .flags = CONFIG_KEY_PATHS,
     .offset = AT(calendar_config, holidays),
     .help = "iCalendar files whose events of whole days close the calendar; read at each reload"},
    {.name = "special",
     .type = TL_KEY_NODE,
     .offset = AT(calendar_config, special),
     .help = "hours of single days, or closed; before holidays and week: { 2026-12-24: "
             "[08:00-12:00] }"},
    {0},
};

static const struct tl_key clock_keys[] = {
    {.name = "within",
     .type = TL_KEY_DURATION,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(level_clock, within_ms),
     .min = 1000,
     .max = INT64_C(365) * 86400000,
     .help = "so much open time of the calendar"},
    {.name = "warn",
     .type = TL_KEY_SHARE,
     .offset = AT(level_clock, warn_percent),
     .min = 1,
     .max = 99,
     .help = "a warning once this share of it is over; absent: none"},
    {0},
};

#define CLOCK(member)                                                                              \
    .name = #member, .type = TL_KEY_MAP, .sub = clock_keys, .offset = AT(level_config, member),    \
    .sub_bytes = sizeof(struct level_clock)
const struct tl_key level_keys[] = {
    {.name = "id",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = AT(level_config, id),
     .min = 1,
     .max = ID_MAX,
     .help = "what queues call the service level"},
    {.name = "calendar",
     .type = TL_KEY_REF,
     .offset = AT(level_config, calendar),
     .choices = "calendars",
     .help = "whose open time counts; absent: around the clock"},
    {CLOCK(first_response),
     .help = "from the task's begin to an agent's first reply; what answers by itself does not "
             "count; a rule's `due` stands before it"},
    {CLOCK(next_response),
     .help = "after the first reply: from the oldest message that nobody answered to the reply"},
    {CLOCK(update), .help = "from an agent's last reply to his next"},
    {CLOCK(resolve), .help = "from the task's begin to its end; rests in the states of pause_on"},
    {CLOCK(acknowledge), .help = "from the task's begin until an agent takes it, or replies"},
    {.name = "pause_on",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = AT(level_config, pause_on),
     .choices = "pending|",
     .help = "states of the conversation in which resolve rests"},
    {0},
};

/* ---- windows ---- */

struct reading {
    struct config_check *check; /* NULL: faults are left out */
};

static void wrong(const struct reading *r, const struct config_node *n, const char *text) {
    if (r->check)
        config_node_fault(r->check, n, "%s", text);
}

static bool two_digits(struct str s, size_t at, int max, int32_t *out) {
    if (at + 2 > s.n || s.p[at] < '0' || s.p[at] > '9' || s.p[at + 1] < '0' || s.p[at + 1] > '9')
        return false;
    *out = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return *out <= max;
}

/* "08:00", "24:00" */
static bool clock_take(struct str s, int32_t *out_s) {
    int32_t h, m;
    if (s.n != 5 || s.p[2] != ':' || !two_digits(s, 0, 24, &h) || !two_digits(s, 3, 59, &m) ||
        (h == 24 && m))
        return false;
    *out_s = h * 3600 + m * 60;
    return true;
}

static void window_read(const struct reading *r, const struct config_node *n,
                        struct time_day *out) {
    struct str s = config_node_kind(n) == CONFIG_SCALAR ? config_node_str(n) : STR_NONE;
    struct str close = s, open = str_cut(&close, '-');
    struct time_window w;
    if (!close.p || !clock_take(str_trim(open), &w.open_s) ||
        !clock_take(str_trim(close), &w.close_s) || w.open_s == w.close_s || w.open_s == DAY_S) {
        wrong(r, n, "no hours; allowed are HH:MM-HH:MM, 00:00-24:00 for a whole day");
        return;
    }
    if (w.close_s < w.open_s)
        w.close_s += DAY_S;
    for (size_t i = 0; i < out->n; i++)
        if (w.open_s < out->windows[i].close_s && out->windows[i].open_s < w.close_s) {
            wrong(r, n, "these hours overlap others of the same day");
            return;
        }
    if (out->n == TIME_WINDOWS_MAX)
        wrong(r, n, "a day has at most 16 windows");
    else
        out->windows[out->n++] = w;
}

/* [HOURS, …], HOURS or closed. */
static void day_read(const struct reading *r, const struct config_node *n, struct time_day *out) {
    *out = (struct time_day){0};
    if (config_node_kind(n) == CONFIG_SCALAR && str_is(config_node_str(n), "closed"))
        return;
    if (config_node_kind(n) != CONFIG_LIST) {
        window_read(r, n, out);
        return;
    }
    for (size_t i = 0; i < config_node_count(n); i++)
        window_read(r, config_node_item(n, i), out);
}

static int weekday_of(struct str s) {
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++)
        if (str_is_nocase(s, names[i]))
            return i;
    return -1;
}

/* "fri" or "mon-thu", also over the week's end: "fri-mon". */
static void week_read(const struct reading *r, const struct config_node *n,
                      struct time_day week[7]) {
    unsigned named = 0;
    if (!n)
        return;
    if (config_node_kind(n) != CONFIG_MAP) {
        wrong(r, n, "a mapping of days to hours is expected: { mon-thu: [08:00-17:30] }");
        return;
    }
    for (size_t i = 0; i < config_node_count(n); i++) {
        const struct config_node *at = config_node_key_node(n, i);
        struct str last = config_node_key(n, i), first = str_cut(&last, '-');
        int from = weekday_of(first), to = last.p ? weekday_of(last) : from;
        struct time_day day;
        if (from < 0 || to < 0) {
            wrong(r, at, "no day; allowed are mon tue wed thu fri sat sun, and ranges: mon-thu");
            continue;
        }
        day_read(r, config_node_item(n, i), &day);
        for (int d = from;; d = (d + 1) % 7) {
            if (named >> d & 1)
                wrong(r, at, "a day of it has its hours already");
            named |= 1u << d;
            week[d] = day;
            if (d == to)
                break;
        }
    }
}

/* "2026-12-24" */
static bool date_take(struct str s, int64_t *out_day) {
    char text[32];
    int64_t ms;
    if (s.n != 10)
        return false;
    memcpy(text, s.p, 10);
    memcpy(text + 10, "T00:00:00Z", 11);
    if (!date_parse(str_c(text), &ms))
        return false;
    *out_day = ms / (DAY_S * INT64_C(1000)) - (ms < 0);
    return true;
}

static void special_read(const struct reading *r, const struct config_node *n,
                         struct calendar_said *out) {
    if (!n)
        return;
    if (config_node_kind(n) != CONFIG_MAP || config_node_count(n) > SPECIAL_MAX) {
        wrong(r, n, "a mapping of dates to hours is expected: { 2026-12-31: closed }");
        return;
    }
    out->special = mem_new((config_node_count(n) + 1) * sizeof *out->special);
    for (size_t i = 0; i < config_node_count(n); i++) {
        struct time_special *s = &out->special[out->special_n];
        if (!date_take(config_node_key(n, i), &s->day)) {
            wrong(r, config_node_key_node(n, i), "no date; allowed is 2026-12-24");
            continue;
        }
        day_read(r, config_node_item(n, i), &s->as);
        out->special_n++;
    }
}

void calendar_read(const struct calendar_config *c, struct config_check *check,
                   struct calendar_said *out) {
    const struct reading r = {check};
    struct fault f;
    *out = (struct calendar_said){.holidays = NULL};
    week_read(&r, c->week, out->week);
    special_read(&r, c->special, out);
    for (size_t i = 0; i < c->holidays.n; i++)
        if (!holidays_read(c->holidays.items[i].p, &out->holidays, &out->holidays_n, &f) && check)
            config_check_fault(check, c->holidays.items[i].p, "%s: %s", f.place, f.reason);
}

void calendar_said_clear(struct calendar_said *said) {
    free(said->special);
    free(said->holidays);
    *said = (struct calendar_said){.holidays = NULL};
}

/* ---- checks ---- */

void calendars_check(const void *calendars, struct config_check *check) {
    const struct tl_items *list = calendars;
    const struct calendar_config *c = list->items;
    for (size_t i = 0; i < list->n; i++) {
        struct calendar_said said;
        struct zone *z = zone_open(c[i].zone);
        size_t windows = 0;
        if (!z)
            config_check_fault(check, &c[i].zone,
                               "is no time zone of this system; like Europe/Berlin");
        zone_free(z);
        calendar_read(&c[i], check, &said);
        for (size_t d = 0; d < 7; d++)
            windows += said.week[d].n;
        for (size_t d = 0; d < said.special_n; d++)
            windows += said.special[d].as.n;
        if (c[i].week && !windows)
            config_check_fault(check, &c[i].week, "calendar %.*s never opens", STR_ARG(c[i].id));
        calendar_said_clear(&said);
    }
}

void levels_check(const void *levels, struct config_check *check) {
    const struct tl_items *list = levels;
    const struct level_config *l = list->items;
    for (size_t i = 0; i < list->n; i++)
        if (!l[i].first_response.within_ms && !l[i].next_response.within_ms &&
            !l[i].update.within_ms && !l[i].resolve.within_ms && !l[i].acknowledge.within_ms)
            config_check_fault(check, &l[i].id,
                               "it has no clock; allowed are first_response, next_response, "
                               "update, resolve and acknowledge");
}
