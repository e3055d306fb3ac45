/* delivery/notices.c - who is told, looking and taking, what became of an attempt.
 *
 *   ring ──► timer ──► scan ──► take ──► attempt ──► end: done, or due again
 *                       ▲ more              │ every KEEP_MS: still ours
 *
 * Where no agent has mail or webhook nothing is asked of the store but, rarely, whether something
 * is left from when one had.
 */
#include "delivery/notices.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "delivery/notices_priv.h"

enum {
    LOOK_MS = 1000,
    RING_MS = 50, /* a burst of entries is one look, which names everybody who is told */
    LOOK_IDLE_MS = 60000,
    KEEP_MS = 5000, /* well below NOTICE_CLAIM_MS */
    ACTIVE_MAX = 32,
};

/* An agent with ways beside the stream. */
struct notices_told {
    const struct agent_config *agent;
    struct str ways; /* as store_notice_scan takes them */
};

static void look(struct notices *n);

/* ---- life ---- */

static void notices_unref(struct notices *n) {
    if (--n->refs > 0)
        return;
    free(n);
}

static void told_clear(struct notices *n) {
    size_t at = 0;
    for (struct notices_told *t; (t = map_next(&n->told, &at));)
        free(t);
    map_clear(&n->told);
    n->told = (struct map){0};
}

static void gone_clear(struct notices *n) {
    size_t at = 0;
    for (char *url; (url = map_next(&n->gone, &at));)
        free(url);
    map_clear(&n->gone);
    n->gone = (struct map){0};
}

/* By whether he has mail, and webhook. */
static const char *const ways[2][2] = {{NULL, " webhook "}, {" mail ", " mail webhook "}};

static void told_fill(struct notices *n) {
    const struct agent_config *all = n->setup.agents->items;
    for (size_t i = 0; i < n->setup.agents->n; i++) {
        const char *his = ways[agent_told_by(&all[i], "mail")][agent_told_by(&all[i], "webhook")];
        if (!his)
            continue;
        struct notices_told *t = NEW(struct notices_told);
        *t = (struct notices_told){.agent = &all[i], .ways = str_c(his)};
        map_put(&n->told, all[i].id, t);
    }
}

const struct agent_config *notice_agent(const struct notices *n, struct str id) {
    const struct notices_told *t = map_get(&n->told, id);
    return t ? t->agent : NULL;
}

static void on_timer(void *arg) {
    struct notices *n = arg;
    n->rung = false;
    look(n);
    loop_timer_set(n->timer, n->told.n || n->attempts_n ? LOOK_MS : LOOK_IDLE_MS);
}

struct notices *notices_open(struct loop *loop, struct store *store, struct egress *egress,
                             const struct sender *sender, struct str secret,
                             const struct notices_setup *setup) {
    struct notices *n = NEW(struct notices);
    n->loop = loop;
    n->store = store;
    n->egress = egress;
    n->sender = *sender;
    n->setup = *setup;
    n->refs = 1;
    link_init(&n->attempts);
    offer_link_key(secret, &n->key);
    told_fill(n);
    n->timer = loop_timer_new(loop, 0, on_timer, n);
    return n;
}

void notices_reload(struct notices *n, const struct notices_setup *setup) {
    told_clear(n);
    gone_clear(n);
    n->setup = *setup;
    told_fill(n);
    loop_timer_set(n->timer, 0);
}

void notices_drain(struct notices *n) {
    n->drained = true;
}

void notices_close(struct notices *n) {
    if (!n)
        return;
    n->drained = n->closed = true;
    loop_timer_free(n->timer);
    told_clear(n);
    gone_clear(n);
    notices_unref(n);
}

const struct offer_link_key *notices_link_key(const struct notices *n) {
    return &n->key;
}

bool notices_german(const struct notices *n) {
    return n->setup.german;
}

/* ---- an attempt ---- */

static void attempt_free(struct notice_attempt *a) {
    struct notices *n = a->n;
    link_remove(&a->link);
    n->attempts_n--;
    arena_clear(&a->arena);
    free(a);
    notices_unref(n);
}

static void count(struct str way, const char *result) {
    metric_add_label(str_is(way, "mail") ? METRIC_NOTICE_MAILS : METRIC_NOTICE_WEBHOOKS, result, 1);
}

static void take(struct notices *n);

static void end_later(const struct notice_attempt *a, int64_t pause_ms, struct str why) {
    store_notice_later(a->n->store, pause_ms, &a->notice.key, 1);
    count(a->notice.way, "retry");
    log_info("notice.retry", "id=%s way=%s tries=%lld pause_ms=%lld reason=%s", log_value(a->id),
             log_value(a->notice.way), (long long)a->notice.tries, (long long)pause_ms,
             log_value(why));
}

static void end_done(const struct notice_attempt *a, enum notice_end how, struct str why) {
    store_notice_done(a->n->store, a->notice.key);
    count(a->notice.way, how == NOTICE_SENT      ? "sent"
                         : how == NOTICE_SKIPPED ? "skipped"
                                                 : "failed");
    if (how == NOTICE_SENT)
        log_info("notice.sent", "id=%s way=%s type=%s tries=%lld", log_value(a->id),
                 log_value(a->notice.way), log_value(a->notice.type), (long long)a->notice.tries);
    else if (how == NOTICE_SKIPPED)
        log_info("notice.skipped", "id=%s way=%s reason=%s", log_value(a->id),
                 log_value(a->notice.way), log_value(why));
    else
        log_warn("notice.failed", "id=%s way=%s type=%s tries=%lld reason=%s", log_value(a->id),
                 log_value(a->notice.way), log_value(a->notice.type), (long long)a->notice.tries,
                 log_value(why));
}

