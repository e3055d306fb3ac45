/* social/telegram.c - Telegram Bot API: updates in, sendMessage out.
 *
 * Source: core.telegram.org/bots/api (Update, Message, sendMessage, getFile). A message's key is
 * (chat.id, message_id), of a business account's chats apart from the bot's own; an edit is a
 * revision of it. The secret token is compared, there is no signature.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "signature.h"
#include "telegram.h"

enum { TEXT_UNITS_MAX = 4096, FILE_ID_MAX = 300 };

static struct hook_verdict judge(struct hook_call *call) {
    if (signature_token(call->config, hook_header(call, "X-Telegram-Bot-Api-Secret-Token")))
        return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}

/* ---- reading ---- */

/* A user, or a chat where nobody else can be named. */
static json_t *person(struct arena *a, const json_t *who) {
    struct str first = jget_str(who, "first_name"), last = jget_str(who, "last_name");
    if (!first.n)
        first = jget_str(who, "title");
    struct str name =
        arena_strf(a, "%.*s%s%.*s", STR_ARG(first), first.n && last.n ? " " : "", STR_ARG(last));
    return provider_person("telegram", provider_id(a, who, "id"), name, jget_str(who, "username"));
}

static struct str key_of(struct arena *a, const json_t *chat, struct str id, bool business) {
    struct str chat_id = provider_id(a, chat, "id");
    return chat_id.n && id.n ? arena_strf(a, "telegram:%s%.*s:%.*s", business ? "business:" : "",
                                          STR_ARG(chat_id), STR_ARG(id))
                             : STR_NONE;
}

static struct str message_key(struct arena *a, const json_t *m) {
    return key_of(a, json_object_get(m, "chat"), provider_id(a, m, "message_id"),
                  json_object_get(m, "business_connection_id") != NULL);
}

/* In a group the chat is the thread, or the topic in it; alone with the bot a message joins what is
 * open. */
static void put_thread(struct arena *a, const json_t *m, json_t *tp) {
    const json_t *chat = json_object_get(m, "chat");
    struct str id = provider_id(a, chat, "id"), topic = provider_id(a, m, "message_thread_id");
    if (str_is(jget_str(chat, "type"), "private"))
        return;
    if (jget_bool(m, "is_topic_message", false) && topic.n)
        id = arena_strf(a, "%.*s/%.*s", STR_ARG(id), STR_ARG(topic));
    provider_set(tp, "thread", id);
}

static void put_data(struct arena *a, const json_t *m, bool whole, json_t *tp) {
    static const char *const members[] = {"media_group_id",     "message_thread_id",
                                          "is_topic_message",   "business_connection_id",
                                          "migrate_to_chat_id", "migrate_from_chat_id"};
    json_t *data = json_pack("{s:s, s:o, s:o}", "provider", "telegram", "chat_id",
                             jstr(provider_id(a, json_object_get(m, "chat"), "id")), "message_id",
                             jstr(provider_id(a, m, "message_id")));
    for (size_t i = 0; i < COUNT(members); i++)
        if (json_object_get(m, members[i]))
            json_object_set(data, members[i], json_object_get(m, members[i]));
    if (whole)
        json_object_set(data, "message", (json_t *)m);
    json_object_set_new(tp, "data", data);
}

/* What the owner of a business account wrote to his customer himself. */
static void turn_outbound(struct arena *a, const json_t *chat, json_t *tp) {
    json_t *customer = person(a, chat);
    if (!customer)
        return;
    json_object_set_new(tp, "direction", json_string("outbound"));
    json_object_set_new(tp, "to", json_pack("[o]", customer));
    json_object_set_new(tp, "echo", json_true());
}

static bool read_message(struct arena *a, const json_t *m, const struct tl_emit *out) {
    struct str key = message_key(a, m);
    const json_t *who = json_object_get(m, "from"), *chat = json_object_get(m, "chat");
    const json_t *as = json_object_get(m, "sender_chat");
    json_t *from = key.n ? person(a, as ? as : who) : NULL;
    if (!from && key.n)
        from = person(a, chat);
    if (!from)
        return false;
    bool content = telegram_has_content(m);
    struct str text = telegram_text(a, m);
    json_t *tp =
        json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "source_id", jstr(key), "message_id",
                  jstr(key), "channel", "social", "kind", content ? "message" : "other",
                  "direction", "inbound", "from", from, "text", jstr(text));
    provider_put(tp, "at", provider_time(json_object_get(m, "date")));
    int64_t edited = jget_int(m, "edit_date", 0);
    if (edited > 0)
        json_object_set_new(tp, "revision", json_integer(edited));
    struct str parent = message_key(a, json_object_get(m, "reply_to_message"));
    if (parent.n)
        json_object_set_new(tp, "in_reply_to", json_pack("[o]", jstr(parent)));
    put_thread(a, m, tp);
    put_data(a, m, !jget_str(m, "text").n, tp);
    telegram_files(a, m, tp);
    provider_set(tp, "language", jget_str(who, "language_code"));
    if (!content)
        json_object_set_new(tp, "auto", json_string("notification"));
    if (json_object_get(m, "business_connection_id") &&
        !str_eq(provider_id(a, who, "id"), provider_id(a, chat, "id")))
        turn_outbound(a, chat, tp);
    provider_emit(out, tp);
    return true;
}

