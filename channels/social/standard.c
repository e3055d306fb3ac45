/* social/standard.c - Standard Webhooks: any system of one's own; `data` of the payload is the push
 * object.
 *
 * Source: Standard Webhooks 1.0 (webhook-id, webhook-timestamp, webhook-signature). `data` may be a
 * list; a status of what we sent comes as {"update": …}. Replies go out as a signed webhook to
 * send.base, folded there by webhook-id.
 */
#include <touchline/kit/jread.h>
#include <touchline/kit/webhook.h>

#include "provider.h"
#include "signature.h"

static const char *fault(const struct hook_config *c, const char **out_key) {
    struct hook_secrets secrets = hook_secrets(c);
    for (size_t i = 0; i < secrets.n; i++)
        if (!signature_standard_secret(secrets.items[i])) {
            *out_key = i ? "previous_secret" : "secret";
            return "holds no secret of Standard Webhooks: whsec_ (or whpk_) and base64";
        }
    return NULL;
}

static struct hook_verdict judge(struct hook_call *call) {
    const struct standard_headers h = {hook_header(call, "webhook-id"),
                                       hook_header(call, "webhook-timestamp"),
                                       hook_header(call, "webhook-signature")};
    struct hook_secrets secrets = hook_secrets(call->config);
    enum signature_verdict worst = SIGNATURE_BAD;
    for (size_t i = 0; i < secrets.n; i++) {
        enum signature_verdict v =
            signature_standard(secrets.items[i], &h, call->body, call->now_ms);
        if (v == SIGNATURE_GOOD)
            return hook_keep(h.id);
        if (v != SIGNATURE_BAD)
            worst = v;
    }
    if (worst == SIGNATURE_BAD_ID)
        return hook_refuse(400, "webhook-id");
    return hook_refuse(401, worst == SIGNATURE_STALE ? "timestamp" : "signature");
}

static void read_item(const json_t *item, struct str own_id, const json_t *at,
                      const struct tl_emit *out) {
    if (!json_is_object(item)) {
        provider_bad(out, item, "an item of `data` is no object");
        return;
    }
    json_t *tp = json_copy((json_t *)item);
    /* The push object calls its id `id`. */
    json_t *id = json_object_get(tp, "id");
    if (json_object_get(tp, "update")) {
        provider_emit(out, tp);
        return;
    }
    if (id)
        json_object_set(tp, "source_id", id);
    else if (own_id.n)
        json_object_set_new(tp, "source_id", jstr(own_id));
    json_object_del(tp, "id");
    if (at && !json_object_get(tp, "at"))
        json_object_set(tp, "at", (json_t *)at);
    provider_emit(out, tp);
}

static bool read_payload(const json_t *root, const struct tl_read *in, const json_t *meta,
                         const struct tl_emit *out) {
    const json_t *data = json_object_get(root, "data"), *at = json_object_get(root, "timestamp"),
                 *item;
    size_t i;
    (void)in;
    if (!data)
        return false;
    struct str id = jget_str(meta, "delivery_id");
    if (!json_is_array(data)) {
        read_item(data, id, at, out);
        return true;
    }
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    json_array_foreach(data, i, item)
        read_item(item, arena_strf(&a, "%.*s/%zu", STR_ARG(id), i), at, out);
    return true;
}

/* What leaves: the touchpoint without the paths of our own files. */
static json_t *outbound(const json_t *touchpoint) {
    json_t *copy = json_deep_copy(touchpoint), *one;
    size_t i;
    json_array_foreach(json_object_get(copy, "attachments"), i, one) json_object_del(one, "path");
    return copy;
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    (void)a;
    return r->config->send.base.n ? NULL : "this hook has no `send.base`: nothing can be sent";
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    cleanup(buf_clear) struct buf signature;
    buf_init(&signature, 256);
    hook_request_json(a, out,
                      json_pack("{s:s, s:O*, s:o}", "type", "touchpoint.outbound", "timestamp",
                                json_object_get(r->touchpoint, "at"), "data",
                                outbound(r->touchpoint)));
    if (!webhook_sign(r->config->secret, r->id, r->now_ms / 1000, out->body, &signature))
        return "the hook's secret cannot sign";
    out->url = r->config->send.base;
    hook_request_header(out, "webhook-id", r->id);
    hook_request_header(out, "webhook-timestamp",
                        arena_strf(a, "%lld", (long long)(r->now_ms / 1000)));
    hook_request_header(out, "webhook-signature", arena_str(a, buf_str(&signature)));
    out->repeatable = true;
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    out->provider_id = arena_str(a, jget_str(answer, "id"));
}

const struct provider provider_standard = {
    .name = "standard",
    .flags = NEEDS_SECRET,
    .fault = fault,
    .judge = judge,
    .read = read_payload,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
