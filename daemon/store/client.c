/* store/client.c - calls over the main connection: formatted, sent in order, answered in order.
 *
 *   store_command ──► flying (window) ──reply──► done()
 *                ├──► waiting (bounded) ──┘  └──"Function not found"──► homeless ──loaded──► again
 *                └──► refused (down, full) ──next turn──► done(BUSY)
 *
 * Invariants
 *  (1) A call is in exactly one of the lists; done() is called once, from the loop.
 *  (2) Replies belong to `flying` in its order; when the connection goes, all its calls get BUSY:
 * their effect is unknown, callers repeat. (3) What is sent in a turn of the loop goes out with one
 * write: the connection gathers it.
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"

enum {
    WINDOW = 1024,
    WAITING_MAX = 16 * 1024,
    BYTES_MAX = 128 << 20, /* of all calls that have no answer yet */
    LOADS_MAX = 2,         /* how often one call may find its function missing */
    FIXED_ARGS = 64,       /* up to so many arguments lie on the stack */
};

struct store_call {
    struct link link;
    struct store *store;
    store_reply_fn *done;
    void *arg;
    char *wire;
    size_t wire_n;
    int64_t sent_us;
    int loads;
    bool ours;           /* the room's own: errors are judged by who asked */
    const char *refused; /* never sent: why */
};

static void call_free(struct store_call *c) {
    c->store->bytes -= c->wire_n;
    link_remove(&c->link);
    free(c->wire);
    free(c);
}

static void call_answer(struct store_call *c, const struct store_reply *reply,
                        const struct fault *f) {
    store_reply_fn *done = c->done;
    void *arg = c->arg;
    call_free(c);
    if (done)
        done(arg, reply, f);
}

static void call_busy(struct store_call *c, const char *why) {
    struct fault f;
    fault_set(&f, FAULT_BUSY, "store", "%s", why);
    call_answer(c, NULL, &f);
}

static struct store_call *call_new(struct store *s, const struct str *argv, size_t n,
                                   store_reply_fn *done, void *arg) {
    struct store_call *c = NEW(struct store_call);
    link_init(&c->link);
    c->store = s;
    c->done = done;
    c->arg = arg;
    c->wire = store_wire(argv, n, &c->wire_n);
    s->bytes += c->wire_n;
    return c;
}

static void call_send(struct store *s, struct store_call *c) {
    c->sent_us = clock_mono_us();
    list_push(&s->flying, &c->link);
    s->flying_n++;
    store_conn_send(s->conn, str_make(c->wire, c->wire_n));
}

/* Answers from the loop, since the caller is still inside. */
static void call_refuse(struct store_call *c, const char *why) {
    c->refused = why;
    list_push(&c->store->refused, &c->link);
    loop_timer_set(c->store->soon_timer, 0);
}

void store_client_soon(struct store *s) {
    struct link now, *l;
    link_init(&now);
    while ((l = list_first(&s->refused)))
        list_push(&now, l);
    while ((l = list_first(&now))) {
        struct store_call *c = container_of(l, struct store_call, link);
        metric_add_label(METRIC_STORE_ERRORS, "refused", 1);
        call_busy(c, c->refused);
    }
}

void store_client_push(struct store *s) {
    struct link *l;
    while (s->ready && s->flying_n < WINDOW && (l = list_first(&s->waiting))) {
        link_remove(l);
        s->waiting_n--;
        call_send(s, container_of(l, struct store_call, link));
    }
}

void store_client_now(struct store *s, const struct str *argv, size_t n, store_reply_fn *done,
                      void *arg) {
    struct store_call *c = call_new(s, argv, n, done, arg);
    c->ours = true;
    if (!c->wire)
        call_refuse(c, "the command is too large");
    else if (!s->open)
        call_refuse(c, "the store is down");
    else
        call_send(s, c);
}

void store_command(struct store *s, const struct str *argv, size_t n, size_t key_at,
                   store_reply_fn *done, void *arg) {
    (void)key_at; /* with one server every slot is his */
    struct store_call *c = call_new(s, argv, n, done, arg);
    if (!c->wire) {
        call_refuse(c, "the command is too large");
    } else if (!s->ready) {
        call_refuse(c, "the store is down");
    } else if (s->waiting_n >= WAITING_MAX || s->bytes > BYTES_MAX) {
        call_refuse(c, "the store is behind");
    } else {
        list_push(&s->waiting, &c->link);
        s->waiting_n++;
        store_client_push(s);
    }
}

void store_function(struct store *s, const char *name, bool ro, const struct str *keys,
                    size_t keys_n, const struct str *args, size_t args_n, store_reply_fn *done,
                    void *arg) {
    struct str few[FIXED_ARGS];
    size_t n = 3 + keys_n + args_n;
    struct str *argv = n <= FIXED_ARGS ? few : mem_new(n * sizeof *argv);
    char function[64], count[24];
    int length = snprintf(function, sizeof function, STORE_LIBRARY "_%s", name);
    assert(length > 0 && (size_t)length < sizeof function);
    argv[0] = str_c(ro ? "FCALL_RO" : "FCALL");
    argv[1] = str_c(function);
    argv[2] = store_int((int64_t)keys_n, count);
    for (size_t i = 0; i < keys_n; i++)
        argv[3 + i] = keys[i];
    for (size_t i = 0; i < args_n; i++)
        argv[3 + keys_n + i] = args[i];
    metric_add_label(METRIC_STORE_CALLS, name, 1);
    store_command(s, argv, n, keys_n ? 3 : 0, done, arg);
    if (argv != few)
        free(argv);
}

