/* social/meta.c - see meta.h. Source: Meta's Graph API webhooks, "Getting started". */
#include "meta.h"

#include <touchline/kit/hmac.h>

#include "signature.h"

static struct hook_verdict handshake(struct hook_call *call) {
    struct str verify = call->config->verify, challenge = hook_param(call, "hub.challenge");
    bool ours = verify.n && str_is(hook_param(call, "hub.mode"), "subscribe") &&
                bytes_equal(hook_param(call, "hub.verify_token"), verify);
    return ours && challenge.p ? hook_answer(200, "text/plain; charset=utf-8", challenge)
                               : hook_refuse(403, "handshake");
}

struct hook_verdict meta_judge(struct hook_call *call) {
    if (str_is(call->method, "GET"))
        return handshake(call);
    if (signature_meta(call->config, hook_header(call, "X-Hub-Signature-256"), call->body))
        return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}
