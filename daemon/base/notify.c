/* base/notify.c - see notify.h. */
#include "base/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/loop.h"

static struct loop_timer *watchdog;
static int64_t watchdog_ms;

void notify_ready(void) {
    sd_notify(0, "READY=1");
}

void notify_reloading(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
               (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void notify_stopping(void) {
    sd_notify(0, "STOPPING=1");
}

void notify_status(const char *text) {
    sd_notifyf(0, "STATUS=%s", text);
}

static void feed(void *arg) {
    (void)arg;
    sd_notify(0, "WATCHDOG=1");
    loop_timer_set(watchdog, watchdog_ms);
}

void notify_watchdog(struct loop *l) {
    uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) <= 0 || usec < 2000)
        return;
    watchdog_ms = (int64_t)(usec / 2000);
    watchdog = loop_timer_new(l, watchdog_ms, feed, NULL);
}

void notify_watchdog_stop(void) {
    loop_timer_free(watchdog);
    watchdog = NULL;
}
