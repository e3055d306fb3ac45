/* store/health.c - the store's states: who is told, when to try again, the heartbeat.
 *
 *   STARTING ──ready──► RECOVER ──store_recovered──► UP
 *       └─────────► DOWN ◄──EOF, silence, an error that tells of the server──┘
 *                    └──back-off──► connect, handshake ──ready──► RECOVER
 *
 * Back-off with jitter: 50 ms to 5 s where nobody answers, 100 ms to 2 s where the server says
 * "not now", 30 s where an operator must act, 20 ms while the server of a daemon that has gone
 * still holds the lock. A server of our own that has just been started is tried every 10 ms. While
 * connected a beat every 250 ms looks for silence; an idle connection is asked by PING, which also
 * tells a full disk.
 */
#include "store/store_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <touchline/kit/hmac.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"

enum {
    EPOCH_BEATS = 5000 / STORE_BEAT_MS,
    SETTINGS_BEATS = 60000 / STORE_BEAT_MS,
    YOUNG_RETRY_MS = 10,
    CONFIG_RETRY_MS = 30000,
    LOCK_RETRY_MS = 20,
    FLUSH_MS = 500, /* leases that are given away last must reach the server */
};

static const char *const state_names[] = {"starting", "up", "down", "recover"};

const char *store_state_name(enum store_state state) {
    return state_names[state];
}

/* The only place where the state moves. */
static void enter(struct store *s, enum store_state state, const char *why) {
    bool told = state == s->state && strcmp(why, s->why) == 0;
    s->state = state;
    snprintf(s->why, sizeof s->why, "%s", why);
    metric_set(METRIC_STORE_STATE, state == STORE_UP ? 2 : state == STORE_RECOVER ? 1 : 0);
    if (told)
        return;
    if (state == STORE_DOWN)
        log_warn("store.down", "why=%s", log_value(str_c(s->why)));
    else
        log_info("store.state", "state=%s epoch=%lld", state_names[state], (long long)s->epoch);
    if (s->events.state)
        s->events.state(s->events.ctx, state, s->went_back, s->epoch, s->why);
}

static void tell_followers(struct store *s, bool up) {
    list_each (l, &s->followers) {
        struct store_follower *fo = container_of(l, struct store_follower, link);
        fo->follow(fo->ctx, up);
    }
}

void store_follow(struct store *s, struct store_follower *fo) {
    list_push(&s->followers, &fo->link);
    if (s->ready)
        fo->follow(fo->ctx, true);
}

void store_unfollow(struct store_follower *fo) {
    link_remove(&fo->link);
}

/* ---- trying again ---- */

static int64_t with_jitter(int64_t ms) {
    uint16_t r;
    bytes_random(&r, sizeof r);
    return ms * 3 / 4 + ms / 2 * r / UINT16_MAX;
}

static int64_t retry_delay(struct store *s, enum store_retry retry) {
    static const struct {
        int64_t first, most;
    } steps[] = {
        [RETRY_HARD] = {50, 5000},
        [RETRY_SOFT] = {100, 2000},
        [RETRY_CONFIG] = {CONFIG_RETRY_MS, CONFIG_RETRY_MS},
        [RETRY_LOCK] = {LOCK_RETRY_MS, LOCK_RETRY_MS},
    };
    if (retry < RETRY_CONFIG && s->embedded && store_embedded_is_young(s->embedded))
        return YOUNG_RETRY_MS;
    int64_t ms = steps[retry].first << (s->failures < 10 ? s->failures : 10);
    if (s->failures < 10)
        s->failures++;
    return with_jitter(ms < steps[retry].most ? ms : steps[retry].most);
}

