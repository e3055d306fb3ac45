/* social/discord.c - Discord: the row; Ed25519, PINGs, acknowledgements, replies.
 *
 * Source: Discord's "Interactions overview" and "Webhook events". The signature is over the
 * timestamp and the raw body; Discord sends bad ones on purpose and wants 401. A reply within 15
 * minutes follows up the interaction by its token, later ones go into the channel by the bot.
 * Reading is discord_read.c.
 */
#include <sodium.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "discord.h"
#include "signature.h"

enum {
    SKEW_MS = 5 * 60 * 1000,
    FOLLOW_UP_MS = 14 * 60 * 1000, /* of 15 minutes, with some for the way */
    TEXT_MAX = 2000,
    BODY_MAX = 4 * 1024 * 1024,
    NONCE_MAX = 25,
};

/* The types of an interaction, and how each is put off: we answer with a message of our own. */
enum { PING = 1, COMMAND = 2, COMPONENT = 3, AUTOCOMPLETE = 4, MODAL = 5 };

static bool key_of(const struct hook_config *c, uint8_t out[crypto_sign_PUBLICKEYBYTES]) {
    return hex_decode(str_trim(c->key), out, crypto_sign_PUBLICKEYBYTES);
}

static const char *fault(const struct hook_config *c, const char **out_key) {
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    *out_key = "key";
    return key_of(c, key) ? NULL : "is no public key: 64 hexadecimal digits";
}

static bool is_signed(struct hook_call *call) {
    uint8_t key[crypto_sign_PUBLICKEYBYTES], given[crypto_sign_BYTES];
    struct str at = hook_header(call, "X-Signature-Timestamp");
    const struct str pieces[] = {at, call->body};
    return key_of(call->config, key) &&
           hex_decode(hook_header(call, "X-Signature-Ed25519"), given, sizeof given) &&
           signature_fresh(at, call->now_ms, SKEW_MS, SKEW_MS) &&
           signature_ed25519(str_make((const char *)key, sizeof key), pieces, COUNT(pieces),
                             str_make((const char *)given, sizeof given));
}

/* What an interaction is told within three seconds: that we think about it. */
static struct str deferred(int64_t type) {
    return str_c(type == COMPONENT      ? "{\"type\":6}"
                 : type == AUTOCOMPLETE ? "{\"type\":8,\"data\":{\"choices\":[]}}"
                                        : "{\"type\":5}");
}

static struct hook_verdict judge(struct hook_call *call) {
    cleanup(json_freep) json_t *root = NULL;
    if (!is_signed(call))
        return hook_refuse(401, "signature");
    bool parsed = call->body.n <= BODY_MAX && jread_parse(call->body, BODY_MAX, &root, NULL);
    int64_t type = jget_int(root, "type", -1);
    bool event = json_object_get(root, "event") || (parsed && type == 0);
    if (event && type == 0)
        return hook_answer(204, "application/json", str_c(""));
    if (!event && type == PING)
        return hook_answer(200, "application/json", str_c("{\"type\":1}"));
    struct hook_verdict v =
        hook_keep(event ? STR_NONE : arena_str(call->arena, str_upto(jget_str(root, "id"), 100)));
    v.status = event || !parsed ? 204 : 200;
    if (v.status == 200) {
        v.type = "application/json";
        v.body = deferred(type);
    }
    return v;
}

/* ---- replies ---- */

/* The follow-up's token while it lives. Absent: the bot must write. */
static struct str token_of(const struct hook_reply *r) {
    struct str token = jget_str(json_object_get(r->answered, "data"), "token");
    int64_t age = hook_reply_age_ms(r);
    return age >= 0 && age <= FOLLOW_UP_MS && hook_path_ok(token) ? token : STR_NONE;
}

static struct str application_of(const struct hook_reply *r) {
    struct str own = jget_str(json_object_get(r->answered, "data"), "application_id");
    return own.n ? own : r->config->send.user;
}

static struct str channel_of(const struct hook_reply *r) {
    return jget_str(json_object_get(r->answered, "data"), "channel_id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    bool follow_up = token_of(r).n && hook_path_ok(application_of(r));
    if (!follow_up && !r->config->send.token.n)
        return "the 15 minutes to answer are over, and this hook has no bot (`send.token`)";
    if (!follow_up && r->answered && !hook_path_ok(channel_of(r)))
        return "the channel to answer in is not known";
    if (!follow_up && !r->answered)
        return "on Discord nobody can be written to first";
    return hook_reply_text_fault(a, r, TEXT_MAX);
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str base = hook_reply_base(r, "https://discord.com"), token = token_of(r),
               message = jget_str(json_object_get(r->answered, "data"), "message_id");
    json_t *body = json_pack("{s:o, s:{s:[]}}", "content", jstr(jget_str(r->touchpoint, "text")),
                             "allowed_mentions", "parse");
    if (token.n) {
        hook_request_json(a, out, body);
        out->url = arena_strf(a, "%.*s/api/v10/webhooks/%.*s/%.*s", STR_ARG(base),
                              STR_ARG(application_of(r)), STR_ARG(token));
        return NULL;
    }
    /* The same nonce again gives the first message back. */
    size_t from = r->id.n > NONCE_MAX ? r->id.n - NONCE_MAX : 0;
    json_object_set_new(body, "nonce", jstr(str_from(r->id, from)));
    json_object_set_new(body, "enforce_nonce", json_true());
    out->repeatable = true;
    if (message.n)
        json_object_set_new(
            body, "message_reference",
            json_pack("{s:o, s:b}", "message_id", jstr(message), "fail_if_not_exists", 0));
    hook_request_json(a, out, body);
    hook_request_auth(a, out, "Bot", r->config->send.token);
    out->url =
        arena_strf(a, "%.*s/api/v10/channels/%.*s/messages", STR_ARG(base), STR_ARG(channel_of(r)));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *wait = json_object_get(answer, "retry_after");
    if (out->state == TL_SENT) {
        out->provider_id = arena_str(a, jget_str(answer, "id"));
        return;
    }
    if (json_object_get(answer, "code"))
        out->code = arena_str(a, provider_id(a, answer, "code"));
    out->diagnostic = arena_str(a, jget_str(answer, "message"));
    double seconds = json_number_value(wait);
    if (seconds > 0 && seconds < 86400)
        out->retry_after_ms = (int64_t)(seconds * 1000) + 1;
}

const struct provider provider_discord = {
    .name = "discord",
    .flags = NEEDS_KEY,
    .fault = fault,
    .judge = judge,
    .read = discord_read,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
