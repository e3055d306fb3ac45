/* social/activitypub_key.c - who signed an activity: his key, known or fetched, and whether it is
 * his to say.
 *
 *   signature read ──► key known? ──► fits? ──► KEEP (202)
 *                        │ no          │ no, and the key is not new: fetched again, once
 *                        └──► fetch ◄──┘        410 and a Delete: nobody we know, 202
 *
 * The key lies at an address that the request names: the host refuses what is not public, and a
 * redirect is not followed. A key speaks for actors of its own host only.
 */
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/map.h>

#include "activitypub.h"

enum {
    KEYS_MAX = 2000,
    FETCHES_MAX = 64,
    KEY_DAY_MS = 24 * 3600 * 1000,
    KEY_NEW_MS = 60 * 1000,
    DOCUMENT_MAX = 256 * 1024,
    FETCH_MS = 8000,
};

struct known_key {
    char *id;
    struct str owner, pem;
    int64_t at_ms;
};

struct key_cache {
    struct map keys; /* id -> struct known_key */
    size_t fetching;
};

/* One request that waits for a key; in the call's arena. */
struct waiting {
    struct hook_call *call;
    struct http_signature signature;
    struct str actor, id;
    bool is_delete, is_json;
};

/* ---- the cache ---- */

struct key_cache *key_cache_new(void) {
    return NEW(struct key_cache);
}

static void key_free(struct known_key *k) {
    free(k->id);
    free((char *)k->owner.p);
    free((char *)k->pem.p);
    free(k);
}

static void forget_all(struct key_cache *c) {
    size_t at = 0;
    struct known_key *k;
    while ((k = map_next(&c->keys, &at)))
        key_free(k);
    map_clear(&c->keys);
}

void key_cache_free(struct key_cache *c) {
    if (!c)
        return;
    forget_all(c);
    free(c);
}

static struct known_key *key_find(struct key_cache *c, struct str id, int64_t now_ms) {
    struct known_key *k = map_get(&c->keys, id);
    return k && now_ms - k->at_ms < KEY_DAY_MS ? k : NULL;
}

static struct known_key *key_keep(struct key_cache *c, struct str id, struct str owner,
                                  struct str pem, int64_t now_ms) {
    struct known_key *old = map_take(&c->keys, id), *k = NEW(struct known_key);
    if (old)
        key_free(old);
    if (c->keys.n >= KEYS_MAX)
        forget_all(c); /* they come again as they are asked for */
    k->id = mem_dup(id.p, id.n);
    k->owner = str_make(mem_dup(owner.p, owner.n), owner.n);
    k->pem = str_make(mem_dup(pem.p, pem.n), pem.n);
    k->at_ms = now_ms;
    map_put(&c->keys, str_c(k->id), k);
    return k;
}

/* ---- judging ---- */

struct str activitypub_host(struct str url) {
    const struct str https = STR("https://"), http = STR("http://");
    struct str rest = str_starts(url, https)  ? str_from(url, https.n)
                      : str_starts(url, http) ? str_from(url, http.n)
                                              : STR_NONE;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == '/' || rest.p[i] == '?' || rest.p[i] == '#')
            return str_upto(rest, i);
    return rest.n ? rest : STR_NONE;
}

static bool same_host(struct str a, struct str b) {
    struct str host = activitypub_host(a);
    return host.n && str_eq_nocase(host, activitypub_host(b));
}

static struct hook_verdict accept(const struct waiting *w) {
    struct hook_verdict v = hook_keep(w->id);
    v.status = 202;
    if (w->call->config->actor.n)
        v.notes = json_pack("{s:o}", "actor", jstr(w->call->config->actor));
    return v;
}

/* With a key that fits; what is no JSON is kept, and read as bad. */
static struct hook_verdict judge_owner(const struct waiting *w, const struct known_key *k) {
    if (!w->is_json)
        return accept(w);
    if (!str_eq(k->owner, w->actor))
        return hook_refuse(401, "actor");
    if (w->id.n && !same_host(w->id, w->actor))
        return hook_refuse(401, "id");
    return accept(w);
}

/* ---- fetching ---- */

/* The key of that id in an actor's document, or a document that is the key itself. */
static bool read_key(const json_t *doc, struct str key_id, struct str *out_owner,
                     struct str *out_pem) {
    const json_t *keys = json_object_get(doc, "publicKey"), *key = keys;
    struct str id = jget_str(doc, "id"), owner = id;
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (str_eq(jget_str(json_array_get(keys, i), "id"), key_id))
            key = json_array_get(keys, i);
    if (!json_is_object(key)) {
        key = doc;
        owner = jget_str(doc, "owner");
    } else if (jget_str(key, "owner").n && !str_eq(jget_str(key, "owner"), id)) {
        return false;
    }
    *out_owner = owner;
    *out_pem = jget_str(key, "publicKeyPem");
    return str_eq(jget_str(key, "id"), key_id) && out_pem->n && same_host(owner, key_id);
}

