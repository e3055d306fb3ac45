/* social/standard.c - Standard Webhooks: any system of one's own; `data` of the payload is the push
 * object.
 *
 * Source: Standard Webhooks 1.0 (webhook-id, webhook-timestamp, webhook-signature). `data` may be a
 * list; a status of what we sent comes as {"update": …}. Replies go out as a signed webhook to
 * send.base, folded there by webhook-id.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "provider.h"
#include "signature.h"

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "secret";
    return signature_standard_secret(c->secret)
               ? NULL
               : "holds no secret of Standard Webhooks: whsec_ (or whpk_) and base64";
}

static struct hook_verdict judge(const struct hook_config *c, hook_header_fn *header, void *ctx,
                                 struct str body, int64_t now_ms) {
    const struct standard_headers h = {header(ctx, "webhook-id"), header(ctx, "webhook-timestamp"),
                                       header(ctx, "webhook-signature")};
    switch (signature_standard(c->secret, &h, body, now_ms)) {
    case SIGNATURE_GOOD:
        return (struct hook_verdict){.status = 200, .delivery_id = h.id};
    case SIGNATURE_BAD_ID:
        return (struct hook_verdict){.status = 400, .code = "webhook-id"};
    case SIGNATURE_STALE:
        return (struct hook_verdict){.status = 401, .code = "timestamp"};
    case SIGNATURE_BAD:
        break;
    }
    return (struct hook_verdict){.status = 401, .code = "signature"};
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

static bool read_payload(const json_t *root, const struct tl_read *in, const struct tl_emit *out) {
    const json_t *data = json_object_get(root, "data"), *at = json_object_get(root, "timestamp"),
                 *item;
    cleanup(json_freep) json_t *meta = NULL;
    size_t i;
    if (!data || !jread_parse(in->meta, 4096, &meta, NULL))
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

static bool write_request(struct arena *a, const struct hook_config *c, const json_t *touchpoint,
                          const json_t *reply_to, const struct tl_outbound *what, int64_t now_ms,
                          struct hook_request *out, const char **out_why) {
    (void)reply_to;
    cleanup(buf_clear) struct buf signature;
    buf_init(&signature, 256);
    if (!c->send.base.n) {
        *out_why = "this hook has no `send.base`: nothing can be sent";
        return false;
    }
    cleanup(json_freep) json_t *body =
        json_pack("{s:s, s:O*, s:o}", "type", "touchpoint.outbound", "timestamp",
                  json_object_get(touchpoint, "at"), "data", outbound(touchpoint));
    char *dumped = json_dumps(body, JSON_COMPACT);
    out->body = arena_str(a, str_c(dumped));
    free(dumped);
    if (!signature_standard_sign(c->secret, what->id, now_ms / 1000, out->body, &signature)) {
        *out_why = "the hook's secret cannot sign";
        return false;
    }
    out->url = c->send.base;
    out->headers[0] = (struct tl_header){str_c("Content-Type"), str_c("application/json")};
    out->headers[1] = (struct tl_header){str_c("webhook-id"), what->id};
    out->headers[2] = (struct tl_header){str_c("webhook-timestamp"),
                                         arena_strf(a, "%lld", (long long)(now_ms / 1000))};
    out->headers[3] =
        (struct tl_header){str_c("webhook-signature"), arena_str(a, buf_str(&signature))};
    out->headers_n = 4;
    out->repeatable = true;
    return true;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    (void)a;
    out->provider_id = jget_str(answer, "id");
}

const struct provider provider_standard = {
    .name = "standard",
    .fault = fault,
    .judge = judge,
    .read = read_payload,
    .write = write_request,
    .answered = answered,
};
