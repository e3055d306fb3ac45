/* social/viber.c - Viber REST Bot API: callbacks in, send_message out.
 *
 * Source: developers.viber.com, "REST Bot API" (callbacks, send message, error codes). A callback
 * is known by message_token and event; the token has up to 64 bits and is text here, whichever way
 * it is written. Viber answers 200 also where it refuses: `status` in the body tells.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "provider.h"
#include "signature.h"

enum { TEXT_UNITS_MAX = 7000, STATUS_NOT_SUBSCRIBED = 6, STATUS_RATE = 12, NAME_MAX_BYTES = 28 };

/* Whoever opens the chat is told something, in the answer itself; he need not have subscribed. */
static void greet(struct hook_call *call, struct hook_verdict *v) {
    cleanup(json_freep) json_t *root = NULL, *answer = NULL;
    struct str name = call->config->send.sender;
    if (!provider_parse(call->body, &root, NULL) ||
        !str_is(jget_str(root, "event"), "conversation_started"))
        return;
    answer = json_pack("{s:{s:o}, s:s, s:o}", "sender", "name",
                       name.n ? jstr(utf8_upto(name, NAME_MAX_BYTES)) : json_string("Support"),
                       "type", "text", "text", jstr(call->config->welcome));
    char *text = json_dumps(answer, JSON_COMPACT);
    v->type = "application/json";
    v->body = arena_str(call->arena, str_c(text));
    free(text);
}

static struct hook_verdict judge(struct hook_call *call) {
    if (!signature_hmac(call->config, SIGNATURE_SHA256, SIGNATURE_HEX, &call->body, 1,
                        hook_header(call, "X-Viber-Content-Signature")))
        return hook_refuse(401, "signature");
    struct hook_verdict v = hook_keep(STR_NONE);
    static const char event[] = "conversation_started";
    struct str body = call->body, welcome = call->config->welcome;
    if (welcome.n && body.n && memmem(body.p, body.n, event, sizeof event - 1))
        greet(call, &v);
    return v;
}

/* ---- reading ---- */

static json_t *person(struct arena *a, const json_t *root) {
    static const char *const members[] = {"sender", "user"};
    for (size_t i = 0; i < COUNT(members); i++) {
        const json_t *who = json_object_get(root, members[i]);
        struct str id = provider_id(a, who, "id");
        if (id.n)
            return provider_person("viber", id, jget_str(who, "name"), STR_NONE);
    }
    return provider_person("viber", provider_id(a, root, "user_id"), STR_NONE, STR_NONE);
}

static struct str message_key(struct arena *a, const json_t *root) {
    struct str token = provider_id(a, root, "message_token");
    return token.n ? arena_strf(a, "viber:%.*s", STR_ARG(token)) : STR_NONE;
}

static struct str text_of(struct arena *a, const json_t *m) {
    struct str type = jget_str(m, "type"), text = jget_str(m, "text");
    const json_t *at = json_object_get(m, "location"), *contact = json_object_get(m, "contact");
    if (str_is(type, "location") && at)
        return arena_strf(a, "%.6f, %.6f", json_number_value(json_object_get(at, "lat")),
                          json_number_value(json_object_get(at, "lon")));
    if (str_is(type, "contact") && contact)
        return arena_strf(a, "%.*s %.*s", STR_ARG(jget_str(contact, "name")),
                          STR_ARG(jget_str(contact, "phone_number")));
    if (str_is(type, "url")) {
        struct str media = jget_str(m, "media");
        return text.n ? arena_strf(a, "%.*s <%.*s>", STR_ARG(text), STR_ARG(media)) : media;
    }
    return text;
}

static void put_file(const json_t *m, json_t *tp) {
    static const struct {
        const char *type, *name, *content;
    } kinds[] = {{"picture", "picture.jpg", "image/jpeg"},
                 {"video", "video.mp4", "video/mp4"},
                 {"file", "file", ""},
                 {"audio", "audio", ""}};
    struct str type = jget_str(m, "type"), name = jget_str(m, "file_name"),
               media = jget_str(m, "media");
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_is(type, kinds[i].type) && media.n)
            provider_attach(tp, name.n ? name : str_c(kinds[i].name), str_c(kinds[i].content),
                            media);
}

static void put_origin(struct arena *a, const json_t *root, json_t *tp) {
    const json_t *user = json_object_get(root, "user"), *m = json_object_get(root, "message");
    json_t *data =
        json_pack("{s:s, s:o}", "provider", "viber", "event", jstr(jget_str(root, "event")));
    struct str chat = provider_id(a, root, "chat_id");
    provider_set(data, "chat_id", chat);
    provider_set(data, "tracking_data", jget_str(m, "tracking_data"));
    if (!str_is(jget_str(m, "type"), "text"))
        json_object_set(data, "callback", (json_t *)root);
    json_object_set_new(tp, "data", data);
    provider_put(tp, "at", provider_time_ms(json_object_get(root, "timestamp")));
    provider_set(tp, "language", jget_str(user, "language"));
}