/* The person of an event, in the words of each kind. */
static json_t *event_person(struct arena *a, const json_t *e) {
    static const char *const members[] = {"from", "user", "voter_chat", "actor_chat", "chat"};
    json_t *p = NULL;
    for (size_t i = 0; i < COUNT(members) && !p; i++)
        p = person(a, json_object_get(e, members[i]));
    return p;
}

/* What is no message: a button, a member, a poll, and what Telegram will think of next. */
static void read_event(struct arena *a, struct str update, const char *name, const json_t *e,
                       const struct tl_emit *out) {
    const json_t *m = json_object_get(e, "message");
    json_t *from = event_person(a, e);
    struct str text = jget_str(e, "data");
    if (!text.n)
        text = jget_str(e, "query");
    json_t *tp = json_pack("{s:o, s:s, s:s, s:s, s:o}", "source_id",
                           jstr(arena_strf(a, "update:%.*s", STR_ARG(update))), "channel", "social",
                           "kind", "other", "direction", "inbound", "text", jstr(text));
    provider_put(tp, "from", from);
    provider_put(tp, "at", provider_time(json_object_get(e, "date")));
    if (strcmp(name, "callback_query") != 0)
        json_object_set_new(tp, "auto", json_string("notification"));
    struct str parent = message_key(a, m);
    if (parent.n)
        json_object_set_new(tp, "in_reply_to", json_pack("[o]", jstr(parent)));
    struct str chat = provider_id(a, json_object_get(json_is_object(m) ? m : e, "chat"), "id");
    json_t *data = json_pack("{s:s, s:s, s:O}", "provider", "telegram", "update", name, "event", e);
    provider_set(data, "chat_id", chat);
    json_object_set_new(tp, "data", data);
    provider_emit(out, tp);
}

/* One person's reaction to one message; another one is a revision of it, none a withdrawal. */
static bool read_reaction(struct arena *a, const json_t *e, const struct tl_emit *out) {
    const json_t *now = json_object_get(e, "new_reaction");
    struct str key = key_of(a, json_object_get(e, "chat"), provider_id(a, e, "message_id"), false);
    const json_t *who = json_object_get(e, "user");
    if (!who)
        who = json_object_get(e, "actor_chat");
    json_t *from = person(a, who);
    if (!key.n || !from) {
        json_decref(from);
        return false;
    }
    struct str id =
        arena_strf(a, "reaction:%.*s:%.*s", STR_ARG(key), STR_ARG(provider_id(a, who, "id")));
    json_t *tp = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:[o], s:I, s:b}", "source_id", jstr(id),
                           "channel", "social", "kind", "reaction", "direction", "inbound", "from",
                           from, "text", jstr(jget_str(json_array_get(now, 0), "emoji")),
                           "in_reply_to", jstr(key), "revision", (json_int_t)jget_int(e, "date", 0),
                           "deleted", json_array_size(now) == 0);
    provider_put(tp, "at", provider_time(json_object_get(e, "date")));
    json_object_set_new(tp, "auto", json_string("notification"));
    json_object_set_new(tp, "data",
                        json_pack("{s:s, s:s, s:O}", "provider", "telegram", "update",
                                  "message_reaction", "event", e));
    provider_emit(out, tp);
    return true;
}

/* Their revision is when we heard of it: no edit comes later. */
static bool read_deleted(struct arena *a, const json_t *e, int64_t received_ms,
                         const struct tl_emit *out) {
    const json_t *ids = json_object_get(e, "message_ids"), *id;
    const json_t *chat = json_object_get(e, "chat");
    size_t i;
    json_array_foreach(ids, i, id) {
        struct str number = arena_strf(a, "%lld", (long long)json_integer_value(id));
        struct str key = key_of(a, chat, number, true);
        json_t *from = person(a, chat);
        if (!key.n || !from || !json_is_integer(id)) {
            json_decref(from);
            provider_bad(out, id, "a deleted message without an id");
            continue;
        }
        provider_emit(out, json_pack("{s:o, s:s, s:s, s:s, s:o, s:b, s:I, s:s, s:{s:s}}",
                                     "source_id", jstr(key), "channel", "social", "kind", "message",
                                     "direction", "inbound", "from", from, "deleted", 1, "revision",
                                     (json_int_t)(received_ms / 1000 + 1), "auto", "notification",
                                     "data", "provider", "telegram"));
    }
    return json_is_array(ids);
}