static void on_document(void *arg, const struct tl_fetched *f) {
    struct waiting *w = arg;
    struct hook_call *call = w->call;
    cleanup(json_freep) json_t *doc = NULL;
    struct str owner, pem;
    struct hook_verdict v = hook_refuse(401, "key");
    call->keys->fetching--;
    if (f->status == 0 || f->status == 429 || f->status >= 500)
        v = hook_refuse(
            f->error.n && memmem(f->error.p, f->error.n, "not a public", 12) ? 401 : 503, "key");
    else if ((f->status == 404 || f->status == 410) && w->is_delete)
        v = hook_answer(202, NULL, STR_NONE); /* of somebody whom we cannot know any more */
    else if (f->status == 200 && provider_parse(f->body, &doc, NULL) &&
             read_key(doc, w->signature.key_id, &owner, &pem) &&
             http_signature_fits(&w->signature, pem))
        v = judge_owner(w, key_keep(call->keys, w->signature.key_id, owner, pem, call->now_ms));
    hook_judged(call, &v);
}

/* Servers that give their documents to signed requests only get one, where we have a key. */
static void sign_fetch(struct hook_call *call, struct str url, struct tl_fetch *fetch,
                       struct tl_header *headers) {
    char date[32];
    struct str signature,
        key_id = arena_strf(call->arena, "%.*s#main-key", STR_ARG(call->config->actor));
    date_format_http(call->now_ms, date);
    struct str when = arena_str(call->arena, str_c(date));
    if (!call->config->actor.n || !call->config->secret.n ||
        !http_signature_make(call->arena, call->config->secret, key_id, url, when, &signature))
        return;
    headers[fetch->headers_n++] = (struct tl_header){str_c("Date"), when};
    headers[fetch->headers_n++] = (struct tl_header){str_c("Signature"), signature};
}

static struct hook_verdict fetch_key(struct waiting *w) {
    struct hook_call *call = w->call;
    struct str url = w->signature.key_id;
    static const char *const none[] = {NULL};
    struct tl_header headers[4] = {{str_c("Accept"), str_c("application/activity+json")}};
    struct tl_fetch fetch = {.size = sizeof fetch,
                             .method = STR("GET"),
                             .headers = headers,
                             .headers_n = 1,
                             .timeout_ms = FETCH_MS,
                             .max_bytes = DOCUMENT_MAX};
    url = str_cut(&url, '#');
    if (!call->host || call->keys->fetching >= FETCHES_MAX)
        return hook_refuse(503, "busy");
    fetch.private_allowed = hook_url_ours(call->config, url, none);
    if (!fetch.private_allowed && !str_starts(url, (struct str)STR("https://")))
        return hook_refuse(401, "key");
    fetch.url = arena_str(call->arena, url);
    sign_fetch(call, fetch.url, &fetch, headers);
    call->keys->fetching++;
    call->host->fetch(call->channel, &fetch, on_document, w);
    return (struct hook_verdict){.action = HOOK_LATER};
}

/* ---- the inbox ---- */

static struct str id_or_text(const json_t *v) {
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v))
                             : jget_str(v, "id");
}

static struct waiting *waiting_new(struct hook_call *call, const struct http_signature *s) {
    cleanup(json_freep) json_t *root = NULL;
    struct waiting *w = arena_new(call->arena, sizeof *w);
    *w = (struct waiting){.call = call, .signature = *s};
    if (!provider_parse(call->body, &root, NULL) || !json_is_object(root))
        return w;
    w->is_json = true;
    w->actor = arena_str(call->arena, id_or_text(json_object_get(root, "actor")));
    w->id = arena_str(call->arena, jget_str(root, "id"));
    w->is_delete = str_is(jget_str(root, "type"), "Delete");
    return w;
}

struct hook_verdict activitypub_judge(struct hook_call *call) {
    struct http_signature s;
    switch (http_signature_read(call, &s)) {
    case HTTP_SIGNATURE_BAD:
        return hook_refuse(401, "signature");
    case HTTP_SIGNATURE_STALE:
        return hook_refuse(401, "timestamp");
    case HTTP_SIGNATURE_DIGEST:
        return hook_refuse(401, "digest");
    case HTTP_SIGNATURE_READ:
        break;
    }
    struct waiting *w = waiting_new(call, &s);
    const struct known_key *k = key_find(call->keys, s.key_id, call->now_ms);
    if (k && http_signature_fits(&s, k->pem))
        return judge_owner(w, k);
    if (k && call->now_ms - k->at_ms < KEY_NEW_MS)
        return hook_refuse(401, "signature");
    return fetch_key(w);
}
