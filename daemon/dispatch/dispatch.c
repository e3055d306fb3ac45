/* dispatch/dispatch.c - opens and closes the room. */
#include "dispatch/dispatch.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"

void waits_begin(struct dispatch *d, struct waits *w) {
    w->d = d;
    list_push(&d->waiting, &w->link);
}

struct dispatch *waits_end(struct waits *w) {
    link_remove(&w->link);
    return w->d;
}

bool dispatch_open(struct loop *loop, struct store *store, struct spool *spool,
                   const struct roster_config *config, struct dispatch **out, struct fault *f) {
    (void)f;
    struct dispatch *d = NEW(struct dispatch);
    uint8_t random[16];
    bytes_random(random, sizeof random);
    hex_encode(random, sizeof random, d->holder);
    d->loop = loop;
    d->store = store;
    d->spool = spool;
    d->people = people_new(config);
    d->times = times_new(config);
    d->opened_ms = clock_wall_ms();
    link_init(&d->waiting);
    presence_open(d);
    lease_start(d);
    upkeep_start(d);
    *out = d;
    return true;
}

void dispatch_reload(struct dispatch *d, const struct roster_config *config) {
    struct people *people = d->people;
    struct times *times = d->times;
    d->people = people_new(config);
    d->times = times_new(config);
    if (d->phase != PHASE_IDLE)
        lease_restart(d, "the configuration has changed");
    times_free(times); /* the router that looked at them has gone */
    people_free(people);
}

void dispatch_run(struct dispatch *d, bool on) {
    if (d->running == on)
        return;
    d->running = on;
    if (on) {
        presence_again(d);
        loop_timer_set(d->lease_timer, 0);
    } else {
        lease_lost(d, "routing stops");
    }
}

void dispatch_close(struct dispatch *d) {
    if (!d)
        return;
    lease_stop(d);
    presence_close(d);
    loop_timer_free(d->upkeep_timer);
    list_each (l, &d->waiting) {
        link_remove(l);
        container_of(l, struct waits, link)->d = NULL;
    }
    times_free(d->times);
    people_free(d->people);
    free(d);
}

bool dispatch_calendar_open(const struct dispatch *d, struct str calendar, int64_t at_ms) {
    const struct calendar *c = d ? times_calendar(d->times, calendar) : NULL;
    return c && calendar_is_open(c, at_ms);
}
