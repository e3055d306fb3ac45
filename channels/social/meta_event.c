/* social/meta_event.c - what Messenger and Instagram tell: messages and what happens to them, and
 * changes of a page's or an account's posts.
 *
 * Source: Messenger Platform and Instagram webhook references. entry[] holds messaging[] (and
 * standby[], while another app has the thread) or changes[]; a message is echoed with is_echo,
 * sender and recipient as they were: then the recipient is the person. Pure.
 */
#include <touchline/kit/jread.h>

#include "meta.h"

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    const char *network; /* "messenger", "instagram": provider and network at once */
    const json_t *entry;
    int64_t entry_ms;
    struct str own; /* entry.id: the page or account */
    struct str delivery;
    size_t at; /* events so far */
};

static json_t *person(struct reading *r, const json_t *who) {
    struct str name = jget_str(who, "name"), handle = jget_str(who, "username");
    return provider_person(r->network, provider_id(r->a, who, "id"), name, handle);
}

/* ---- messages ---- */

/* Media is fetched; what else is shared is told in words. */
static void read_attachments(struct reading *r, json_t *tp, const json_t *list, struct buf *text) {
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        const json_t *payload = json_object_get(one, "payload"),
                     *place = json_object_get(payload, "coordinates");
        struct str type = jget_str(one, "type"), url = jget_str(payload, "url"),
                   title = jget_str(payload, "title");
        if (!title.n)
            title = jget_str(one, "title");
        if (!url.n)
            url = jget_str(one, "URL");
        bool ok = !title.n || buf_addf(text, "%s%.*s", text->n ? "\n" : "", STR_ARG(title));
        if (ok && place)
            ok = buf_addf(text, "%s%.6f, %.6f", text->n ? "\n" : "",
                          json_number_value(json_object_get(place, "lat")),
                          json_number_value(json_object_get(place, "long")));
        bool link = str_is(type, "fallback") || str_is(type, "template") || place;
        if (ok && link && url.n && !buf_addf(text, "%s%.*s", text->n ? "\n" : "", STR_ARG(url)))
            return;
        if (!link && str_starts(url, str_c("https://")))
            provider_attach(tp, type, STR_NONE, url);
        if (str_is(type, "story_mention"))
            json_object_set_new(tp, "kind", json_string("mention"));
    }
    (void)r;
}

static void set_text(json_t *tp, struct str words, const struct buf *shared) {
    if (words.n || !shared->n)
        json_object_set_new(tp, "text", jstr(words));
    else
        json_object_set_new(tp, "text", jstr(buf_str(shared)));
}

static json_t *message(struct reading *r, const json_t *m, int64_t at) {
    struct str mid = jget_str(m, "mid");
    const json_t *reply_to = json_object_get(m, "reply_to");
    cleanup(buf_clear) struct buf shared;
    buf_init(&shared, 16 * 1024);
    if (!mid.n)
        return NULL;
    bool unseen = jget_bool(m, "is_unsupported", false);
    json_t *tp = provider_touchpoint(r->network, mid, unseen ? "other" : "message");
    json_object_set_new(tp, "message_id", jstr(mid));
    read_attachments(r, tp, json_object_get(m, "attachments"), &shared);
    set_text(tp, jget_str(m, "text"), &shared);
    provider_in_reply_to(tp, jget_str(reply_to, "mid"));
    if (json_object_get(m, "attachments") || json_object_get(m, "quick_reply") ||
        json_object_get(reply_to, "story") || json_object_get(m, "referral") || unseen)
        provider_data(tp, "message", json_incref((json_t *)m));
    if (jget_bool(m, "is_deleted", false))
        provider_revise(tp, at, true);
    return tp;
}

static json_t *edited(struct reading *r, const json_t *e, int64_t at) {
    struct str mid = jget_str(e, "mid");
    if (!mid.n)
        return NULL;
    json_t *tp = provider_touchpoint(r->network, mid, "message");
    json_object_set_new(tp, "message_id", jstr(mid));
    json_object_set_new(tp, "text", jstr(jget_str(e, "text")));
    provider_revise(tp, at, false);
    return tp;
}

