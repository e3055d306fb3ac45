/* social/x_read.c - what X tells: activity events (XAA) and account activity (AAA).
 *
 *   XAA   {data: {event_uuid, filter, event_type, tag, payload}}, data also as a list
 *   AAA   {for_user_id, NAME_events: […], users: {id: …}}
 *
 * Ids are 64-bit and taken as text wherever there is one. A direct message has the same form in
 * both; a post is v1.1 in the one and v2 in the other. Pure.
 */
#include <touchline/kit/jread.h>

#include "x.h"

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    const json_t *users; /* by id, or NULL */
    struct str own;      /* whose events these are: filter.user_id, for_user_id */
    struct str event;    /* event_type, or the list's name */
    struct str uuid;     /* of an XAA event */
};

/* "id_str", else "id". */
static struct str id_of(struct reading *r, const json_t *o) {
    struct str s = jget_str(o, "id_str");
    return s.n ? s : provider_id(r->a, o, "id");
}

/* ---- people ---- */

static json_t *person_of(struct reading *r, const json_t *user) {
    const json_t *inner = json_object_get(user, "data");
    if (json_is_object(inner))
        user = inner;
    struct str handle = jget_str(user, "username");
    return provider_person("x", id_of(r, user), jget_str(user, "name"),
                           handle.n ? handle : jget_str(user, "screen_name"));
}

/* By id; with name and handle where the event tells of them. users: a map, or a list of v2. */
static json_t *person_by_id(struct reading *r, struct str id, const json_t *users) {
    const json_t *user = json_is_object(users) && id.n ? json_object_getn(users, id.p, id.n) : NULL;
    const json_t *one;
    size_t i;
    json_array_foreach(users, i, one) if (str_eq(id_of(r, one), id)) user = one;
    json_t *p = user ? person_of(r, user) : NULL;
    return p ? p : provider_person("x", id, STR_NONE, STR_NONE);
}

static void set_people(struct reading *r, json_t *tp, bool ours, json_t *take_who,
                       struct str whom) {
    if (!ours)
        provider_inbound(tp, take_who);
    else
        provider_echo(tp, take_who ? take_who : provider_account(r->a, "x", "account", whom));
}

/* ---- direct messages ---- */

static void read_dm(struct reading *r, const json_t *e, const json_t *users) {
    const json_t *m = json_object_get(e, "message_create"), *data, *media;
    struct str id = id_of(r, e), from = provider_id(r->a, m, "sender_id"),
               to = provider_id(r->a, json_object_get(m, "target"), "recipient_id");
    if (!id.n || !from.n) {
        provider_bad(r->out, e, "a direct message without id or sender");
        return;
    }
    bool ours = str_ends(r->event, str_c(".sent")) || (r->own.n && str_eq(from, r->own));
    data = json_object_get(m, "message_data");
    media = json_object_get(json_object_get(data, "attachment"), "media");
    json_t *tp = provider_touchpoint("x", id, "message");
    json_object_set_new(tp, "message_id", jstr(id));
    json_object_set_new(tp, "text", jstr(jget_str(data, "text")));
    provider_put(tp, "at", provider_at(provider_ms(json_object_get(e, "created_timestamp"))));
    provider_data(tp, "recipient_id", jstr(to));
    struct str url = jget_str(media, "media_url_https");
    if (url.n)
        provider_attach(tp, jget_str(media, "type"), STR_NONE, url);
    if (json_object_get(data, "attachment") || json_object_get(data, "quick_reply_response"))
        provider_data(tp, "message", json_incref((json_t *)data));
    set_people(r, tp, ours, person_by_id(r, ours ? to : from, users), to);
    provider_emit(r->out, tp);
}

/* The last message that they have read. */
static void read_seen(struct reading *r, const json_t *e) {
    struct str id = provider_id(r->a, e, "last_read_event_id");
    if (id.n)
        provider_update(r->out, id,
                        provider_at(provider_ms(json_object_get(e, "created_timestamp"))),
                        json_pack("{s:s}", "state", "read"));
    else
        provider_bad(r->out, e, "a receipt without a message");
}