struct str store_int(int64_t v, char out[24]) {
    int n = snprintf(out, 24, "%lld", (long long)v);
    return str_make(out, (size_t)n);
}

/* ---- replies ---- */

enum store_trouble store_trouble_of(struct str error) {
    static const struct {
        const char *begins;
        enum store_trouble trouble;
    } table[] = {
        {"LOADING ", TROUBLE_SOFT},
        {"MISCONF ", TROUBLE_SOFT},
        {"OOM ", TROUBLE_SOFT},
        {"BUSY ", TROUBLE_SOFT},
        {"MASTERDOWN ", TROUBLE_SOFT},
        {"CLUSTERDOWN ", TROUBLE_SOFT},
        {"TRYAGAIN ", TROUBLE_SOFT},
        {"NOREPLICAS ", TROUBLE_SOFT},
        {"READONLY ", TROUBLE_ROLE},
        {"UNBLOCKED ", TROUBLE_ROLE},
        {"NOAUTH ", TROUBLE_CONFIG},
        {"WRONGPASS ", TROUBLE_CONFIG},
        {"NOPERM ", TROUBLE_CONFIG},
        {"NOSCRIPT ", TROUBLE_LIBRARY},
        {"ERR Function not found", TROUBLE_LIBRARY},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (str_starts(error, str_c(table[i].begins)))
            return table[i].trouble;
    return TROUBLE_CALL;
}

static void library_loaded(struct store *s, bool ok, const char *why) {
    struct link *l;
    s->loading = false;
    if (!s->ready)
        return; /* the connection went meanwhile and took them along */
    if (!ok) {
        store_health_down(s, RETRY_CONFIG, "%s", why);
        return;
    }
    while ((l = list_first(&s->homeless))) {
        link_remove(l);
        call_send(s, container_of(l, struct store_call, link));
    }
}

static void call_without_library(struct store *s, struct store_call *c) {
    c->loads++;
    list_push(&s->homeless, &c->link);
    if (!s->loading) {
        s->loading = true;
        store_library_load(s, library_loaded);
    }
}

bool store_client_judge(struct store *s, struct str error) {
    switch (store_trouble_of(error)) {
    case TROUBLE_CALL:
    case TROUBLE_LIBRARY:
        return false;
    case TROUBLE_SOFT:
        store_health_down(s, RETRY_SOFT, "%.*s", STR_ARG(error));
        return true;
    case TROUBLE_ROLE:
        store_health_down(s, RETRY_HARD, "%.*s", STR_ARG(error));
        return true;
    case TROUBLE_CONFIG:
        store_health_down(s, RETRY_CONFIG, "refused: %.*s", STR_ARG(error));
        return true;
    }
    return false;
}

/* An error reply: the call's own, or one that tells of the server. */
static void call_refused(struct store *s, struct store_call *c, const struct store_reply *reply) {
    enum store_trouble trouble = store_trouble_of(reply->str);
    bool ours = c->ours;
    struct fault f;
    if (trouble == TROUBLE_LIBRARY && !ours && c->loads < LOADS_MAX) {
        call_without_library(s, c);
        return;
    }
    bool own = trouble == TROUBLE_CALL || trouble == TROUBLE_LIBRARY;
    metric_add_label(METRIC_STORE_ERRORS, "reply", 1);
    fault_set(&f, own ? FAULT_STATE : FAULT_BUSY, "store", "%.*s", STR_ARG(reply->str));
    call_answer(c, reply, &f);
    if (!ours)
        store_client_judge(s, reply->str);
}

void store_client_reply(struct store *s, const struct store_reply *reply) {
    struct link *l = list_first(&s->flying);
    s->heard_ms = clock_mono_ms();
    if (!l) {
        store_health_down(s, RETRY_HARD, "a reply came that nobody asked for");
        return;
    }
    struct store_call *c = container_of(l, struct store_call, link);
    link_remove(l);
    s->flying_n--;
    metric_observe_us(METRIC_STORE_LATENCY, clock_mono_us() - c->sent_us);
    if (reply->type == STORE_ERROR)
        call_refused(s, c, reply);
    else
        call_answer(c, reply, NULL);
    store_client_push(s);
}

/* ---- when the connection goes ---- */

static void take_all(struct store *s, struct link *out) {
    struct link *lists[] = {&s->flying, &s->homeless, &s->waiting, &s->refused}, *l;
    link_init(out);
    for (size_t i = 0; i < COUNT(lists); i++)
        while ((l = list_first(lists[i])))
            list_push(out, l);
    s->flying_n = s->waiting_n = 0;
}

void store_client_fail(struct store *s, const char *why) {
    struct link all, *l;
    char kept[FAULT_REASON_MAX];
    snprintf(kept, sizeof kept, "%s", why);
    s->loading = false;
    take_all(s, &all);
    while ((l = list_first(&all))) {
        metric_add_label(METRIC_STORE_ERRORS, "closed", 1);
        call_busy(container_of(l, struct store_call, link), kept);
    }
}

void store_client_drop(struct store *s) {
    struct link all, *l;
    take_all(s, &all);
    while ((l = list_first(&all)))
        call_free(container_of(l, struct store_call, link));
}

bool store_client_is_alive(const struct store *s) {
    struct link *l = list_first(&s->flying);
    if (!l)
        return true;
    int64_t since = container_of(l, struct store_call, link)->sent_us / 1000;
    if (since < s->heard_ms)
        since = s->heard_ms;
    return clock_mono_ms() - since < STORE_SILENCE_MS;
}