/* One place for what a person thinks of a message; later ones take the earlier's. */
static json_t *reaction(struct reading *r, const json_t *e, struct str who, int64_t at) {
    struct str mid = jget_str(e, "mid"), emoji = jget_str(e, "emoji");
    if (!mid.n)
        return NULL;
    json_t *tp = provider_touchpoint(
        r->network, arena_strf(r->a, "reaction:%.*s:%.*s", STR_ARG(mid), STR_ARG(who)), "reaction");
    json_object_set_new(tp, "text", jstr(emoji.n ? emoji : jget_str(e, "reaction")));
    provider_in_reply_to(tp, mid);
    provider_revise(tp, at, str_is(jget_str(e, "action"), "unreact"));
    return tp;
}

static json_t *postback(struct reading *r, const json_t *e, struct str who, int64_t at) {
    struct str mid = jget_str(e, "mid"), title = jget_str(e, "title");
    struct str id = mid.n ? mid
                          : arena_strf(r->a, "postback:%.*s:%lld:%.*s", STR_ARG(who), (long long)at,
                                       STR_ARG(jget_str(e, "payload")));
    json_t *tp = provider_touchpoint(r->network, id, "message");
    if (mid.n)
        json_object_set_new(tp, "message_id", jstr(mid));
    json_object_set_new(tp, "text", jstr(title.n ? title : jget_str(e, "payload")));
    provider_data(tp, "postback", json_incref((json_t *)e));
    return tp;
}

/* Named messages get their state; a watermark alone is kept as the receipt that it is. */
static json_t *receipt(struct reading *r, const json_t *e, const char *state, struct str who,
                       int64_t at) {
    const json_t *mids = json_object_get(e, "mids"), *mid;
    struct str one = jget_str(e, "mid"), mark = provider_id(r->a, e, "watermark");
    size_t i;
    json_array_foreach(mids, i, mid) if (json_string_length(mid)) provider_update(
        r->out, str_c(json_string_value(mid)), provider_at(at), json_pack("{s:s}", "state", state));
    if (one.n)
        provider_update(r->out, one, provider_at(at), json_pack("{s:s}", "state", state));
    if (one.n || json_array_size(mids) || !mark.n)
        return NULL;
    json_t *tp = provider_touchpoint(
        r->network, arena_strf(r->a, "%s:%.*s:%.*s", state, STR_ARG(who), STR_ARG(mark)),
        "receipt");
    provider_data(tp, "state", json_string(state));
    provider_data(tp, "watermark", jstr(mark));
    return tp;
}

/* What else happens in a thread: opt-ins, referrals, handovers, policies. */
static json_t *other(struct reading *r, const json_t *m, struct str who, int64_t at) {
    json_t *o = (json_t *)m, *v;
    const char *name, *event = NULL;
    static const char *const frame[] = {"sender", "recipient", "timestamp", "hop_context"};
    json_object_foreach(o, name, v) {
        bool known = false;
        for (size_t i = 0; i < COUNT(frame); i++)
            known = known || strcmp(name, frame[i]) == 0;
        if (!known && !event)
            event = name;
    }
    if (!event)
        return NULL;
    json_t *tp = provider_touchpoint(
        r->network, arena_strf(r->a, "%s:%.*s:%lld", event, STR_ARG(who), (long long)at), "other");
    provider_data(tp, "event", jstr(str_c(event)));
    provider_data(tp, "value", json_incref((json_t *)m));
    if (strcmp(event, "referral") != 0 && strcmp(event, "optin") != 0)
        provider_notification(tp);
    return tp;
}

