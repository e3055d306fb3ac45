/* store/handshake.c - what is asked of a server before it is trusted with anything.
 *
 *   PING ► ROLE ► INFO ► CONFIG ► fingerprint ► loss ► epoch ► library ► ready
 *
 * A step that cannot be passed ends in store_health_down, by its weight: try again soon (loading,
 * out of memory, disk full) or an operator must act ("refused: SETTING ...").
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define KEY_EPOCH "touchline:epoch"
#define KEY_FINGERPRINT "touchline:fingerprint"
#define KEY_LOSS "touchline:loss"

typedef bool take_fn(struct store *s, const struct store_reply *r);
enum { STEP_ARGS = 3 };

static bool take_nothing(struct store *s, const struct store_reply *r) {
    (void)s;
    return r->type != STORE_ERROR;
}

static bool take_role(struct store *s, const struct store_reply *r) {
    if (r->type == STORE_ARRAY && r->n && str_is(r->items[0].str, "master"))
        return true;
    store_health_down(s, RETRY_HARD, "the server is a replica, not the master");
    return false;
}

static void keep_text(char *out, size_t max, struct str s) {
    snprintf(out, max, "%.*s", STR_ARG(s));
}

static bool take_info(struct store *s, const struct store_reply *r) {
    char run_id[sizeof s->run_id];
    free(s->info);
    s->info = mem_dup(r->str.p, r->str.n);
    struct str info = str_make(s->info, r->str.n);
    keep_text(run_id, sizeof run_id, store_info(info, "run_id"));
    if (s->run_id[0] && strcmp(run_id, s->run_id) != 0)
        log_info("store.restarted", "run_id=%s was=%s", run_id, s->run_id);
    s->settings_told = s->settings_told && strcmp(run_id, s->run_id) == 0;
    memcpy(s->run_id, run_id, sizeof run_id);
    keep_text(s->version, sizeof s->version, store_info(info, "redis_version"));
    s->memory_bytes = store_info_int(info, "used_memory", 0);
    s->memory_max_bytes = store_info_int(info, "maxmemory", 0);
    if (str_is(store_info(info, "aof_last_write_status"), "err")) {
        store_health_down(s, RETRY_SOFT, "the server cannot write its AOF: disk full or failing");
        return false;
    }
    return true;
}

static void warn_setting(void *ctx, const char *setting, const char *reason) {
    (void)ctx;
    log_warn("store.setting", "setting=%s reason=%s", setting, log_value(str_c(reason)));
}

/* Warnings once a life of the server; what loses data is refused at every look. */
static bool take_config(struct store *s, const struct store_reply *r) {
    struct fault f;
    bool ok =
        store_settings_check(str_c(s->info), r, s->settings_told ? NULL : warn_setting, NULL, &f);
    s->settings_told = true;
    if (ok)
        return true;
    store_health_down(s, RETRY_CONFIG, "refused: %s %s", f.place, f.reason);
    return false;
}

static bool take_fingerprint(struct store *s, const struct store_reply *r) {
    if (str_is(r->str, s->fingerprint))
        return true;
    store_health_down(s, RETRY_CONFIG,
                      "refused: fingerprint: this data was made with another secret, region or "
                      "normaliser");
    return false;
}

static bool take_loss(struct store *s, const struct store_reply *r) {
    s->loss_since_ms = r->type == STORE_STR ? strtoll(r->str.p, NULL, 10) : 0;
    return true;
}

/* The value before ours: lower than what was confirmed on disk means that the dataset went back. */
static bool take_epoch_before(struct store *s, const struct store_reply *r) {
    int64_t have = r->type == STORE_STR ? strtoll(r->str.p, NULL, 10) : 0;
    if (have < s->epoch_durable) {
        s->went_back = true;
        log_warn("store.went_back", "epoch=%lld confirmed=%lld", (long long)have,
                 (long long)s->epoch_durable);
    }
    return true;
}

static bool take_epoch(struct store *s, const struct store_reply *r) {
    s->epoch = r->integer;
    return r->type == STORE_INT;
}

static void loaded(struct store *s, bool ok, const char *why) {
    if (!s->open)
        return; /* the connection went; that has been told */
    if (ok)
        store_health_ready(s);
    else
        store_health_down(s, RETRY_CONFIG, "%s", why);
}

static bool take_digest(struct store *s, const struct store_reply *r) {
    char digest[65];
    store_library_digest(digest);
    if (str_is(r->str, digest))
        store_health_ready(s);
    else
        store_library_load(s, loaded);
    return true;
}

/* FINGERPRINT and NODE stand for the store's own values. */
#define FINGERPRINT "\1"
#define NODE "\2"
static const struct {
    const char *args[STEP_ARGS + 2];
    take_fn *take;
    bool errors; /* an error reply is an answer too */
} steps[] = {
    {{"PING"}, take_nothing, false},
    {{"ROLE"}, take_role, false},
    {{"INFO"}, take_info, false},
    {{NULL}, take_config, true}, /* CONFIG GET, see ask */
    {{"SET", KEY_FINGERPRINT, FINGERPRINT, "NX"}, take_nothing, false},
    {{"GET", KEY_FINGERPRINT}, take_fingerprint, false},
    {{"GET", KEY_LOSS}, take_loss, false},
    {{"HGET", KEY_EPOCH, NODE}, take_epoch_before, false},
    {{"HINCRBY", KEY_EPOCH, NODE, "1"}, take_epoch, false},
    {{"FCALL", STORE_LIBRARY "_digest", "0"}, take_digest, true},
};
enum { STEP_INFO = 2, STEP_CONFIG = 3, STEPS = COUNT(steps) };

static void on_answer(void *arg, const struct store_reply *reply, const struct fault *f);

static void ask(struct store *s) {
    struct str argv[32];
    size_t n = 0;
    if (s->step == STEP_CONFIG) {
        argv[n++] = str_c("CONFIG");
        argv[n++] = str_c("GET");
        for (size_t i = 0; store_settings_asked[i]; i++)
            argv[n++] = str_c(store_settings_asked[i]);
    } else {
        for (size_t i = 0; i < COUNT(steps[0].args) && steps[s->step].args[i]; i++) {
            const char *a = steps[s->step].args[i];
            argv[n++] = str_c(a[0] == FINGERPRINT[0] ? s->fingerprint
                              : a[0] == NODE[0]      ? s->node
                                                     : a);
        }
    }
    assert(n <= COUNT(argv));
    store_client_now(s, argv, n, on_answer, s);
}

static void on_answer(void *arg, const struct store_reply *reply, const struct fault *f) {
    struct store *s = arg;
    (void)f;
    if (!reply)
        return; /* the connection went; that has been told */
    if (reply->type == STORE_ERROR && !steps[s->step].errors) {
        if (!store_client_judge(s, reply->str))
            store_health_down(s, RETRY_CONFIG, "refused: %.*s", STR_ARG(reply->str));
        return;
    }
    if (!steps[s->step].take(s, reply))
        return;
    /* A later look at the settings ends with them. */
    if (s->ready && s->step >= STEP_CONFIG)
        return;
    if (++s->step < STEPS)
        ask(s);
}

void store_handshake_begin(struct store *s) {
    s->step = 0;
    ask(s);
}

void store_handshake_again(struct store *s) {
    s->step = STEP_INFO;
    ask(s);
}