static bool read_update(const json_t *root, const struct tl_read *in, const json_t *meta,
                        const struct tl_emit *out) {
    static const char *const messages[] = {"message",          "edited_message",
                                           "channel_post",     "edited_channel_post",
                                           "business_message", "edited_business_message"};
    cleanup(arena_clear) struct arena a;
    const char *name;
    json_t *e;
    bool any = false, read = false;
    (void)meta;
    arena_init(&a);
    struct str update = provider_id(&a, root, "update_id");
    if (!update.n)
        return false;
    json_object_foreach((json_t *)root, name, e) {
        bool message = false;
        if (!json_is_object(e))
            continue;
        any = true;
        for (size_t i = 0; i < COUNT(messages); i++)
            message = message || strcmp(name, messages[i]) == 0;
        if (message)
            read = read_message(&a, e, out);
        else if (strcmp(name, "message_reaction") == 0)
            read = read_reaction(&a, e, out);
        else if (strcmp(name, "deleted_business_messages") == 0)
            read = read_deleted(&a, e, in->received_ms, out);
        else
            read_event(&a, update, name, e, out), read = true;
        if (!read)
            provider_bad(out, e, "an update without its chat, its message or its person");
    }
    if (!any)
        provider_bad(out, root, "an update that holds nothing");
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
    struct str text = jget_str(r->touchpoint, "text");
    if (!chat_of(a, r).n)
        return "the chat to answer in is not known";
    if (!text.n || json_array_size(json_object_get(r->touchpoint, "attachments")))
        return "Telegram takes text only here";
    return utf16_units(text) > TEXT_UNITS_MAX ? "Telegram takes 4096 characters at most" : NULL;
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    const json_t *data = json_object_get(r->answered, "data");
    json_t *body = json_pack("{s:o, s:o}", "chat_id", jstr(chat_of(a, r)), "text",
                             jstr(jget_str(r->touchpoint, "text")));
    struct str id = provider_id(a, data, "message_id");
    int64_t parent = id.n ? strtoll(id.p, NULL, 10) : 0,
            topic = jget_int(data, "message_thread_id", 0);
    if (parent > 0)
        json_object_set_new(body, "reply_parameters",
                            json_pack("{s:I, s:b}", "message_id", (json_int_t)parent,
                                      "allow_sending_without_reply", 1));
    if (topic > 0 && jget_bool(data, "is_topic_message", false))
        json_object_set_new(body, "message_thread_id", json_integer(topic));
    provider_set(body, "business_connection_id", jget_str(data, "business_connection_id"));
    hook_request_json(a, out, body);
    struct str base = r->config->send.base;
    out->url = arena_strf(a, "%.*s/bot%.*s/sendMessage",
                          STR_ARG(base.n ? base : str_c("https://api.telegram.org")),
                          STR_ARG(r->config->send.token));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *result = json_object_get(answer, "result"),
                 *parameters = json_object_get(answer, "parameters");
    if (result)
        out->provider_id = message_key(a, result);
    out->code = provider_id(a, answer, "error_code");
    out->diagnostic = arena_str(a, jget_str(answer, "description"));
    int64_t wait_s = jget_int(parameters, "retry_after", 0);
    if (wait_s > 0)
        out->retry_after_ms = wait_s * 1000;
    struct str moved = provider_id(a, parameters, "migrate_to_chat_id");
    if (moved.n)
        out->diagnostic = arena_strf(a, "the group is a supergroup now: %.*s", STR_ARG(moved));
}

/* getFile, then the file at the path that it names (20 MB at most). */
static const char *media(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last) {
    const struct str prefix = STR("id:");
    cleanup(buf_clear) struct buf id;
    struct str base = c->send.base.n ? c->send.base : str_c("https://api.telegram.org");
    buf_init(&id, FILE_ID_MAX * 3);
    if (!c->send.token.n)
        return "this hook has no `send.token`: files cannot be fetched";
    if (!answer) {
        if (!str_starts(word, prefix) || !percent_encode(&id, str_from(word, prefix.n)))
            return "not a file of Telegram";
        out->url = arena_strf(a, "%.*s/bot%.*s/getFile?file_id=%s", STR_ARG(base),
                              STR_ARG(c->send.token), buf_c(&id));
        return NULL;
    }
    struct str path = jget_str(json_object_get(answer, "result"), "file_path");
    if (!path.n || path.p[0] == '/' || memmem(path.p, path.n, "..", 2))
        return "Telegram names no file";
    out->url = arena_strf(a, "%.*s/file/bot%.*s/%.*s", STR_ARG(base), STR_ARG(c->send.token),
                          STR_ARG(path));
    *out_last = true;
    return NULL;
}

const struct provider provider_telegram = {
    .name = "telegram",
    .flags = NEEDS_SECRET,
    .judge = judge,
    .read = read_update,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
    .media = media,
};