void notice_attempt_end(struct notice_attempt *a, enum notice_end how, struct str why,
                        int64_t retry_after_ms) {
    struct notices *n = a->n;
    if (n->closed) { /* whoever has it next finds it due when our claim has run out */
        attempt_free(a);
        return;
    }
    int64_t pause =
        how == NOTICE_RETRY ? notice_pause_ms(a->notice.type, a->notice.tries, retry_after_ms) : -1;
    if (pause >= 0)
        end_later(a, pause, why);
    else
        end_done(a, how, why);
    attempt_free(a);
    if (n->take_again)
        take(n);
}

static struct notice_attempt *attempt_new(struct notices *n, const struct notice *from) {
    struct notice_attempt *a = NEW(struct notice_attempt);
    a->n = n;
    n->refs++;
    n->attempts_n++;
    list_push(&n->attempts, &a->link);
    arena_init(&a->arena);
    a->notice = *from;
    struct str *views[] = {&a->notice.key,  &a->notice.agent, &a->notice.way,
                           &a->notice.type, &a->notice.task,  &a->notice.json};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&a->arena, *views[i]);
    a->id = notice_id(&a->arena, a->notice.key);
    return a;
}

static void begin(struct notices *n, const struct notice *from) {
    struct notice_attempt *a = attempt_new(n, from);
    const struct agent_config *to = notice_agent(n, a->notice.agent);
    bool mail = str_is(a->notice.way, "mail");
    if (from->over)
        notice_attempt_end(a, NOTICE_SKIPPED, str_c("the offer is over"), 0);
    else if (!to || !agent_told_by(to, mail ? "mail" : "webhook"))
        notice_attempt_end(a, NOTICE_SKIPPED, str_c("he is not told this way any more"), 0);
    else if (mail)
        notice_mail(a, to);
    else
        notice_hook(a, to);
}

/* ---- looking ---- */

static void on_taken(void *arg, bool ok, const struct notice *list, size_t count_n) {
    struct notices *n = arg;
    n->taking = false;
    bool full = ok && count_n && n->attempts_n + count_n >= ACTIVE_MAX;
    n->take_again |= full;
    for (size_t i = 0; ok && i < count_n && !n->closed; i++)
        begin(n, &list[i]);
    if (n->take_again && !n->closed && n->attempts_n < ACTIVE_MAX)
        take(n);
    notices_unref(n);
}

static void take(struct notices *n) {
    if (n->taking || n->drained || n->attempts_n >= ACTIVE_MAX) {
        n->take_again = true;
        return;
    }
    n->taking = true;
    n->take_again = false;
    n->refs++;
    store_notice_take(n->store, ACTIVE_MAX - n->attempts_n, on_taken, n);
}

static void scan(struct notices *n);

static void on_scanned(void *arg, bool ok, bool more, int64_t made, int64_t dropped) {
    struct notices *n = arg;
    n->scanning = false;
    if (ok && dropped > 0) {
        metric_add(METRIC_NOTICE_DROPPED, (uint64_t)dropped);
        log_warn("notice.dropped", "count=%lld reason=full", (long long)dropped);
    }
    if (!n->closed && ok && (more || n->scan_again))
        scan(n);
    if (!n->closed && made > 0)
        take(n);
    notices_unref(n);
}

static void scan(struct notices *n) {
    if (n->scanning || n->drained || !n->told.n) {
        n->scan_again = n->scanning;
        return;
    }
    struct notice_told *list = mem_new(n->told.n * sizeof *list);
    size_t at = 0, count_n = 0;
    for (struct notices_told *t; (t = map_next(&n->told, &at));)
        list[count_n++] = (struct notice_told){t->agent->id, t->ways};
    n->scanning = true;
    n->scan_again = false;
    n->refs++;
    store_notice_scan(n->store, list, count_n, on_scanned, n);
    free(list);
}

/* What is under way stays ours. */
static void keep(struct notices *n) {
    struct str keys[ACTIVE_MAX + 64];
    size_t keys_n = 0;
    if (!n->attempts_n || clock_mono_ms() - n->kept_ms < KEEP_MS)
        return;
    n->kept_ms = clock_mono_ms();
    list_each (l, &n->attempts)
        if (keys_n < COUNT(keys))
            keys[keys_n++] = container_of(l, struct notice_attempt, link)->notice.key;
    store_notice_later(n->store, NOTICE_CLAIM_MS, keys, keys_n);
}

static void look(struct notices *n) {
    keep(n);
    scan(n);
    take(n);
}

void notices_ring(struct notices *n, struct str agent) {
    if (!n || n->rung || !n->told.n || (agent.n && !map_get(&n->told, agent)))
        return;
    n->rung = true;
    loop_timer_set(n->timer, RING_MS);
}
