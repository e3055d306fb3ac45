/* social/slack.c - Slack: the row; signature, url_verification, chat.postMessage.
 *
 * Source: Slack's "Verifying requests" (v0:timestamp:body), Events API, chat.postMessage. Reading
 * is slack_read.c.
 */
#include <touchline/kit/jread.h>

#include "signature.h"
#include "slack.h"

enum { SKEW_MS = 300 * 1000, TEXT_MAX = 40000, CHALLENGE_MAX = 64 * 1024 };

static bool is_signed(struct hook_call *call) {
    const struct str version = STR("v0="), colon = STR(":"), v0 = STR("v0");
    struct str at = hook_header(call, "X-Slack-Request-Timestamp"),
               given = hook_header(call, "X-Slack-Signature");
    const struct str pieces[] = {v0, colon, at, colon, call->body};
    return str_starts(given, version) && signature_fresh(at, call->now_ms, SKEW_MS, SKEW_MS) &&
           signature_hmac(call->config, SIGNATURE_SHA256, SIGNATURE_HEX, pieces, COUNT(pieces),
                          str_from(given, version.n));
}

/* The handshake is a signed event like any other. */
static struct hook_verdict judge(struct hook_call *call) {
    cleanup(json_freep) json_t *root = NULL;
    if (!is_signed(call))
        return hook_refuse(401, "signature");
    if (call->body.n > CHALLENGE_MAX || !str_starts(str_trim(call->body), str_c("{")) ||
        !jread_parse(call->body, CHALLENGE_MAX, &root, NULL))
        return hook_keep(STR_NONE);
    struct str challenge = jget_str(root, "challenge");
    if (str_is(jget_str(root, "type"), "url_verification") && challenge.p)
        return hook_answer(200, "text/plain; charset=utf-8", arena_str(call->arena, challenge));
    return hook_keep(arena_str(call->arena, str_upto(jget_str(root, "event_id"), 100)));
}

/* ---- replies ---- */

static struct str channel_of(struct arena *a, const struct hook_reply *r) {
    struct str channel = provider_id(a, json_object_get(r->answered, "data"), "channel");
    return channel.n ? channel : hook_reply_social(r); /* a user's id opens his own channel */
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    if (!r->config->send.token.n)
        return "this hook has no `send`: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    if (!channel_of(a, r).n)
        return "the channel to answer in is not known";
    return hook_reply_text_fault(a, r, TEXT_MAX);
}

/* Slack's three characters that mean something else. */
static json_t *escaped(struct str text) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, text.n * 5 + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool ok = c == '&'   ? buf_add_c(&b, "&amp;")
                  : c == '<' ? buf_add_c(&b, "&lt;")
                  : c == '>' ? buf_add_c(&b, "&gt;")
                             : buf_add_byte(&b, c);
        if (!ok)
            break;
    }
    return jstr(buf_str(&b));
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    json_t *body = json_pack("{s:o, s:o}", "channel", jstr(channel_of(a, r)), "text",
                             escaped(jget_str(r->touchpoint, "text")));
    provider_set(body, "thread_ts", jget_str(json_object_get(r->answered, "data"), "thread_ts"));
    hook_request_json(a, out, body);
    out->headers[out->headers_n - 1].value = str_c("application/json; charset=utf-8");
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    out->url = arena_strf(a, "%.*s/chat.postMessage",
                          STR_ARG(hook_reply_base(r, "https://slack.com/api")));
    return NULL;
}

/* A refusal is a 200 with ok: false. */
static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    struct str error = jget_str(answer, "error");
    if (jget_bool(answer, "ok", false)) {
        out->provider_id = slack_message_id(a, jget_str(answer, "channel"), jget_str(answer, "ts"));
        return;
    }
    out->code = out->diagnostic = arena_str(a, error);
    bool again = str_is(error, "ratelimited") || str_is(error, "rate_limited") ||
                 str_is(error, "service_unavailable");
    if (out->state == TL_SENT)
        out->state = again ? TL_SENT_RETRY : TL_SENT_NEVER;
}

/* A file's address is Slack's own and wants the token. */
static const char *media(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last) {
    static const char *const own[] = {"slack.com", "slack-edge.com", "slack-files.com", NULL};
    (void)answer;
    *out_last = true;
    if (!c->send.token.n)
        return "this hook has no `send.token`: files cannot be fetched";
    if (!hook_url_ours(c, word, own))
        return "the file does not lie at Slack";
    out->method = "GET";
    out->url = word;
    hook_request_auth(a, out, "Bearer", c->send.token);
    return NULL;
}

const struct provider provider_slack = {
    .name = "slack",
    .flags = NEEDS_SECRET,
    .judge = judge,
    .read_bytes = slack_read,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
    .media = media,
};
