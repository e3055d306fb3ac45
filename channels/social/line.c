/* social/line.c - LINE Messaging API: events in, reply or push out.
 *
 * Source: developers.line.biz, "Messaging API reference" (webhook event objects, send reply
 * message, send push message, get content, retry key). A message's key is its id, so that an edit
 * and an unsend are revisions of it; every other event is known by webhookEventId. A reply token
 * lives about a minute and is used once; later a push is sent, which a retry key makes repeatable.
 */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "provider.h"
#include "signature.h"

enum {
    TEXT_UNITS_MAX = 5000,
    MESSAGES_MAX = 5,
    TOKEN_FRESH_MS = 50000,
    KEYWORDS_MAX = 10,
};

static struct hook_verdict judge(struct hook_call *call) {
    if (signature_hmac(call->config, SIGNATURE_SHA256, SIGNATURE_BASE64, &call->body, 1,
                       hook_header(call, "x-line-signature")))
        return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}

/* ---- reading ---- */

/* Where it was said: a group, a room, or absent alone with a person. */
static struct str place_of(const json_t *source) {
    struct str group = jget_str(source, "groupId");
    return group.n ? group : jget_str(source, "roomId");
}

static json_t *person(const json_t *source) {
    struct str user = jget_str(source, "userId");
    return provider_person("line", user.n ? user : place_of(source), STR_NONE, STR_NONE);
}

static struct str sticker_text(struct arena *a, const json_t *m) {
    struct str text = jget_str(m, "text");
    const json_t *words = json_object_get(m, "keywords"), *word;
    size_t i;
    if (text.n || !json_is_array(words))
        return text;
    json_array_foreach(words, i, word) {
        if (i == KEYWORDS_MAX || !json_is_string(word))
            break;
        text = arena_strf(a, "%.*s%s%s", STR_ARG(text), i ? ", " : "", json_string_value(word));
    }
    return text;
}

static struct str text_of(struct arena *a, const json_t *m) {
    struct str type = jget_str(m, "type");
    if (str_is(type, "sticker"))
        return sticker_text(a, m);
    if (!str_is(type, "location"))
        return jget_str(m, "text");
    struct str title = jget_str(m, "title"), address = jget_str(m, "address");
    return arena_strf(a, "%.*s%s%.*s%s%.6f, %.6f", STR_ARG(title), title.n ? "\n" : "",
                      STR_ARG(address), address.n ? "\n" : "",
                      json_number_value(json_object_get(m, "latitude")),
                      json_number_value(json_object_get(m, "longitude")));
}

static void put_file(struct arena *a, const json_t *m, json_t *tp) {
    static const struct {
        const char *type, *name, *content;
    } kinds[] = {{"image", "image.jpg", "image/jpeg"},
                 {"video", "video.mp4", "video/mp4"},
                 {"audio", "audio.m4a", "audio/mp4"},
                 {"file", "file", ""}};
    const json_t *provider = json_object_get(m, "contentProvider");
    struct str type = jget_str(m, "type"), name = jget_str(m, "fileName");
    struct str word = arena_strf(a, "id:%.*s", STR_ARG(provider_id(a, m, "id")));
    if (str_is(jget_str(provider, "type"), "external"))
        word = jget_str(provider, "originalContentUrl");
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_is(type, kinds[i].type) && word.n)
            provider_attach(tp, name.n ? name : str_c(kinds[i].name), str_c(kinds[i].content),
                            word);
}

/* What the reply needs, and what came. */
static void put_data(struct arena *a, const json_t *e, json_t *tp) {
    const json_t *source = json_object_get(e, "source");
    struct str place = place_of(source), to = place.n ? place : jget_str(source, "userId");
    json_t *data = json_pack("{s:s, s:o}", "provider", "line", "type", jstr(jget_str(e, "type")));
    provider_set(data, "chat_id", to);
    provider_set(data, "reply_token", jget_str(e, "replyToken"));
    provider_set(data, "mode", jget_str(e, "mode"));
    if (!str_is(jget_str(json_object_get(e, "message"), "type"), "text"))
        json_object_set(data, "event", (json_t *)e);
    json_object_set_new(tp, "data", data);
    provider_put(tp, "at", provider_time_ms(json_object_get(e, "timestamp")));
    provider_put(tp, "from", person(source));
    if (place.n)
        provider_set(tp, "thread", place);
    /* Another system has the conversation in hand. */
    if (str_is(jget_str(e, "mode"), "standby"))
        json_object_set_new(tp, "auto", json_string("notification"));
    (void)a;
}