static bool read_message(struct arena *a, const json_t *root, const struct tl_emit *out) {
    const json_t *m = json_object_get(root, "message");
    struct str key = message_key(a, root);
    json_t *from = person(a, root);
    if (!key.n || !from || !json_is_object(m)) {
        json_decref(from);
        return false;
    }
    json_t *tp = json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "source_id", jstr(key),
                           "message_id", jstr(key), "channel", "social", "kind", "message",
                           "direction", "inbound", "from", from, "text", jstr(text_of(a, m)));
    put_file(m, tp);
    put_origin(a, root, tp);
    provider_emit(out, tp);
    return true;
}

static bool read_state(struct arena *a, const json_t *root, const char *state,
                       const struct tl_emit *out) {
    struct str key = message_key(a, root), why = jget_str(root, "desc");
    if (!key.n)
        return false;
    json_t *delivery = json_pack("{s:s}", "state", state);
    provider_set(delivery, "diagnostic", why);
    provider_update(out, key, provider_time_ms(json_object_get(root, "timestamp")), delivery);
    return true;
}

/* Who came, who left, who looked in, and what Viber will think of next. */
static bool read_other(struct arena *a, const json_t *root, struct str event,
                       const struct tl_emit *out) {
    json_t *from = person(a, root);
    struct str token = provider_id(a, root, "message_token");
    if (!token.n)
        token = arena_strf(a, "%.*s:%.*s", STR_ARG(provider_id(a, root, "timestamp")),
                           STR_ARG(jget_str(json_object_get(from, "social"), "id")));
    if (!from && !json_object_get(root, "message_token"))
        return false;
    json_t *tp =
        json_pack("{s:o, s:s, s:s, s:s, s:s}", "source_id",
                  jstr(arena_strf(a, "%.*s:%.*s", STR_ARG(event), STR_ARG(token))), "channel",
                  "social", "kind", "other", "direction", "inbound", "auto", "notification");
    provider_put(tp, "from", from);
    provider_set(tp, "text", jget_str(root, "context"));
    put_origin(a, root, tp);
    provider_emit(out, tp);
    return true;
}

static bool read_callback(const json_t *root, const struct tl_read *in, const json_t *meta,
                          const struct tl_emit *out) {
    static const struct {
        const char *event, *state;
    } states[] = {{"delivered", "delivered"}, {"seen", "read"}, {"failed", "failed"}};
    cleanup(arena_clear) struct arena a;
    struct str event = jget_str(root, "event");
    const char *state = NULL;
    (void)in, (void)meta;
    arena_init(&a);
    if (!event.n)
        return false;
    if (str_is(event, "webhook")) /* the address was set: nobody said anything */
        return true;
    for (size_t i = 0; i < COUNT(states) && !state; i++)
        if (str_is(event, states[i].event))
            state = states[i].state;
    bool read = state                      ? read_state(&a, root, state, out)
                : str_is(event, "message") ? read_message(&a, root, out)
                                           : read_other(&a, root, event, out);
    if (!read)
        provider_bad(out, root, "a callback without its token, its message or its person");
    return true;
}

/* ---- sending ---- */

static struct str receiver_of(const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    return jget_str(json_object_get(to, "social"), "id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    (void)a;
    if (!r->config->send.token.n)
        return "this hook has no `send`: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    struct str text = jget_str(r->touchpoint, "text");
    if (!receiver_of(r).n)
        return "the person's Viber id is not known";
    if (!text.n || json_array_size(json_object_get(r->touchpoint, "attachments")))
        return "Viber takes text only here";
    return utf16_units(text) > TEXT_UNITS_MAX ? "Viber takes 7000 characters at most" : NULL;
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str base = r->config->send.base, name = r->config->send.sender;
    json_t *body = json_pack(
        "{s:o, s:s, s:o, s:i, s:{s:o}, s:o}", "receiver", jstr(receiver_of(r)), "type", "text",
        "text", jstr(jget_str(r->touchpoint, "text")), "min_api_version", 1, "sender", "name",
        name.n ? jstr(utf8_upto(name, NAME_MAX_BYTES)) : json_string("Support"), "tracking_data",
        jstr(r->id));
    hook_request_json(a, out, body);
    hook_request_header(out, "X-Viber-Auth-Token", r->config->send.token);
    out->url = arena_strf(a, "%.*s/pa/send_message",
                          STR_ARG(base.n ? base : str_c("https://chatapi.viber.com")));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    int64_t status = jget_int(answer, "status", 0);
    if (!status && out->state == TL_SENT) {
        out->provider_id = message_key(a, answer);
        return;
    }
    if (out->state == TL_SENT)
        out->state = status == STATUS_RATE ? TL_SENT_RETRY : TL_SENT_NEVER;
    if (status)
        out->code = arena_strf(a, "%lld", (long long)status);
    out->diagnostic = status == STATUS_NOT_SUBSCRIBED
                          ? str_c("the person has not subscribed, or left")
                          : arena_str(a, jget_str(answer, "status_message"));
}

const struct provider provider_viber = {
    .name = "viber",
    .flags = NEEDS_SECRET,
    .judge = judge,
    .read = read_callback,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
