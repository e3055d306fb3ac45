/* social/mastodon.c - Mastodon, and whoever speaks ActivityPub: an inbox, and replies by the
 * Mastodon API of one's own server.
 *
 * Source: W3C ActivityPub; docs.joinmastodon.org (security, statuses). GET gives the actor whose
 * inbox this is, with the key of `secret` where there is one. A reply is a status that keeps the
 * @mention; Idempotency-Key makes it repeatable.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "activitypub.h"

enum { STATUS_CHARS_MAX = 500 };

static const char activity_json[] = "application/activity+json";

static const char *fault(const struct hook_config *c, const char **out_key) {
    cleanup(arena_clear) struct arena a;
    struct str pem;
    arena_init(&a);
    *out_key = "secret";
    if (c->secret.n && !http_signature_public(&a, c->secret, &pem))
        return "must be the actor's private key in PEM, or absent";
    *out_key = "actor";
    return c->actor.n && !activitypub_host(c->actor).n ? "must be an https address" : NULL;
}

/* The actor whose inbox this is. */
static struct hook_verdict show_actor(struct hook_call *call) {
    const struct hook_config *c = call->config;
    struct str url = c->url.n ? c->url : call->url, id = c->actor.n ? c->actor : url, pem;
    cleanup(json_freep) json_t *actor =
        json_pack("{s:[s, s], s:s, s:o, s:o, s:o, s:o, s:o}", "@context",
                  "https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1", "type",
                  "Service", "id", jstr(id), "inbox", jstr(url), "preferredUsername", jstr(c->name),
                  "name", jstr(c->name), "url", jstr(id));
    json_object_set_new(actor, "outbox", jstr(arena_strf(call->arena, "%.*s/outbox", STR_ARG(id))));
    if (c->secret.n && http_signature_public(call->arena, c->secret, &pem))
        json_object_set_new(actor, "publicKey",
                            json_pack("{s:o, s:o, s:o}", "id",
                                      jstr(arena_strf(call->arena, "%.*s#main-key", STR_ARG(id))),
                                      "owner", jstr(id), "publicKeyPem", jstr(pem)));
    char *text = json_dumps(actor, JSON_COMPACT);
    struct str body = arena_str(call->arena, str_c(text));
    free(text);
    return hook_answer(200, activity_json, body);
}

static struct hook_verdict judge(struct hook_call *call) {
    return str_is(call->method, "GET") ? show_actor(call) : activitypub_judge(call);
}

static bool read_activity(const json_t *root, const struct tl_read *in, const json_t *meta,
                          const struct tl_emit *out) {
    return activitypub_read(root, jget_str(meta, "actor"), in->received_ms, out);
}

/* ---- sending ---- */

/* "@jana@example.social" of whom the reply is for. */
static struct str mention_of(struct arena *a, const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    struct str handle = jget_str(json_object_get(to, "social"), "handle");
    if (!handle.n)
        handle =
            jget_str(json_object_get(json_object_get(r->answered, "from"), "social"), "handle");
    return handle.n ? arena_strf(a, "%s%.*s", handle.p[0] == '@' ? "" : "@", STR_ARG(handle))
                    : STR_NONE;
}

/* What will be posted: the words, behind the @mention unless they hold it. */
static struct str status_of(struct arena *a, const struct hook_reply *r) {
    struct str text = jget_str(r->touchpoint, "text"), mention = mention_of(a, r);
    bool there = !mention.n || (text.n && memmem(text.p, text.n, mention.p, mention.n));
    return there ? text : arena_strf(a, "%.*s %.*s", STR_ARG(mention), STR_ARG(text));
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    if (!r->config->send.token.n || !r->config->send.base.n)
        return "this hook has no `send` with token and base: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    if (!mention_of(a, r).n)
        return "the person's @name is not known";
    struct hook_reply whole = *r;
    cleanup(json_freep) json_t *with = json_copy((json_t *)r->touchpoint);
    if (jget_str(with, "text").n)
        json_object_set_new(with, "text", jstr(status_of(a, r)));
    whole.touchpoint = with;
    return hook_reply_text_fault(a, &whole, STATUS_CHARS_MAX);
}

/* The id of a status on our own server, out of its address; others are known there by other ids. */
static struct str own_status(const struct hook_reply *r) {
    struct str id = jget_str(r->answered, "message_id"), last = id;
    if (!id.n || !str_eq_nocase(activitypub_host(id), activitypub_host(r->config->send.base)))
        return STR_NONE;
    for (size_t i = id.n; i > 0; i--)
        if (id.p[i - 1] == '/') {
            last = str_from(id, i);
            break;
        }
    return hook_path_ok(last) ? last : STR_NONE;
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str seen = jget_str(json_object_get(r->answered, "data"), "visibility");
    static const char *const levels[] = {"public", "unlisted", "private", "direct"};
    const char *visibility = r->answered ? "unlisted" : "direct";
    for (size_t i = 0; i < COUNT(levels); i++)
        if (str_is(seen, levels[i]))
            visibility = levels[i];
    /* A public question is answered out of sight of the public timelines. */
    if (strcmp(visibility, "public") == 0)
        visibility = "unlisted";
    json_t *body =
        json_pack("{s:o, s:s}", "status", jstr(status_of(a, r)), "visibility", visibility);
    provider_set(body, "in_reply_to_id", own_status(r));
    hook_request_json(a, out, body);
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    hook_request_header(out, "Idempotency-Key", r->id);
    out->repeatable = true;
    out->url = arena_strf(a, "%.*s/api/v1/statuses", STR_ARG(r->config->send.base));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    struct str uri = jget_str(answer, "uri"), error = jget_str(answer, "error");
    if (!error.n)
        out->provider_id = arena_str(a, uri.n ? uri : provider_id(a, answer, "id"));
    else
        out->diagnostic = arena_str(a, error);
}

const struct provider provider_mastodon = {
    .name = "mastodon",
    .flags = TAKES_GET,
    .fault = fault,
    .judge = judge,
    .read = read_activity,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