/* ---- posts ---- */

struct post {
    const json_t *o, *users;
    struct str id, author, parent, parent_author, thread, text;
    bool quote, repost;
};

static void post_relations(struct reading *r, struct post *p) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(p->o, "referenced_tweets"), i, one) {
        struct str type = jget_str(one, "type");
        p->quote |= str_is(type, "quoted");
        p->repost |= str_is(type, "retweeted");
        if (str_is(type, "replied_to") || !p->parent.n)
            p->parent = provider_id(r->a, one, "id");
    }
    p->quote |= jget_bool(p->o, "is_quote_status", false);
    p->repost |= json_is_object(json_object_get(p->o, "retweeted_status"));
    if (!p->parent.n)
        p->parent = provider_id(r->a, p->o, "in_reply_to_status_id_str");
    if (!p->parent.n)
        p->parent = provider_id(r->a, p->o, "in_reply_to_status_id");
    p->parent_author = provider_id(r->a, p->o, "in_reply_to_user_id_str");
    if (!p->parent_author.n)
        p->parent_author = provider_id(r->a, p->o, "in_reply_to_user_id");
    p->thread = provider_id(r->a, p->o, "conversation_id");
}

static struct str post_text(const json_t *o) {
    static const char *const longer[] = {"extended_tweet", "note_tweet"};
    for (size_t i = 0; i < COUNT(longer); i++) {
        const json_t *part = json_object_get(o, longer[i]);
        struct str s = jget_str(part, "full_text");
        if (!s.n)
            s = jget_str(part, "text");
        if (s.n)
            return s;
    }
    struct str s = jget_str(o, "full_text");
    return s.n ? s : jget_str(o, "text");
}

/* v1.1, v2, or v2 within {data, includes}. false: there is no post. */
static bool find_post(struct reading *r, const json_t *payload, struct post *out) {
    const json_t *inner = json_object_get(payload, "data");
    *out = (struct post){.o = json_is_object(inner) ? inner : payload,
                         .users = json_object_get(json_object_get(payload, "includes"), "users")};
    const json_t *user = json_object_get(out->o, "user");
    out->id = id_of(r, out->o);
    out->author = provider_id(r->a, out->o, "author_id");
    if (!out->author.n)
        out->author = id_of(r, user);
    out->text = post_text(out->o);
    post_relations(r, out);
    return out->id.n && out->author.n;
}

static const char *post_kind(const struct reading *r, const struct post *p, bool ours) {
    if (p->repost)
        return "reaction";
    if (str_starts(r->event, str_c("post.mention")) || p->quote)
        return "mention";
    if (p->parent.n)
        return "comment";
    return ours ? "message" : "mention";
}

static void read_post(struct reading *r, const json_t *payload) {
    struct post p;
    if (!find_post(r, payload, &p)) {
        provider_bad(r->out, payload, "a post without id or author");
        return;
    }
    bool ours = r->own.n && str_eq(p.author, r->own);
    json_t *tp = provider_touchpoint("x", p.id, post_kind(r, &p, ours));
    json_object_set_new(tp, "message_id", jstr(p.id));
    json_object_set_new(tp, "text", jstr(p.text));
    provider_put(tp, "at", provider_at(provider_ms(json_object_get(p.o, "created_at"))));
    provider_in_reply_to(tp, p.parent);
    provider_set(tp, "thread", p.thread);
    provider_data(tp, "post_id", jstr(p.id));
    if (p.repost)
        provider_notification(tp);
    const json_t *media = json_object_get(json_object_get(p.o, "extended_entities"), "media"), *one;
    size_t i;
    json_array_foreach(media, i, one) {
        struct str url = jget_str(one, "media_url_https");
        if (url.n)
            provider_attach(tp, jget_str(one, "type"), STR_NONE, url);
    }
    const json_t *user = json_object_get(p.o, "user");
    json_t *who = ours   ? person_by_id(r, p.parent_author, p.users)
                  : user ? person_of(r, user)
                         : person_by_id(r, p.author, p.users);
    set_people(r, tp, ours, who, p.author);
    provider_emit(r->out, tp);
}