static struct str message_key(struct arena *a, struct str id) {
    return id.n ? arena_strf(a, "line:%.*s", STR_ARG(id)) : STR_NONE;
}

static json_t *touchpoint(struct str id, const char *kind) {
    return json_pack("{s:o, s:s, s:s, s:s}", "source_id", jstr(id), "channel", "social", "kind",
                     kind, "direction", "inbound");
}

static bool read_message(struct arena *a, const json_t *e, const struct tl_emit *out) {
    const json_t *m = json_object_get(e, "message");
    struct str key = message_key(a, provider_id(a, m, "id"));
    struct str quoted = message_key(a, provider_id(a, m, "quotedMessageId"));
    if (!key.n)
        return false;
    json_t *tp = touchpoint(key, "message");
    provider_set(tp, "message_id", key);
    json_object_set_new(tp, "text", jstr(text_of(a, m)));
    if (quoted.n)
        json_object_set_new(tp, "in_reply_to", json_pack("[o]", jstr(quoted)));
    if (str_is(jget_str(e, "type"), "messageEdited"))
        json_object_set_new(tp, "revision", json_integer(jget_int(e, "timestamp", 1)));
    put_file(a, m, tp);
    put_data(a, e, tp);
    provider_emit(out, tp);
    return true;
}

/* The platform's rule: what was taken back must go. */
static bool read_unsend(struct arena *a, const json_t *e, const struct tl_emit *out) {
    struct str key = message_key(a, provider_id(a, json_object_get(e, "unsend"), "messageId"));
    if (!key.n)
        return false;
    json_t *tp = touchpoint(key, "message");
    json_object_set_new(tp, "deleted", json_true());
    json_object_set_new(tp, "revision", json_integer(jget_int(e, "timestamp", 1)));
    json_object_set_new(tp, "auto", json_string("notification"));
    provider_put(tp, "from", person(json_object_get(e, "source")));
    provider_put(tp, "at", provider_time_ms(json_object_get(e, "timestamp")));
    json_object_set_new(tp, "data", json_pack("{s:s, s:s}", "provider", "line", "type", "unsend"));
    provider_emit(out, tp);
    return true;
}

/* All else: a follow, a member, a button, what LINE will think of next. */
static void read_other(struct arena *a, const json_t *e, const struct tl_emit *out) {
    const json_t *source = json_object_get(e, "source");
    struct str id = provider_id(a, e, "webhookEventId"), type = jget_str(e, "type");
    struct str user = jget_str(source, "userId");
    if (!id.n)
        id = arena_strf(a, "%.*s:%.*s:%.*s:%.*s", STR_ARG(type),
                        STR_ARG(provider_id(a, e, "timestamp")), STR_ARG(place_of(source)),
                        STR_ARG(user));
    json_t *tp = touchpoint(arena_strf(a, "event:%.*s", STR_ARG(id)), "other");
    provider_set(tp, "text", jget_str(json_object_get(e, "postback"), "data"));
    put_data(a, e, tp);
    if (!str_is(type, "postback"))
        json_object_set_new(tp, "auto", json_string("notification"));
    provider_emit(out, tp);
}

static bool read_delivery(const json_t *root, const struct tl_read *in, const json_t *meta,
                          const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const json_t *events = json_object_get(root, "events"), *e;
    size_t i;
    (void)in, (void)meta;
    arena_init(&a);
    if (!json_is_array(events))
        return false;
    json_array_foreach(events, i, e) {
        struct str type = jget_str(e, "type");
        bool read = type.n > 0;
        if (str_is(type, "message") || str_is(type, "messageEdited"))
            read = read_message(&a, e, out);
        else if (str_is(type, "unsend"))
            read = read_unsend(&a, e, out);
        else if (read)
            read_other(&a, e, out);
        if (!read)
            provider_bad(out, e, "an event without a type or its message's id");
    }
    return true;
}

/* ---- sending ---- */

static struct str chat_of(const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    struct str chat = jget_str(json_object_get(r->answered, "data"), "chat_id");
    return chat.n ? chat : jget_str(json_object_get(to, "social"), "id");
}