static json_t *event_of(struct reading *r, const json_t *m, struct str who, int64_t at,
                        bool *out_told) {
    const json_t *part;
    if ((part = json_object_get(m, "message")))
        return message(r, part, at);
    if ((part = json_object_get(m, "message_edit")))
        return edited(r, part, at);
    if ((part = json_object_get(m, "reaction")))
        return reaction(r, part, who, at);
    if ((part = json_object_get(m, "postback")))
        return postback(r, part, who, at);
    const json_t *read = json_object_get(m, "read"), *delivery = json_object_get(m, "delivery");
    if (read || delivery) {
        *out_told = jget_str(read, "mid").n || json_array_size(json_object_get(delivery, "mids"));
        return receipt(r, read ? read : delivery, read ? "read" : "delivered", who, at);
    }
    return other(r, m, who, at);
}

static void read_messaging(struct reading *r, const json_t *m, bool standby) {
    bool echo = jget_bool(json_object_get(m, "message"), "is_echo", false), told = false;
    const json_t *them = json_object_get(m, echo ? "recipient" : "sender");
    int64_t at = provider_ms(json_object_get(m, "timestamp"));
    if (!at)
        at = r->entry_ms;
    json_t *who = person(r, them);
    struct str id = provider_id(r->a, them, "id");
    json_t *tp = who || json_object_get(m, "read") || json_object_get(m, "delivery")
                     ? event_of(r, m, id, at, &told)
                     : NULL;
    if (!tp || !who) {
        json_decref(who);
        json_decref(tp);
        if (!told)
            provider_bad(r->out, m, "an event without a person, or without its id");
        return;
    }
    provider_put(tp, "at", provider_at(at));
    provider_data(tp, "account", jstr(r->own));
    if (standby)
        provider_data(tp, "standby", json_true());
    if (echo)
        provider_echo(tp, who);
    else
        provider_inbound(tp, who);
    provider_emit(r->out, tp);
}

/* ---- posts ---- */

static bool is_comment(struct str field, const json_t *value) {
    return str_is(field, "comments") || str_is(field, "live_comments") ||
           (str_is(field, "feed") && str_is(jget_str(value, "item"), "comment")) ||
           (str_is(field, "mention") && jget_str(value, "comment_id").n);
}

static json_t *comment(struct reading *r, const json_t *value, struct str id, int64_t at) {
    struct str text = jget_str(value, "message"), verb = jget_str(value, "verb"),
               parent = jget_str(value, "parent_id"), post = jget_str(value, "post_id");
    if (!post.n)
        post = jget_str(json_object_get(value, "media"), "id");
    json_t *tp = provider_touchpoint(r->network, id, "comment");
    json_object_set_new(tp, "message_id", jstr(id));
    json_object_set_new(tp, "text", jstr(text.n ? text : jget_str(value, "text")));
    if (parent.n && !str_eq(parent, post))
        provider_in_reply_to(tp, parent);
    provider_set(tp, "thread", post);
    provider_data(tp, "comment_id", jstr(id));
    provider_data(tp, "post_id", jstr(post));
    if (str_starts(verb, str_c("edit")))
        provider_revise(tp, at, false);
    else if (str_is(verb, "remove") || str_is(verb, "delete") || str_is(verb, "hide"))
        provider_revise(tp, at, true);
    return tp;
}

/* A mention of the account in a post, a comment or a story of somebody. */
static json_t *mention(struct reading *r, const json_t *value) {
    struct str comment_id = provider_id(r->a, value, "comment_id"),
               media = provider_id(r->a, value, "media_id");
    if (!media.n)
        media = provider_id(r->a, value, "post_id");
    struct str id = comment_id.n ? comment_id : media;
    if (!id.n)
        return NULL;
    json_t *tp =
        provider_touchpoint(r->network, arena_strf(r->a, "mention:%.*s", STR_ARG(id)), "mention");
    struct str text = jget_str(value, "message");
    json_object_set_new(tp, "text", jstr(text.n ? text : jget_str(value, "text")));
    provider_set(tp, "thread", media);
    provider_data(tp, "media_id", jstr(media));
    if (comment_id.n)
        provider_data(tp, "comment_id", jstr(comment_id));
    return tp;
}

