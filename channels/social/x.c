/* social/x.c - X: the row; handshake and signature, posts and direct messages out.
 *
 * Source: X API v2 webhooks (CRC check, x-twitter-webhooks-signature over the raw body),
 * POST /2/dm_conversations/with/{id}/messages, POST /2/tweets. Reading is x_read.c.
 */
#include <touchline/kit/jread.h>

#include "signature.h"
#include "x.h"

enum { DM_MAX = 10000, POST_MAX = 4000 };

/* GET ?crc_token=…: the token's HMAC shows that we know the consumer secret. */
static struct hook_verdict crc(struct hook_call *call) {
    struct str token = hook_param(call, "crc_token");
    struct hook_secrets secrets = hook_secrets(call->config);
    cleanup(buf_clear) struct buf mac;
    buf_init(&mac, 256);
    if (!token.n)
        return hook_refuse(403, "handshake");
    if (!secrets.n ||
        !signature_hmac_make(secrets.items[0], SIGNATURE_SHA256, SIGNATURE_BASE64, &token, 1, &mac))
        return hook_refuse(403, "handshake");
    return hook_answer(
        200, "application/json",
        arena_strf(call->arena, "{\"response_token\":\"sha256=%.*s\"}", STR_ARG(buf_str(&mac))));
}

static struct hook_verdict judge(struct hook_call *call) {
    const struct str prefix = STR("sha256=");
    struct str given = hook_header(call, "x-twitter-webhooks-signature");
    if (str_is(call->method, "GET"))
        return crc(call);
    if (str_starts(given, prefix) &&
        signature_hmac(call->config, SIGNATURE_SHA256, SIGNATURE_BASE64, &call->body, 1,
                       str_from(given, prefix.n)))
        return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}

/* A post is answered in public, a direct message in private. */
static struct str post_of(struct arena *a, const struct hook_reply *r) {
    return provider_id(a, json_object_get(r->answered, "data"), "post_id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    struct str post = post_of(a, r);
    if (!r->config->send.token.n)
        return "this hook has no `send`: nothing can be sent";
    if (jget_bool(json_object_get(r->answered, "data"), "encrypted", false))
        return "X's encrypted chats cannot be answered from here";
    if (!r->touchpoint)
        return NULL;
    if (post.n)
        return hook_reply_text_fault(a, r, POST_MAX);
    if (!hook_path_ok(hook_reply_social(r)))
        return "the person has no id of this platform";
    return hook_reply_text_fault(a, r, DM_MAX);
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str base = hook_reply_base(r, "https://api.x.com"), post = post_of(a, r);
    json_t *body = json_pack("{s:o}", "text", jstr(jget_str(r->touchpoint, "text")));
    if (post.n) {
        json_object_set_new(body, "reply", json_pack("{s:o}", "in_reply_to_tweet_id", jstr(post)));
        out->url = arena_strf(a, "%.*s/2/tweets", STR_ARG(base));
    } else {
        out->url = arena_strf(a, "%.*s/2/dm_conversations/with/%.*s/messages", STR_ARG(base),
                              STR_ARG(hook_reply_social(r)));
    }
    hook_request_json(a, out, body);
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *data = json_object_get(answer, "data"),
                 *error = json_array_get(json_object_get(answer, "errors"), 0);
    struct str id = provider_id(a, data, "dm_event_id");
    out->provider_id = arena_str(a, id.n ? id : provider_id(a, data, "id"));
    struct str detail = jget_str(answer, "detail"), title = jget_str(answer, "title");
    if (!detail.n)
        detail = jget_str(error, "message");
    if (!out->provider_id.n && (detail.n || title.n))
        out->diagnostic = arena_str(a, detail.n ? detail : title);
    if (!data && json_object_get(answer, "errors") && out->state == TL_SENT)
        out->state = TL_SENT_NEVER;
}

const struct provider provider_x = {
    .name = "x",
    .flags = NEEDS_SECRET | TAKES_GET,
    .judge = judge,
    .read = x_read,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
