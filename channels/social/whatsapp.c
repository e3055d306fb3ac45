/* social/whatsapp.c - WhatsApp Cloud API: messages and statuses in, text out.
 *
 * Source: Meta's Cloud API webhook reference (object, entry[], changes[], value). One delivery
 * holds many; the sender is phone:+<wa_id>, and whatsapp:<user_id> where a business-scoped id is
 * given (with a username the number may be missing).
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "meta.h"

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "send/sender";
    return c->send.token.n && !c->send.sender.n ? "is needed to send: the phone number id" : NULL;
}

/* ---- reading ---- */

/* What a message says, by its type; absent where it says nothing in words. */
static struct str text_of(struct arena *a, const json_t *m, struct str type) {
    const json_t *part = json_object_getn(m, type.p, type.n);
    if (str_is(type, "text"))
        return jget_str(part, "body");
    if (str_is(type, "button"))
        return jget_str(part, "text");
    if (str_is(type, "reaction"))
        return jget_str(part, "emoji");
    if (str_is(type, "interactive")) {
        struct str kind = jget_str(part, "type");
        const json_t *chosen = kind.p ? json_object_getn(part, kind.p, kind.n) : NULL;
        struct str title = jget_str(chosen, "title");
        return title.p ? title : jget_str(chosen, "body");
    }
    if (str_is(type, "location")) {
        struct str name = jget_str(part, "name"), address = jget_str(part, "address");
        return arena_strf(a, "%.*s%s%.*s%s%.6f, %.6f", STR_ARG(name), name.n ? "\n" : "",
                          STR_ARG(address), address.n ? "\n" : "",
                          json_number_value(json_object_get(part, "latitude")),
                          json_number_value(json_object_get(part, "longitude")));
    }
    if (str_is(type, "system"))
        return jget_str(part, "body");
    return jget_str(part, "caption");
}

static const char *kind_of(struct str type) {
    if (str_is(type, "reaction"))
        return "reaction";
    if (str_is(type, "unsupported") || str_is(type, "system") || str_is(type, "unknown"))
        return "other";
    return "message";
}

/* The entry of contacts[] that belongs to a sender. */
static const json_t *profile_of(const json_t *value, struct str wa_id, struct str user_id) {
    const json_t *contacts = json_object_get(value, "contacts");
    size_t n = json_array_size(contacts);
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(contacts, i);
        if ((wa_id.n && str_eq(jget_str(c, "wa_id"), wa_id)) ||
            (user_id.n && str_eq(jget_str(c, "user_id"), user_id)))
            return c;
    }
    return n == 1 ? json_array_get(contacts, 0) : NULL;
}

static json_t *sender(struct arena *a, const json_t *value, const json_t *m) {
    struct str wa_id = provider_id(a, m, "from"), user_id = jget_str(m, "from_user_id");
    if (!user_id.n)
        user_id = jget_str(m, "user_id");
    const json_t *profile = profile_of(value, wa_id, user_id);
    if (!user_id.n)
        user_id = jget_str(profile, "user_id");
    if (!wa_id.n)
        wa_id = jget_str(profile, "wa_id");
    json_t *from = json_object();
    struct str name = jget_str(json_object_get(profile, "profile"), "name");
    if (name.n)
        json_object_set_new(from, "name", jstr(name));
    if (wa_id.n)
        json_object_set_new(from, "phone", jstr(arena_strf(a, "+%.*s", STR_ARG(wa_id))));
    if (user_id.n)
        json_object_set_new(from, "social",
                            json_pack("{s:s, s:o}", "network", "whatsapp", "id", jstr(user_id)));
    json_object_set_new(from, "verified", json_true());
    json_object_set_new(from, "evidence", json_string("signature"));
    if (wa_id.n || user_id.n)
        return from;
    json_decref(from);
    return NULL;
}

/* Media is named, with its id, and left where it is. */
static void note_media(json_t *tp, const json_t *m, struct str type) {
    const json_t *part = json_object_getn(m, type.p, type.n);
    if (!json_object_get(part, "id") || !json_object_get(part, "mime_type"))
        return;
    json_object_set_new(tp, "warnings", json_pack("[s]", "media is named but not fetched"));
}

static void read_message(struct arena *a, const json_t *value, const json_t *m,
                         const struct tl_emit *out) {
    struct str id = jget_str(m, "id"), type = jget_str(m, "type");
    json_t *from = id.n && type.n ? sender(a, value, m) : NULL;
    if (!from) {
        provider_bad(
            out, m, id.n && type.n ? "a message without a sender" : "a message without id or type");
        return;
    }
    json_t *tp =
        json_pack("{s:o, s:o, s:s, s:s, s:s, s:o}", "source_id", jstr(id), "message_id", jstr(id),
                  "channel", "social", "kind", kind_of(type), "direction", "inbound", "from", from);
    const json_t *context = json_object_get(m, "context");
    struct str parent = jget_str(context, "id");
    if (str_is(type, "reaction"))
        parent = jget_str(json_object_get(m, "reaction"), "message_id");
    if (parent.n)
        json_object_set_new(tp, "in_reply_to", json_pack("[o]", jstr(parent)));
    struct str text = text_of(a, m, type);
    json_object_set_new(tp, "text", jstr(text));
    json_t *at = provider_time(json_object_get(m, "timestamp"));
    if (at)
        json_object_set_new(tp, "at", at);
    struct str number = provider_id(a, json_object_get(value, "metadata"), "phone_number_id");
    json_t *data = json_pack("{s:s, s:o, s:o}", "provider", "whatsapp", "type", jstr(type),
                             "phone_number_id", jstr(number));
    if (!str_is(type, "text"))
        json_object_set(data, "message", (json_t *)m);
    json_object_set_new(tp, "data", data);
    if (str_is(type, "system"))
        json_object_set_new(tp, "auto", json_string("notification"));
    note_media(tp, m, type);
    provider_emit(out, tp);
}

