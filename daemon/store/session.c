/* store/session.c - agents' sessions and leases, both ended by Redis's own clock.
 *
 *   {a:HASH}  string, the agent's id; expires idle_ms after its last use. HASH is of the token, so
 * what Redis holds opens no session. {s:NAME}  hash holder, fence, until: functions/session.lua
 */
#include "store/session.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>
#include <touchline/touchpoint.h>

#include "store/client.h"

enum { KEY_MAX = 80, LEASE_NAME_MAX = 200, JSON_MAX = 1024 };

struct question {
    answer_fn *done;
    void *arg;
};

/* NULL where nobody wants to know. */
static struct question *question_new(answer_fn *done, void *arg) {
    if (!done)
        return NULL;
    struct question *q = NEW(struct question);
    *q = (struct question){done, arg};
    return q;
}

static void question_answer(struct question *take_q, const struct answer *a) {
    if (!take_q)
        return;
    struct question q = *take_q;
    free(take_q);
    q.done(q.arg, a);
}

/* No answer was had, or one that makes no sense: nothing is known. */
static void question_later(struct question *take_q, const struct fault *f) {
    struct answer a = {.kind = ANSWER_LATER,
                       .code = "store-unavailable",
                       .detail = f ? f->reason : "the store gave no sensible answer"};
    question_answer(take_q, &a);
}

/* ---- sessions ---- */

static struct str session_key(const uint8_t token_hash[32], char out[KEY_MAX]) {
    char hex[SHA256_HEX + 1];
    hex_encode(token_hash, SHA256_BYTES, hex);
    int n = snprintf(out, KEY_MAX, "{a:%s}", hex);
    return str_make(out, (size_t)n);
}

static void on_done(void *arg, const struct store_reply *reply, const struct fault *f) {
    (void)reply;
    if (f)
        question_later(arg, f);
    else
        question_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = str_c("{}")});
}

void store_session_put(struct store *s, const uint8_t token_hash[32], struct str agent,
                       int64_t idle_ms, answer_fn *done, void *arg) {
    char key[KEY_MAX], ms[24];
    struct str argv[] = {str_c("SET"), session_key(token_hash, key), agent, str_c("PX"),
                         store_int(idle_ms, ms)};
    store_command(s, argv, COUNT(argv), 1, on_done, question_new(done, arg));
}

static void on_session(void *arg, const struct store_reply *reply, const struct fault *f) {
    cleanup(buf_clear) struct buf json;
    struct jwrite w;
    buf_init(&json, JSON_MAX);
    if (f) {
        question_later(arg, f);
        return;
    }
    if (reply->type != STORE_STR) {
        question_answer(arg, &(struct answer){.kind = ANSWER_NOT_FOUND});
        return;
    }
    jwrite_init(&w, &json);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "agent", reply->str);
    jwrite_close(&w, '}');
    if (w.ok)
        question_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&json)});
    else
        question_later(arg, NULL);
}

void store_session_get(struct store *s, const uint8_t token_hash[32], int64_t idle_ms,
                       answer_fn *done, void *arg) {
    char key[KEY_MAX], ms[24];
    struct str argv[] = {str_c("GETEX"), session_key(token_hash, key), str_c("PX"),
                         store_int(idle_ms, ms)};
    store_command(s, argv, COUNT(argv), 1, on_session, question_new(done, arg));
}

void store_session_drop(struct store *s, const uint8_t token_hash[32], answer_fn *done, void *arg) {
    char key[KEY_MAX];
    struct str argv[] = {str_c("DEL"), session_key(token_hash, key)};
    store_command(s, argv, COUNT(argv), 1, on_done, question_new(done, arg));
}

/* ---- leases ---- */

static struct str lease_key(struct str name, char out[LEASE_NAME_MAX + 8]) {
    int n = snprintf(out, LEASE_NAME_MAX + 8, "{s:%.*s}", STR_ARG(str_upto(name, LEASE_NAME_MAX)));
    return str_make(out, (size_t)n);
}

static void on_lease(void *arg, const struct store_reply *reply, const struct fault *f) {
    char json[128];
    if (f || reply->type != STORE_ARRAY || reply->n != 3) {
        question_later(arg, f);
        return;
    }
    int n = snprintf(json, sizeof json, "{\"held\":%s,\"fence\":%lld,\"left_ms\":%lld}",
                     reply->items[0].integer ? "true" : "false", (long long)reply->items[1].integer,
                     (long long)reply->items[2].integer);
    question_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = str_make(json, (size_t)n)});
}

void store_lease_take(struct store *s, struct str name, struct str holder, int64_t ms,
                      answer_fn *done, void *arg) {
    char key[LEASE_NAME_MAX + 8], number[24];
    struct str keys[] = {lease_key(name, key)}, args[] = {holder, store_int(ms, number)};
    store_function(s, "lease_take", false, keys, 1, args, COUNT(args), on_lease,
                   question_new(done, arg));
}

void store_lease_drop(struct store *s, struct str name, struct str holder, answer_fn *done,
                      void *arg) {
    char key[LEASE_NAME_MAX + 8];
    struct str keys[] = {lease_key(name, key)};
    store_function(s, "lease_drop", false, keys, 1, &holder, 1, on_done, question_new(done, arg));
}