static json_t *change(struct reading *r, const json_t *c, struct str field, const json_t *value) {
    json_t *tp = provider_touchpoint(
        r->network, arena_strf(r->a, "%.*s/%zu", STR_ARG(r->delivery), r->at), "other");
    struct str item = jget_str(value, "item");
    bool liked = str_is(item, "reaction") || str_is(item, "like");
    if (liked)
        json_object_set_new(tp, "kind", json_string("reaction"));
    struct str text = jget_str(value, "message");
    json_object_set_new(tp, "text",
                        jstr(text.n  ? text
                             : liked ? jget_str(value, "reaction_type")
                                     : STR_NONE));
    provider_data(tp, "event", jstr(field));
    provider_data(tp, "change", json_incref((json_t *)c));
    provider_notification(tp);
    return tp;
}

static void read_change(struct reading *r, const json_t *c) {
    const json_t *value = json_object_get(c, "value"), *from = json_object_get(value, "from");
    struct str field = jget_str(c, "field"), id = provider_id(r->a, value, "comment_id");
    int64_t at = provider_ms(json_object_get(value, "created_time"));
    if (!json_is_object(value) || !field.n) {
        provider_bad(r->out, c, "a change without field or value");
        return;
    }
    /* A comment's time stays that of its writing; what happens to it later is the entry's. */
    int64_t happened = r->entry_ms ? r->entry_ms : at;
    if (!id.n)
        id = provider_id(r->a, value, "id");
    bool mentions = str_is(field, "mentions") || str_is(field, "mention");
    json_t *tp = is_comment(field, value) && id.n ? comment(r, value, id, happened)
                 : mentions                       ? mention(r, value)
                                                  : change(r, c, field, value);
    if (!tp) {
        provider_bad(r->out, c, "a mention without an id");
        return;
    }
    if (mentions)
        json_object_set_new(tp, "kind", json_string("mention"));
    struct str from_id = provider_id(r->a, from, "id");
    json_t *who = from_id.n ? person(r, from) : NULL;
    provider_put(tp, "at", provider_at(at ? at : happened));
    provider_data(tp, "account", jstr(r->own));
    bool ours = from_id.n && str_eq(from_id, r->own);
    if (ours)
        provider_echo(tp, who);
    else
        provider_inbound(tp, who ? who
                                 : provider_account(r->a, r->network, mentions ? "post" : "account",
                                                    mentions ? id : r->own));
    provider_emit(r->out, tp);
}

/* ---- the delivery ---- */

static void read_entry(struct reading *r) {
    const json_t *messaging = json_object_get(r->entry, "messaging"),
                 *standby = json_object_get(r->entry, "standby"),
                 *changes = json_object_get(r->entry, "changes"), *one;
    size_t i;
    if (!json_is_array(messaging) && !json_is_array(standby) && !json_is_array(changes)) {
        provider_bad(r->out, r->entry, "an entry without messaging or changes");
        return;
    }
    json_array_foreach(messaging, i, one) {
        read_messaging(r, one, false);
        r->at++;
    }
    json_array_foreach(standby, i, one) {
        read_messaging(r, one, true);
        r->at++;
    }
    json_array_foreach(changes, i, one) {
        read_change(r, one);
        r->at++;
    }
}

bool meta_read(const char *network, const json_t *root, const struct tl_read *in,
               const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const json_t *entries = json_object_get(root, "entry"), *entry;
    struct reading r = {.a = &a, .out = out, .network = network, .delivery = in->source_id};
    size_t i;
    arena_init(&a);
    if (!json_is_array(entries))
        return false;
    json_array_foreach(entries, i, entry) {
        r.entry = entry;
        r.entry_ms = provider_ms(json_object_get(entry, "time"));
        r.own = provider_id(&a, entry, "id");
        read_entry(&r);
    }
    return true;
}