static void read_deleted(struct reading *r, const json_t *e) {
    const json_t *status = json_object_get(e, "status");
    const json_t *o = status ? status : json_object_get(e, "data") ? json_object_get(e, "data") : e;
    struct str id = id_of(r, o), author = provider_id(r->a, o, "user_id");
    if (!author.n)
        author = provider_id(r->a, o, "author_id");
    if (!author.n)
        author = r->own;
    if (!id.n || !author.n) {
        provider_bad(r->out, e, "a deletion without id or author");
        return;
    }
    int64_t at = provider_ms(json_object_get(e, "timestamp_ms"));
    json_t *tp = provider_touchpoint("x", id, "message");
    provider_put(tp, "at", provider_at(at));
    provider_revise(tp, at, true);
    set_people(r, tp, str_eq(author, r->own), provider_person("x", author, STR_NONE, STR_NONE),
               author);
    json_object_del(tp, "echo");
    provider_emit(r->out, tp);
}

/* ---- all else ---- */

/* The person of an event of unknown form: where such events name one. NULL: nobody. */
static json_t *somebody(struct reading *r, const json_t *payload) {
    static const char *const places[] = {"user", "source", "actor", "follower", "unmuter"};
    static const char *const ids[] = {"sender_id", "user_id", "source_id", "author_id"};
    for (size_t i = 0; i < COUNT(places); i++) {
        json_t *p = person_of(r, json_object_get(payload, places[i]));
        if (p)
            return p;
    }
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct str id = provider_id(r->a, payload, ids[i]);
        if (id.n)
            return person_by_id(r, id, r->users);
    }
    return provider_person("x", r->own, STR_NONE, STR_NONE);
}

static struct str words_of(struct reading *r, const json_t *payload) {
    struct str before = jget_str(payload, "before"), after = jget_str(payload, "after");
    if (after.n || before.n)
        return arena_strf(r->a, "%.*s → %.*s", STR_ARG(before), STR_ARG(after));
    static const char *const names[] = {"text", "summary", "title", "name"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct str s = jget_str(payload, names[i]);
        if (s.n)
            return s;
    }
    return STR_NONE;
}

static void read_other(struct reading *r, const json_t *payload, const char *kind) {
    struct str id = r->uuid;
    if (!id.n)
        id = id_of(r, payload);
    bool chat = str_starts(r->event, str_c("chat."));
    json_t *who = somebody(r, payload);
    if (!id.n) {
        struct str at = provider_id(r->a, payload, "created_timestamp");
        id = arena_strf(r->a, "%.*s:%.*s:%.*s", STR_ARG(r->event), STR_ARG(at),
                        STR_ARG(jget_str(json_object_get(who, "social"), "id")));
    }
    json_t *tp = provider_touchpoint("x", arena_strf(r->a, "event:%.*s", STR_ARG(id)),
                                     chat ? "message" : kind);
    json_object_set_new(tp, "text", jstr(words_of(r, payload)));
    static const char *const times[] = {"created_timestamp", "created_at_msec", "created_at",
                                        "updated_at"};
    for (size_t i = 0; i < COUNT(times) && !json_object_get(tp, "at"); i++)
        provider_put(tp, "at", provider_at(provider_ms(json_object_get(payload, times[i]))));
    provider_data(tp, "event", jstr(r->event));
    provider_data(tp, "payload", json_incref((json_t *)payload));
    if (chat)
        provider_data(tp, "encrypted", json_true());
    else
        provider_notification(tp);
    if (!who)
        who = provider_account(r->a, "x", "topic", r->event);
    if (chat && str_ends(r->event, str_c(".sent")))
        provider_echo(tp, who);
    else
        provider_inbound(tp, who);
    provider_emit(r->out, tp);
}

