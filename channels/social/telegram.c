/* social/telegram.c - Telegram Bot API: updates in, sendMessage out.
 *
 * Source: core.telegram.org/bots/api (Update, Message, sendMessage). A message's key is (chat.id,
 * message_id); an edit is a revision of it. The secret token is compared, there is no signature.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "provider.h"
#include "signature.h"

static struct hook_verdict judge(struct hook_call *call) {
    if (signature_token(call->config, hook_header(call, "X-Telegram-Bot-Api-Secret-Token")))
        return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}

/* ---- reading ---- */

static json_t *person(struct arena *a, const json_t *from) {
    struct str id = provider_id(a, from, "id");
    if (!id.n)
        return NULL;
    struct str first = jget_str(from, "first_name"), last = jget_str(from, "last_name"),
               handle = jget_str(from, "username");
    if (!first.n)
        first = jget_str(from, "title");
    struct str name =
        arena_strf(a, "%.*s%s%.*s", STR_ARG(first), first.n && last.n ? " " : "", STR_ARG(last));
    json_t *social = json_pack("{s:s, s:o}", "network", "telegram", "id", jstr(id));
    if (handle.n)
        json_object_set_new(social, "handle", jstr(handle));
    json_t *p =
        json_pack("{s:o, s:b, s:s}", "social", social, "verified", 1, "evidence", "signature");
    if (name.n)
        json_object_set_new(p, "name", jstr(name));
    return p;
}

/* What carries no words is told by its kind. */
static struct str text_of(struct arena *a, const json_t *m, bool *out_media) {
    static const char *const media[] = {"photo", "document",  "voice",     "video",
                                        "audio", "animation", "video_note"};
    struct str text = jget_str(m, "text");
    *out_media = false;
    for (size_t i = 0; i < COUNT(media); i++)
        *out_media |= json_object_get(m, media[i]) != NULL;
    if (text.p)
        return text;
    if (*out_media)
        return jget_str(m, "caption");
    const json_t *part = json_object_get(m, "sticker");
    if (part)
        return jget_str(part, "emoji");
    part = json_object_get(m, "location");
    if (part)
        return arena_strf(a, "%.6f, %.6f", json_number_value(json_object_get(part, "latitude")),
                          json_number_value(json_object_get(part, "longitude")));
    part = json_object_get(m, "contact");
    if (part)
        return arena_strf(a, "%.*s %.*s", STR_ARG(jget_str(part, "first_name")),
                          STR_ARG(jget_str(part, "phone_number")));
    return STR_NONE;
}

static struct str message_key(struct arena *a, const json_t *m) {
    struct str chat = provider_id(a, json_object_get(m, "chat"), "id"),
               id = provider_id(a, m, "message_id");
    return chat.n && id.n ? arena_strf(a, "telegram:%.*s:%.*s", STR_ARG(chat), STR_ARG(id))
                          : STR_NONE;
}

static bool read_message(struct arena *a, const json_t *m, const struct tl_emit *out) {
    struct str key = message_key(a, m);
    const json_t *who = json_object_get(m, "from"), *chat = json_object_get(m, "chat");
    json_t *from = key.n ? person(a, who ? who : json_object_get(m, "sender_chat")) : NULL;
    if (!from && key.n)
        from = person(a, chat);
    if (!from)
        return false;
    bool media;
    struct str text = text_of(a, m, &media);
    json_t *tp =
        json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "source_id", jstr(key), "message_id",
                  jstr(key), "channel", "social", "kind", text.p || media ? "message" : "other",
                  "direction", "inbound", "from", from, "text", jstr(text));
    json_t *at = provider_time(json_object_get(m, "date"));
    if (at)
        json_object_set_new(tp, "at", at);
    int64_t edited = jget_int(m, "edit_date", 0);
    if (edited > 0)
        json_object_set_new(tp, "revision", json_integer(edited));
    struct str parent = message_key(a, json_object_get(m, "reply_to_message"));
    if (parent.n)
        json_object_set_new(tp, "in_reply_to", json_pack("[o]", jstr(parent)));
    /* In a group the chat is the thread; alone with the bot a message joins what is open. */
    if (!str_is(jget_str(chat, "type"), "private"))
        json_object_set_new(tp, "thread", jstr(provider_id(a, chat, "id")));
    json_object_set_new(tp, "data",
                        json_pack("{s:s, s:o, s:o}", "provider", "telegram", "chat_id",
                                  jstr(provider_id(a, chat, "id")), "message_id",
                                  jstr(provider_id(a, m, "message_id"))));
    if (media)
        json_object_set_new(tp, "warnings", json_pack("[s]", "media is named but not fetched"));
    if (!text.p || media)
        json_object_set(json_object_get(tp, "data"), "message", (json_t *)m);
    provider_emit(out, tp);
    return true;
}

