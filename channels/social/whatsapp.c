/* social/whatsapp.c - WhatsApp Cloud API: its row, and text out (POST {base}/{sender}/messages).
 *
 * Reading is whatsapp_read.c. Outside of 24 hours after the person's last message only approved
 * templates may be sent, so a reply is refused then.
 */
#include <touchline/kit/jread.h>

#include "meta.h"
#include "whatsapp.h"

enum { TEXT_MAX = 4096, WINDOW_MS = 24 * 3600 * 1000 };

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "send/sender";
    return c->send.token.n && !c->send.sender.n ? "is needed to send: the phone number id" : NULL;
}

/* As the API wants it: the number without its +, else the business-scoped id. */
static struct str recipient_of(const struct hook_reply *r, bool *out_is_number) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    struct str phone = jget_str(to, "phone");
    *out_is_number = phone.n > 0;
    if (phone.n)
        return phone.p[0] == '+' ? str_from(phone, 1) : phone;
    return hook_reply_social(r);
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    bool number;
    if (!r->config->send.token.n || !r->config->send.sender.n)
        return "this hook has no `send`: nothing can be sent";
    if (hook_reply_age_ms(r) > WINDOW_MS)
        return "WhatsApp lets nobody answer later than 24 hours after the last message";
    if (!r->touchpoint)
        return NULL;
    if (!recipient_of(r, &number).n)
        return "the number of the recipient is not known";
    return hook_reply_text_fault(a, r, TEXT_MAX);
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str parent = jget_str(r->answered, "message_id");
    bool number;
    struct str to = recipient_of(r, &number);
    json_t *body = json_pack("{s:s, s:s, s:o, s:s, s:{s:o}, s:o}", "messaging_product", "whatsapp",
                             "recipient_type", "individual", number ? "to" : "recipient", jstr(to),
                             "type", "text", "text", "body", jstr(jget_str(r->touchpoint, "text")),
                             "biz_opaque_callback_data", jstr(r->id));
    if (parent.n)
        json_object_set_new(body, "context", json_pack("{s:o}", "message_id", jstr(parent)));
    hook_request_json(a, out, body);
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    out->url = arena_strf(a, "%.*s/%.*s/messages",
                          STR_ARG(hook_reply_base(r, "https://graph.facebook.com")),
                          STR_ARG(r->config->send.sender));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    out->provider_id =
        arena_str(a, jget_str(json_array_get(json_object_get(answer, "messages"), 0), "id"));
    meta_error(a, answer, out);
}

/* {base}/{media-id} tells a url that is good for five minutes; both want the token. */
static const char *media(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last) {
    const struct hook_reply r = {.config = c};
    struct str url = jget_str(answer, "url");
    if (!c->send.token.n)
        return "this hook has no `send.token`: media cannot be fetched";
    out->method = "GET";
    hook_request_auth(a, out, "Bearer", c->send.token);
    *out_last = answer != NULL;
    if (answer) {
        out->url = arena_str(a, url);
        return meta_media_host_ok(c, url) ? NULL : "the platform named no address of its own";
    }
    if (!hook_path_ok(word))
        return "the media id is none";
    out->url = arena_strf(
        a, "%.*s/%.*s", STR_ARG(hook_reply_base(&r, "https://graph.facebook.com")), STR_ARG(word));
    return NULL;
}

const struct provider provider_whatsapp = {
    .name = "whatsapp",
    .flags = NEEDS_SECRET | TAKES_GET,
    .fault = fault,
    .judge = meta_judge,
    .read = whatsapp_read,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
    .media = media,
};