static void read_dms(struct reading *r, const json_t *payload) {
    const json_t *list = json_object_get(payload, "direct_message_events"),
                 *users = json_object_get(payload, "users"), *one;
    size_t i;
    if (!json_is_array(list)) {
        read_dm(r, payload, r->users);
        return;
    }
    json_array_foreach(list, i, one) read_dm(r, one, users ? users : r->users);
}

static void read_seens(struct reading *r, const json_t *payload) {
    const json_t *list = json_object_get(payload, "direct_message_mark_read_events"), *one;
    size_t i;
    if (!json_is_array(list)) {
        read_seen(r, payload);
        return;
    }
    json_array_foreach(list, i, one) read_seen(r, one);
}

/* ---- XAA ---- */

static void read_activity(struct arena *a, const json_t *data, const struct tl_emit *out) {
    const json_t *payload = json_object_get(data, "payload"),
                 *filter = json_object_get(data, "filter");
    struct reading r = {.a = a,
                        .out = out,
                        .own = provider_id(a, filter, "user_id"),
                        .event = jget_str(data, "event_type"),
                        .uuid = provider_id(a, data, "event_uuid")};
    r.users = json_object_get(payload, "users");
    if (!r.event.n || !json_is_object(payload)) {
        provider_bad(out, data, "an event without type or payload");
        return;
    }
    bool deleted = str_starts(r.event, str_c("post.delete"));
    if (str_is(r.event, "dm.received") || str_is(r.event, "dm.sent"))
        read_dms(&r, payload);
    else if (str_is(r.event, "dm.read"))
        read_seens(&r, payload);
    else if (str_starts(r.event, str_c("dm.indicate_typing")))
        return; /* gone in a second, for anybody who looks */
    else if (deleted)
        read_deleted(&r, payload);
    else if (str_starts(r.event, str_c("post.")))
        read_post(&r, payload);
    else
        read_other(&r, payload, str_starts(r.event, str_c("like.")) ? "reaction" : "other");
}

/* ---- AAA ---- */

static void read_account_list(struct reading *r, const json_t *list) {
    static const struct {
        const char *name;
        void (*read)(struct reading *r, const json_t *e);
    } readers[] = {{"tweet_create_events", read_post},
                   {"direct_message_events", read_dms},
                   {"direct_message_mark_read_events", read_seen},
                   {"tweet_delete_events", read_deleted}};
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        size_t k = 0;
        while (k < COUNT(readers) && !str_is(r->event, readers[k].name))
            k++;
        if (k < COUNT(readers))
            readers[k].read(r, one);
        else
            read_other(r, one, str_is(r->event, "favorite_events") ? "reaction" : "other");
    }
}

static bool read_account(struct arena *a, const json_t *root, const struct tl_emit *out) {
    struct reading r = {.a = a,
                        .out = out,
                        .users = json_object_get(root, "users"),
                        .own = provider_id(a, root, "for_user_id")};
    json_t *o = (json_t *)root, *v;
    const char *name;
    bool any = false;
    json_object_foreach(o, name, v) {
        r.event = str_c(name);
        any = any || str_ends(r.event, str_c("_events")) || str_is(r.event, "user_event");
        if (str_is(r.event, "direct_message_indicate_typing_events"))
            continue;
        if (json_is_array(v) && str_ends(r.event, str_c("_events")))
            read_account_list(&r, v);
        else if (str_is(r.event, "user_event") && json_is_object(v))
            read_other(&r, v, "other");
    }
    return any;
}

bool x_read(const json_t *root, const struct tl_read *in, const json_t *meta,
            const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const json_t *data = json_object_get(root, "data"), *one;
    size_t i;
    (void)in, (void)meta;
    arena_init(&a);
    if (json_is_array(data)) {
        json_array_foreach(data, i, one) read_activity(&a, one, out);
        return true;
    }
    if (json_is_object(data)) {
        read_activity(&a, data, out);
        return true;
    }
    return read_account(&a, root, out);
}