static struct str fresh_token(const struct hook_reply *r) {
    int64_t at;
    struct str when = jget_str(r->answered, "received_at");
    bool fresh = date_parse(when, &at) && r->now_ms - at < TOKEN_FRESH_MS;
    return fresh ? jget_str(json_object_get(r->answered, "data"), "reply_token") : STR_NONE;
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    (void)a;
    if (!r->config->send.token.n)
        return "this hook has no `send`: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    struct str text = jget_str(r->touchpoint, "text");
    if (!chat_of(r).n)
        return "the chat to answer in is not known";
    if (!text.n || json_array_size(json_object_get(r->touchpoint, "attachments")))
        return "LINE takes text only here";
    return utf16_units(text) > TEXT_UNITS_MAX * MESSAGES_MAX
               ? "LINE takes five messages of 5000 characters at most"
               : NULL;
}

/* Pieces of at most 5000 units, not through a character. */
static json_t *messages_of(struct str text) {
    json_t *list = json_array();
    const char *p = text.p, *end = text.p + text.n, *from = p;
    size_t units = 0;
    while (p < end) {
        const char *before = p;
        size_t n = utf8_next(&p, end) > 0xffff ? 2 : 1;
        if (units + n > TEXT_UNITS_MAX) {
            struct str piece = str_make(from, (size_t)(before - from));
            json_array_append_new(list,
                                  json_pack("{s:s, s:o}", "type", "text", "text", jstr(piece)));
            from = before;
            units = 0;
        }
        units += n;
    }
    struct str last = str_make(from, (size_t)(end - from));
    json_array_append_new(list, json_pack("{s:s, s:o}", "type", "text", "text", jstr(last)));
    return list;
}

/* A UUID out of our id: the same reply is the same key (RFC 9562 5.8). */
static struct str retry_key(struct arena *a, struct str id) {
    uint8_t d[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    sha256(id, d);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x80);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    hex_encode(d, sizeof d, hex);
    return arena_strf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str base = r->config->send.base, token = fresh_token(r);
    json_t *messages = messages_of(jget_str(r->touchpoint, "text"));
    if (token.n)
        hook_request_json(a, out,
                          json_pack("{s:o, s:o}", "replyToken", jstr(token), "messages", messages));
    else
        hook_request_json(a, out,
                          json_pack("{s:o, s:o}", "to", jstr(chat_of(r)), "messages", messages));
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    if (!token.n) {
        hook_request_header(out, "X-Line-Retry-Key", retry_key(a, r->id));
        out->repeatable = true;
    }
    out->url = arena_strf(a, "%.*s/v2/bot/message/%s",
                          STR_ARG(base.n ? base : str_c("https://api.line.me")),
                          token.n ? "reply" : "push");
    return NULL;
}

static bool mentions(struct str text, const char *words) {
    return text.n && memmem(text.p, text.n, words, strlen(words));
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *sent = json_array_get(json_object_get(answer, "sentMessages"), 0);
    struct str message = jget_str(answer, "message"), id = provider_id(a, sent, "id");
    if (id.n)
        out->provider_id = message_key(a, id);
    if (message.n)
        out->diagnostic = arena_str(a, message);
    /* 409: the same retry key was taken before. A token that is spent: by push, the next time. */
    if (mentions(message, "retry key is already accepted"))
        out->state = TL_SENT;
    else if (mentions(message, "Invalid reply token"))
        out->state = TL_SENT_RETRY;
    else if (mentions(message, "monthly limit"))
        out->state = TL_SENT_NEVER;
}

static const char *media(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last) {
    const struct str prefix = STR("id:");
    cleanup(buf_clear) struct buf id;
    struct str base = c->send.base.n ? c->send.base : str_c("https://api-data.line.me");
    buf_init(&id, 1000);
    (void)answer;
    *out_last = true;
    out->url = word;
    if (!str_starts(word, prefix))
        return NULL;
    if (!c->send.token.n)
        return "this hook has no `send.token`: files cannot be fetched";
    if (!percent_encode(&id, str_from(word, prefix.n)))
        return "not a message of LINE";
    out->url = arena_strf(a, "%.*s/v2/bot/message/%s/content", STR_ARG(base), buf_c(&id));
    hook_request_auth(a, out, "Bearer", c->send.token);
    return NULL;
}

const struct provider provider_line = {
    .name = "line",
    .flags = NEEDS_SECRET,
    .judge = judge,
    .read = read_delivery,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
    .media = media,
};