/* What is no message but has a person: a button, a reaction, a bot blocked or started. */
static bool read_event(struct arena *a, const json_t *root, const char *name, const char *kind,
                       const json_t *e, const struct tl_emit *out) {
    const json_t *who = json_object_get(e, "from");
    json_t *from = person(a, who ? who : json_object_get(e, "user"));
    struct str update = provider_id(a, root, "update_id");
    if (!from || !update.n) {
        json_decref(from);
        return false;
    }
    struct str text = jget_str(e, "data");
    if (!text.p)
        text = jget_str(json_array_get(json_object_get(e, "new_reaction"), 0), "emoji");
    json_t *tp = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "source_id",
                           jstr(arena_strf(a, "update:%.*s", STR_ARG(update))), "channel", "social",
                           "kind", kind, "direction", "inbound", "from", from, "text", jstr(text));
    json_t *at = provider_time(json_object_get(e, "date"));
    if (at)
        json_object_set_new(tp, "at", at);
    if (strcmp(name, "callback_query") != 0)
        json_object_set_new(tp, "auto", json_string("notification"));
    const json_t *m = json_object_get(e, "message");
    struct str chat = provider_id(a, json_object_get(m ? m : e, "chat"), "id");
    json_object_set_new(tp, "data",
                        json_pack("{s:s, s:s, s:o, s:O}", "provider", "telegram", "update", name,
                                  "chat_id", jstr(chat), "event", e));
    provider_emit(out, tp);
    return true;
}

static bool read_update(const json_t *root, const struct tl_read *in, const json_t *meta,
                        const struct tl_emit *out) {
    static const char *const messages[] = {"message",          "edited_message",
                                           "channel_post",     "edited_channel_post",
                                           "business_message", "edited_business_message"};
    static const struct {
        const char *name, *kind;
    } events[] = {{"callback_query", "other"},
                  {"message_reaction", "reaction"},
                  {"my_chat_member", "other"},
                  {"chat_member", "other"}};
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    (void)in, (void)meta;
    if (!json_object_get(root, "update_id"))
        return false;
    bool read = false;
    for (size_t i = 0; i < COUNT(messages); i++) {
        const json_t *m = json_object_get(root, messages[i]);
        read = read || (m && read_message(&a, m, out));
    }
    for (size_t i = 0; i < COUNT(events); i++) {
        const json_t *e = json_object_get(root, events[i].name);
        read = read || (e && read_event(&a, root, events[i].name, events[i].kind, e, out));
    }
    if (!read)
        provider_bad(out, root, "an update without a person, or of an unknown kind");
    return true;
}

/* ---- sending ---- */

/* The chat of what is answered, else the person. */
static struct str chat_of(struct arena *a, const struct hook_reply *r) {
    struct str chat = provider_id(a, json_object_get(r->answered, "data"), "chat_id");
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    return chat.n ? chat : jget_str(json_object_get(to, "social"), "id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    if (!r->config->send.token.n)
        return "this hook has no `send`: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    if (!chat_of(a, r).n)
        return "the chat to answer in is not known";
    return jget_str(r->touchpoint, "text").n ? NULL : "Telegram takes text only here";
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    json_t *body = json_pack("{s:o, s:o}", "chat_id", jstr(chat_of(a, r)), "text",
                             jstr(jget_str(r->touchpoint, "text")));
    struct str id = provider_id(a, json_object_get(r->answered, "data"), "message_id");
    int64_t parent = id.n ? strtoll(id.p, NULL, 10) : 0;
    if (parent > 0)
        json_object_set_new(body, "reply_parameters",
                            json_pack("{s:I, s:b}", "message_id", (json_int_t)parent,
                                      "allow_sending_without_reply", 1));
    hook_request_json(a, out, body);
    struct str base = r->config->send.base;
    out->url = arena_strf(a, "%.*s/bot%.*s/sendMessage",
                          STR_ARG(base.n ? base : str_c("https://api.telegram.org")),
                          STR_ARG(r->config->send.token));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *result = json_object_get(answer, "result");
    if (result)
        out->provider_id = message_key(a, result);
    out->code = provider_id(a, answer, "error_code");
    out->diagnostic = jget_str(answer, "description");
    int64_t wait_s = jget_int(json_object_get(answer, "parameters"), "retry_after", 0);
    if (wait_s > 0)
        out->retry_after_ms = wait_s * 1000;
}

const struct provider provider_telegram = {
    .name = "telegram",
    .flags = NEEDS_SECRET,
    .judge = judge,
    .read = read_update,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
