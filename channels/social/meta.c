/* social/meta.c - see meta.h. Source: Meta's Graph API webhooks, "Getting started". */
#include "meta.h"

#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

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

void meta_error(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    /* Application, user and page limits; WhatsApp's own. Nothing was sent then. */
    static const int64_t limits[] = {4, 17, 32, 613, 80007, 130429, 131048, 131056};
    const json_t *error = json_object_get(answer, "error");
    if (!error)
        return;
    int64_t code = jget_int(error, "code", 0);
    out->code = provider_id(a, error, "code");
    out->diagnostic = arena_str(a, jget_str(error, "message"));
    for (size_t i = 0; i < COUNT(limits); i++)
        if (code == limits[i])
            out->state = TL_SENT_RETRY;
}

bool meta_media_host_ok(const struct hook_config *c, struct str url) {
    static const char *const own[] = {"fbsbx.com",    "facebook.com",     "fbcdn.net",
                                      "whatsapp.net", "cdninstagram.com", NULL};
    return hook_url_ours(c, url, own);
}
