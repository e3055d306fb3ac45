/* api/idempotency.c - every POST takes an Idempotency-Key: the same again gets the first answer.
 *
 * A key belongs to who sent it and to the path. While its first request is under way it stands in a
 * table of ours (409); afterwards the spool remembers the answer for its receipts' time. What a
 * lost note could repeat is harmless: effects are keyed by ids derived from the same key.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "api/api_priv.h"
#include "spool/spool.h"

enum { IDEM_UNDER_WAY_MAX = 20000, IDEM_ANSWER_MAX = 256 * 1024, IDEM_BUCKETS = 1024 };

struct idem_key {
    struct link link;          /* in a bucket of the table */
    struct str name;           /* WHO PATH KEY */
    char hash[SHA256_HEX + 1]; /* of the body */
    char text[];
};

struct idem_table {
    struct link buckets[IDEM_BUCKETS];
    size_t n;
};

struct idem_table *idem_table_new(void) {
    struct idem_table *t = NEW(struct idem_table);
    for (size_t i = 0; i < IDEM_BUCKETS; i++)
        link_init(&t->buckets[i]);
    return t;
}

void idem_table_free(struct idem_table *t) {
    if (!t)
        return;
    for (size_t i = 0; i < IDEM_BUCKETS; i++) {
        list_each (it, &t->buckets[i]) {
            link_remove(it);
            free(container_of(it, struct idem_key, link));
        }
    }
    free(t);
}

static struct link *bucket_of(struct idem_table *t, struct str name) {
    return &t->buckets[hash64(name) % IDEM_BUCKETS];
}

static struct idem_key *find(struct idem_table *t, struct str name) {
    list_each (it, bucket_of(t, name)) {
        struct idem_key *k = container_of(it, struct idem_key, link);
        if (str_eq(k->name, name))
            return k;
    }
    return NULL;
}

static struct idem_key *key_new(struct str name, struct str body) {
    struct idem_key *k = mem_new(sizeof *k + name.n + 1);
    memcpy(k->text, name.p, name.n);
    k->name = str_make(k->text, name.n);
    uint8_t digest[SHA256_BYTES];
    sha256(body, digest);
    hex_encode(digest, sizeof digest, k->hash);
    return k;
}

static void forget(struct idem_table *t, struct idem_key *take_key) {
    link_remove(&take_key->link);
    t->n--;
    free(take_key);
}

void idem_remember(struct api *a, struct idem_key *take_key, int status, struct str body) {
    if (status >= 200 && status < 300 && body.n <= IDEM_ANSWER_MAX) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, IDEM_ANSWER_MAX + 64);
        if (buf_addf(&b, "%d ", status) && buf_add(&b, body))
            spool_note_idem(a->parts.spool, take_key->name, str_c(take_key->hash), buf_str(&b));
    }
    forget(a->idem, take_key);
}

struct idem_wait {
    struct call *call;
    call_serve_fn *serve;
};

/* answer: absent, {"hash":…,"answer":"201 {…}"}. */
static void looked_up(void *arg, struct str json) {
    struct idem_wait *w = arg;
    struct call *c = w->call;
    cleanup(json_freep) json_t *j = NULL;
    if (!json.p || !jread_parse(json, IDEM_ANSWER_MAX * 3, &j, NULL)) {
        w->serve(c);
        return;
    }
    struct str hash = jget_str(j, "hash"), answer = jget_str(j, "answer");
    bool same = str_is(hash, c->key->hash);
    forget(c->api->idem, steal(&c->key));
    if (!same) {
        call_problem(c, 422, "idempotency-mismatch", NULL,
                     "this Idempotency-Key came with another body before");
        return;
    }
    int status = atoi(answer.p ? answer.p : "200");
    (void)str_cut(&answer, ' ');
    call_reply(c, status >= 200 && status < 300 ? status : 200, answer.n ? answer : STR_NONE);
}

void idem_serve(struct api *a, struct http_request *r, call_serve_fn *serve) {
    struct call *c = call_new(a, r, 200);
    struct str key = http_header(r, "Idempotency-Key");
    if (!key.p) {
        serve(c);
        return;
    }
    struct str who = http_who(r)->name, path = http_path(r);
    struct str name =
        arena_strf(http_arena(r), "%.*s %.*s %.*s", STR_ARG(who), STR_ARG(path), STR_ARG(key));
    if (find(a->idem, name)) {
        http_problem_retry(r, 409, "in-progress",
                           "the first request with this key is still under way", 1);
        return;
    }
    if (a->idem->n >= IDEM_UNDER_WAY_MAX) {
        http_problem_retry(r, 503, "busy", "too many requests under way", 1);
        return;
    }
    c->key = key_new(name, http_body(r));
    list_push(bucket_of(a->idem, name), &c->key->link);
    a->idem->n++;
    struct idem_wait *w = arena_new(http_arena(r), sizeof *w);
    *w = (struct idem_wait){c, serve};
    spool_ask_idem(a->parts.spool, c->key->name, looked_up, w);
}