void store_health_down(struct store *s, enum store_retry retry, const char *format, ...) {
    char why[FAULT_REASON_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    bool was_ready = s->ready;
    /* A server that we have just started is not listening yet: no news. */
    bool quiet =
        !was_ready && retry < RETRY_CONFIG && s->embedded && store_embedded_is_young(s->embedded);
    store_conn_close(s->conn);
    s->conn = NULL;
    s->open = s->ready = false;
    loop_timer_stop(s->beat_timer);
    if (s->closing)
        return;
    loop_timer_set(s->retry_timer, retry_delay(s, retry));
    if (!quiet)
        enter(s, STORE_DOWN, why);
    store_client_fail(s, why);
    store_horizon_fail(s);
    if (was_ready)
        tell_followers(s, false);
}

static void on_open(void *ctx) {
    struct store *s = ctx;
    s->open = true;
    s->heard_ms = clock_mono_ms();
    s->beats = 0;
    loop_timer_set(s->beat_timer, STORE_BEAT_MS);
    store_handshake_begin(s);
}

static void on_reply(void *ctx, const struct store_reply *reply) {
    store_client_reply(ctx, reply);
}

static void on_closed(void *ctx, const char *why) {
    struct store *s = ctx;
    bool refused = str_starts(str_c(why), str_c("refused:"));
    s->conn = NULL;
    if (s->embedded && store_embedded_failed(s->embedded))
        why = "the embedded server does not start; redis.log in its folder says why";
    store_health_down(s, refused ? RETRY_CONFIG : RETRY_HARD, "%s", why);
}

static void attempt(void *arg) {
    struct store *s = arg;
    struct fault f;
    if (s->embedded && !store_embedded_ensure(s->embedded, &f)) {
        store_health_down(s, f.kind == FAULT_BUSY ? RETRY_LOCK : RETRY_CONFIG, "%s%s",
                          f.kind == FAULT_BUSY ? "" : "refused: ", f.reason);
        return;
    }
    struct store_conn_events events = {s, on_open, on_reply, on_closed};
    s->conn = store_conn_new(s, &events);
}

/* ---- the heartbeat ---- */

static void on_pong(void *arg, const struct store_reply *reply, const struct fault *f) {
    (void)f;
    if (reply && reply->type == STORE_ERROR)
        store_client_judge(arg, reply->str);
}

static void on_beat(void *arg) {
    struct store *s = arg;
    if (!store_client_is_alive(s)) {
        store_health_down(s, RETRY_HARD, "no answer for 2 s");
        return;
    }
    loop_timer_set(s->beat_timer, STORE_BEAT_MS);
    s->beats++;
    if (!s->ready)
        return;
    store_horizon_beat(s);
    metric_set(METRIC_STORE_INFLIGHT, (int64_t)(s->flying_n + s->waiting_n));
    if (s->beats % EPOCH_BEATS == 0)
        store_epoch_raise(s, NULL);
    if (s->beats % SETTINGS_BEATS == 0)
        store_handshake_again(s);
    if (s->flying_n == 0) {
        struct str ping = str_c("PING");
        store_client_now(s, &ping, 1, on_pong, s);
    }
}

void store_health_ready(struct store *s) {
    s->ready = true;
    s->failures = 0;
    if (s->embedded)
        store_embedded_works(s->embedded);
    metric_add(METRIC_STORE_RECONNECTS, 1);
    metric_set(METRIC_STORE_MEMORY, s->memory_bytes);
    enter(s, STORE_RECOVER, "");
    tell_followers(s, true);
}

void store_recovered(struct store *s) {
    if (s->state != STORE_RECOVER)
        return;
    if (s->went_back)
        store_epoch_heal(s);
    s->went_back = false;
    enter(s, STORE_UP, "");
}

static void on_soon(void *arg) {
    struct store *s = arg;
    store_client_soon(s);
    if (!s->ready)
        store_horizon_fail(s);
}

void store_health_start(struct store *s) {
    s->soon_timer = loop_timer_new(s->loop, 0, on_soon, s);
    s->beat_timer = loop_timer_new(s->loop, STORE_BEAT_MS, on_beat, s);
    loop_timer_stop(s->beat_timer);
    s->retry_timer = loop_timer_new(s->loop, 0, attempt, s);
}

void store_health_stop(struct store *s) {
    s->closing = true;
    loop_timer_free(s->beat_timer);
    loop_timer_free(s->retry_timer);
    loop_timer_free(s->soon_timer);
    if (s->conn)
        store_conn_flush(s->conn, FLUSH_MS);
    store_conn_close(s->conn);
    s->conn = NULL;
    s->open = s->ready = false;
}

enum store_state store_state(const struct store *s) {
    return s->state;
}

const char *store_why(const struct store *s) {
    return s->why;
}
