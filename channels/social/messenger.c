/* social/messenger.c - Messenger and Instagram: their rows, and replies through the Graph API.
 *
 *   message, mention in a story   POST {base}/{sender}/messages   recipient.id
 *   comment on a page             POST {base}/{comment}/comments
 *   comment on Instagram          POST {base}/{comment}/replies
 *   mention on Instagram          POST {base}/{sender}/mentions
 *
 * Within 24 hours a reply is a RESPONSE; up to 7 days a person may still answer (HUMAN_AGENT);
 * after that nobody.
 */
#include <touchline/kit/jread.h>

#include "meta.h"

static const int64_t window_ms = 24 * 3600 * 1000LL, human_ms = 7 * 24 * 3600 * 1000LL;
enum { MESSENGER_MAX = 2000, INSTAGRAM_BYTES_MAX = 1000, COMMENT_MAX = 2200 };

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "send/sender";
    return c->send.token.n && !c->send.sender.n ? "is needed to send: the page's or account's id"
                                                : NULL;
}

static bool read_messenger(const json_t *root, const struct tl_read *in, const json_t *meta,
                           const struct tl_emit *out) {
    (void)meta;
    return meta_read("messenger", root, in, out);
}

static bool read_instagram(const json_t *root, const struct tl_read *in, const json_t *meta,
                           const struct tl_emit *out) {
    (void)meta;
    return meta_read("instagram", root, in, out);
}

static bool is_instagram(const struct hook_reply *r) {
    return r->config->provider == PROVIDER_INSTAGRAM;
}

/* Where what is answered stands in public. Absent: in private. */
static struct str comment_of(struct arena *a, const struct hook_reply *r) {
    return provider_id(a, json_object_get(r->answered, "data"), "comment_id");
}
static struct str media_of(struct arena *a, const struct hook_reply *r) {
    return provider_id(a, json_object_get(r->answered, "data"), "media_id");
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    struct str comment = comment_of(a, r), media = media_of(a, r);
    if (!r->config->send.token.n || !r->config->send.sender.n)
        return "this hook has no `send`: nothing can be sent";
    if (comment.n || media.n) {
        if ((comment.n && !hook_path_ok(comment)) || (media.n && !hook_path_ok(media)))
            return "the comment's id is none";
        return hook_reply_text_fault(a, r, COMMENT_MAX);
    }
    if (hook_reply_age_ms(r) > human_ms)
        return is_instagram(r)
                   ? "Instagram lets nobody answer later than 7 days after the last message"
                   : "Messenger lets nobody answer later than 7 days after the last message";
    if (!r->touchpoint)
        return NULL;
    if (!hook_reply_social(r).n)
        return "the person has no id of this platform";
    if (is_instagram(r) && jget_str(r->touchpoint, "text").n > INSTAGRAM_BYTES_MAX)
        return "Instagram takes at most 1000 bytes";
    return hook_reply_text_fault(a, r, MESSENGER_MAX);
}

/* In public, below the comment. */
static void write_comment(struct arena *a, const struct hook_reply *r, struct str comment,
                          struct str media, struct hook_request *out) {
    struct str base = hook_reply_base(r, "https://graph.facebook.com");
    json_t *body = json_pack("{s:o}", "message", jstr(jget_str(r->touchpoint, "text")));
    if (media.n && is_instagram(r)) {
        provider_set(body, "media_id", media);
        provider_set(body, "comment_id", comment);
        out->url =
            arena_strf(a, "%.*s/%.*s/mentions", STR_ARG(base), STR_ARG(r->config->send.sender));
    } else {
        out->url =
            arena_strf(a, "%.*s/%.*s/%s", STR_ARG(base), STR_ARG(comment.n ? comment : media),
                       is_instagram(r) ? "replies" : "comments");
    }
    hook_request_json(a, out, body);
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str comment = comment_of(a, r), media = media_of(a, r);
    hook_request_auth(a, out, "Bearer", r->config->send.token);
    if (comment.n || media.n) {
        write_comment(a, r, comment, media, out);
        return NULL;
    }
    bool late = hook_reply_age_ms(r) > window_ms;
    json_t *body =
        json_pack("{s:{s:o}, s:s, s:{s:o}}", "recipient", "id", jstr(hook_reply_social(r)),
                  "messaging_type", late ? "MESSAGE_TAG" : "RESPONSE", "message", "text",
                  jstr(jget_str(r->touchpoint, "text")));
    if (late)
        json_object_set_new(body, "tag", json_string("HUMAN_AGENT"));
    if (is_instagram(r) && !late)
        json_object_del(body, "messaging_type");
    hook_request_json(a, out, body);
    out->url = arena_strf(a, "%.*s/%.*s/messages",
                          STR_ARG(hook_reply_base(r, "https://graph.facebook.com")),
                          STR_ARG(r->config->send.sender));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    struct str mid = jget_str(answer, "message_id");
    out->provider_id = arena_str(a, mid.n ? mid : jget_str(answer, "id"));
    meta_error(a, answer, out);
}

const struct provider provider_messenger = {
    .name = "messenger",
    .flags = NEEDS_SECRET | TAKES_GET,
    .fault = fault,
    .judge = meta_judge,
    .read = read_messenger,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};

const struct provider provider_instagram = {
    .name = "instagram",
    .flags = NEEDS_SECRET | TAKES_GET,
    .fault = fault,
    .judge = meta_judge,
    .read = read_instagram,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
};
