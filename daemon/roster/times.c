/* roster/times.c - business time as the file has it: calendars and service levels, made for the
 * router's rooms. Holidays are read here once a load; faults were told by the check. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/zone.h>

#include "roster/roster.h"

static struct calendar_day day_of(const struct time_day *said) {
    struct calendar_day day = {.n = said->n};
    for (size_t i = 0; i < said->n && i < CALENDAR_WINDOWS_MAX; i++)
        day.windows[i] =
            (struct calendar_window){said->windows[i].open_s, said->windows[i].close_s};
    return day;
}

static struct calendar *calendar_of(const struct calendar_config *c) {
    struct calendar_said said;
    calendar_read(c, NULL, &said);
    struct calendar_special *special = mem_new((said.special_n + 1) * sizeof *special);
    struct calendar_facts facts = {.id = c->id,
                                   .take_zone = zone_open(c->zone),
                                   .holidays = said.holidays,
                                   .holidays_n = said.holidays_n,
                                   .special = special,
                                   .special_n = said.special_n};
    for (size_t i = 0; i < COUNT(facts.week); i++)
        facts.week[i] = day_of(&said.week[i]);
    for (size_t i = 0; i < said.special_n; i++)
        special[i] = (struct calendar_special){said.special[i].day, day_of(&said.special[i].as)};
    struct calendar *made = calendar_new(&facts);
    calendar_said_clear(&said);
    free(special);
    return made;
}

static struct service_level level_of(struct times *t, const struct level_config *c) {
    const struct level_clock *clocks[] = {[SERVICE_FIRST_RESPONSE] = &c->first_response,
                                          [SERVICE_NEXT_RESPONSE] = &c->next_response,
                                          [SERVICE_UPDATE] = &c->update,
                                          [SERVICE_RESOLVE] = &c->resolve,
                                          [SERVICE_ACKNOWLEDGE] = &c->acknowledge};
    struct service_level l = {.id = arena_str(&t->arena, c->id),
                              .calendar = times_calendar(t, c->calendar),
                              .rests_pending = c->pause_on.n > 0};
    for (size_t i = 0; i < SERVICE_CLOCKS; i++) {
        l.clocks[i].within_ms = clocks[i]->within_ms;
        l.clocks[i].warn_percent = clocks[i]->warn_percent;
    }
    return l;
}

struct times *times_new(const struct roster_config *c) {
    static const struct tl_items none;
    const struct tl_items *calendars = c->calendars ? c->calendars : &none;
    const struct tl_items *levels = c->levels ? c->levels : &none;
    const struct calendar_config *calendar = calendars->items;
    const struct level_config *level = levels->items;
    struct times *t = NEW(struct times);
    arena_init(&t->arena);
    t->calendars = mem_new((calendars->n + 1) * sizeof *t->calendars);
    t->levels = mem_new((levels->n + 1) * sizeof *t->levels);
    while (t->calendars_n < calendars->n) {
        t->calendars[t->calendars_n] = calendar_of(&calendar[t->calendars_n]);
        t->calendars_n++;
    }
    for (; t->levels_n < levels->n; t->levels_n++)
        t->levels[t->levels_n] = level_of(t, &level[t->levels_n]);
    return t;
}

void times_free(struct times *t) {
    if (!t)
        return;
    for (size_t i = 0; i < t->calendars_n; i++)
        calendar_free(t->calendars[i]);
    free(t->calendars);
    free(t->levels);
    arena_clear(&t->arena);
    free(t);
}

const struct calendar *times_calendar(const struct times *t, struct str id) {
    for (size_t i = 0; i < t->calendars_n; i++)
        if (str_eq(calendar_id(t->calendars[i]), id))
            return t->calendars[i];
    return NULL;
}

const struct service_level *times_level(const struct times *t, const struct people *p,
                                        struct str queue) {
    const struct queue_config *q = people_queue(p, queue);
    for (size_t i = 0; q && i < t->levels_n; i++)
        if (str_eq(t->levels[i].id, q->service_level))
            return &t->levels[i];
    return NULL;
}