static void read_status(struct arena *a, const json_t *s, const struct tl_emit *out) {
    static const struct {
        const char *theirs, *ours;
    } states[] = {{"sent", "sent"},
                  {"delivered", "delivered"},
                  {"read", "read"},
                  {"played", "read"},
                  {"failed", "failed"}};
    struct str id = jget_str(s, "id"), status = jget_str(s, "status");
    const char *state = NULL;
    for (size_t i = 0; i < COUNT(states) && !state; i++)
        if (str_is(status, states[i].theirs))
            state = states[i].ours;
    if (!id.n || !state) {
        provider_bad(out, s, "a status without id, or of an unknown state");
        return;
    }
    json_t *delivery = json_pack("{s:s}", "state", state);
    const json_t *error = json_array_get(json_object_get(s, "errors"), 0);
    if (error) {
        struct str details = jget_str(json_object_get(error, "error_data"), "details"),
                   title = jget_str(error, "title");
        json_object_set_new(delivery, "code", jstr(provider_id(a, error, "code")));
        json_object_set_new(delivery, "diagnostic", jstr(details.n ? details : title));
    }
    struct str recipient = provider_id(a, s, "recipient_id");
    if (recipient.n)
        json_object_set_new(delivery, "recipient",
                            jstr(arena_strf(a, "+%.*s", STR_ARG(recipient))));
    json_t *update = json_pack("{s:o, s:o}", "message_id", jstr(id), "delivery", delivery);
    json_t *at = provider_time(json_object_get(s, "timestamp"));
    if (at)
        json_object_set_new(update, "at", at);
    provider_emit(out, json_pack("{s:o}", "update", update));
}

static void read_value(struct arena *a, const json_t *change, const struct tl_emit *out) {
    const json_t *value = json_object_get(change, "value"), *one;
    const json_t *messages = json_object_get(value, "messages"),
                 *statuses = json_object_get(value, "statuses");
    size_t i;
    if (!json_is_array(messages) && !json_is_array(statuses)) {
        provider_bad(out, change, "a change without messages or statuses");
        return;
    }
    json_array_foreach(messages, i, one) read_message(a, value, one, out);
    json_array_foreach(statuses, i, one) read_status(a, one, out);
}

static bool read_delivery(const json_t *root, const struct tl_read *in, const json_t *meta,
                          const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const json_t *entries = json_object_get(root, "entry"), *entry, *change;
    size_t i, k;
    (void)in, (void)meta;
    arena_init(&a);
    if (!json_is_array(entries))
        return false;
    json_array_foreach(entries, i, entry) {
        const json_t *changes = json_object_get(entry, "changes");
        if (!json_is_array(changes))
            provider_bad(out, entry, "an entry without changes");
        json_array_foreach(changes, k, change) read_value(&a, change, out);
    }
    return true;
}

/* ---- sending: POST {base}/{sender}/messages ---- */

/* As the API wants it: the number without its +, else the business-scoped id. */
static struct str recipient_of(const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    struct str phone = jget_str(to, "phone");
    if (phone.n)
        return phone.p[0] == '+' ? str_from(phone, 1) : phone;
    return jget_str(json_object_get(to, "social"), "id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    (void)a;
    if (!r->config->send.token.n || !r->config->send.sender.n)
        return "this hook has no `send`: nothing can be sent";
    if (!r->touchpoint)
        return NULL;
    if (!recipient_of(r).n)
        return "the number of the recipient is not known";
    return jget_str(r->touchpoint, "text").n ? NULL : "WhatsApp takes text only here";
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str parent = jget_str(r->answered, "message_id"), base = r->config->send.base;
    json_t *body = json_pack("{s:s, s:s, s:o, s:s, s:{s:o}, s:o}", "messaging_product", "whatsapp",
                             "recipient_type", "individual", "to", jstr(recipient_of(r)), "type",
                             "text", "text", "body", jstr(jget_str(r->touchpoint, "text")),
                             "biz_opaque_callback_data", jstr(r->id));
    if (parent.n)
        json_object_set_new(body, "context", json_pack("{s:o}", "message_id", jstr(parent)));
    hook_request_json(a, out, body);
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    out->url = arena_strf(a, "%.*s/%.*s/messages",
                          STR_ARG(base.n ? base : str_c("https://graph.facebook.com")),
                          STR_ARG(r->config->send.sender));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    const json_t *error = json_object_get(answer, "error");
    out->provider_id = jget_str(json_array_get(json_object_get(answer, "messages"), 0), "id");
    if (error) {
        out->code = provider_id(a, error, "code");
        out->diagnostic = jget_str(error, "message");
    }
}

const struct provider provider_whatsapp = {
    .name = "whatsapp",
    .fault = fault,
    .flags = NEEDS_SECRET | TAKES_GET,
    .judge = meta_judge,
    .read = read_delivery,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
