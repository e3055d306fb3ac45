/* social/activitypub.c - activities to touchpoints.
 *
 * Source: W3C Activity Vocabulary; docs.joinmastodon.org/spec/activitypub. What is kept is what was
 * said to us: notes that mention our actor or are addressed to it. An edit and a withdrawal are
 * revisions of the note, by its id; a withdrawn like or follow one of that activity.
 */
#include "activitypub.h"

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

enum { LIST_MAX = 500 };

static const char public_name[] = "https://www.w3.org/ns/activitystreams#Public";

struct reading {
    struct arena arena;
    const json_t *activity;
    struct str type, id, actor, ours;
    int64_t received_ms;
    const struct tl_emit *out;
};

static struct str id_or_text(const json_t *v) {
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v))
                             : jget_str(v, "id");
}

static bool is_public(struct str s) {
    return str_is(s, public_name) || str_is(s, "as:Public") || str_is(s, "Public");
}

static bool same_host(struct str a, struct str b) {
    struct str host = activitypub_host(a);
    return host.n && str_eq_nocase(host, activitypub_host(b));
}

/* One of a list, or the one value that stands for a list. */
static const json_t *item_of(const json_t *v, size_t i) {
    return json_is_array(v) ? json_array_get(v, i) : i == 0 ? v : NULL;
}

static size_t items_of(const json_t *v) {
    size_t n = json_is_array(v) ? json_array_size(v) : v != NULL && !json_is_null(v);
    return n < LIST_MAX ? n : LIST_MAX;
}

/* ---- whom it is for ---- */

static bool addressed(const json_t *object, struct str ours) {
    static const char *const members[] = {"to", "cc", "bto", "bcc"};
    for (size_t m = 0; m < COUNT(members); m++) {
        const json_t *v = json_object_get(object, members[m]);
        for (size_t i = 0; i < items_of(v); i++)
            if (str_eq(id_or_text(item_of(v, i)), ours))
                return true;
    }
    const json_t *tags = json_object_get(object, "tag");
    for (size_t i = 0; i < items_of(tags); i++)
        if (str_is(jget_str(item_of(tags, i), "type"), "Mention") &&
            str_eq(jget_str(item_of(tags, i), "href"), ours))
            return true;
    return false;
}

/* As Mastodon calls it. */
static const char *visibility_of(const json_t *object) {
    static const char *const members[] = {"to", "cc"};
    static const char *const names[] = {"public", "unlisted"};
    bool followers = false;
    for (size_t m = 0; m < COUNT(members); m++) {
        const json_t *v = json_object_get(object, members[m]);
        for (size_t i = 0; i < items_of(v); i++) {
            struct str s = id_or_text(item_of(v, i));
            if (is_public(s))
                return names[m];
            followers |= str_ends(s, (struct str)STR("/followers"));
        }
    }
    return followers ? "private" : "direct";
}

/* ---- pieces ---- */

/* "jana@example.social" of https://example.social/users/jana. */
static json_t *person(struct reading *r, struct str actor) {
    struct str host = activitypub_host(actor), name = actor;
    for (size_t i = actor.n; i > 0; i--)
        if (actor.p[i - 1] == '/') {
            name = str_from(actor, i);
            break;
        }
    if (name.n && name.p[0] == '@')
        name = str_from(name, 1);
    if (!host.n || !name.n)
        return NULL;
    return provider_person("mastodon", actor, STR_NONE,
                           arena_strf(&r->arena, "%.*s@%.*s", STR_ARG(name), STR_ARG(host)));
}

static void put_files(const json_t *object, json_t *tp) {
    const json_t *files = json_object_get(object, "attachment");
    for (size_t i = 0; i < items_of(files); i++) {
        const json_t *one = item_of(files, i), *url = json_object_get(one, "url");
        const json_t *link = item_of(url, 0);
        struct str at = json_is_object(link) ? jget_str(link, "href") : id_or_text(link);
        if (at.n)
            provider_attach(tp, jget_str(one, "name"), jget_str(one, "mediaType"), at);
    }
}

static int64_t ms_of(const json_t *object, const char *key, int64_t preset) {
    int64_t ms;
    return date_parse(jget_str(object, key), &ms) && ms > 0 ? ms : preset;
}

static json_t *begin(struct reading *r, struct str id, const char *kind) {
    json_t *tp = provider_touchpoint("mastodon", id, kind);
    provider_inbound(tp, person(r, r->actor));
    return tp;
}

/* ---- notes ---- */

static void put_note(struct reading *r, const json_t *note, json_t *tp) {
    struct str html = jget_str(note, "content"), summary = jget_str(note, "summary");
    struct str thread = jget_str(note, "context");
    const json_t *languages = json_object_get(note, "contentMap");
    void *first = json_object_iter((json_t *)languages);
    struct str text = activitypub_text(&r->arena, html);
    if (!html.n)
        text = jget_str(note, "name");
    json_object_set_new(tp, "text", jstr(text));
    provider_set(tp, "html", html);
    provider_set(tp, "subject", summary); /* a content warning */
    provider_set(tp, "thread", thread.n ? thread : jget_str(note, "conversation"));
    provider_in_reply_to(tp, id_or_text(json_object_get(note, "inReplyTo")));
    provider_put(tp, "at", provider_at(ms_of(note, "published", 0)));
    if (first && str_c(json_object_iter_key(first)).n < 20)
        provider_set(tp, "language", str_c(json_object_iter_key(first)));
    provider_data(tp, "visibility", json_string(visibility_of(note)));
    provider_data(tp, "url", jstr(id_or_text(item_of(json_object_get(note, "url"), 0))));
    put_files(note, tp);
}

static bool read_note(struct reading *r, const json_t *note, bool edit) {
    struct str id = jget_str(note, "id"),
               author = id_or_text(item_of(json_object_get(note, "attributedTo"), 0));
    if (!id.n || !same_host(id, r->actor) || (author.n && !str_eq(author, r->actor)))
        return false;
    if (r->ours.n && !addressed(note, r->ours) && !addressed(r->activity, r->ours))
        return true; /* said to others */
    bool direct = str_is(str_c(visibility_of(note)), "direct");
    json_t *tp = begin(r, id, direct ? "message" : "mention");
    put_note(r, note, tp);
    if (edit)
        provider_revise(tp, ms_of(note, "updated", r->received_ms), false);
    provider_emit(r->out, tp);
    return true;
}

/* ---- what was taken back ---- */

static void withdraw(struct reading *r, struct str id, const char *kind) {
    json_t *tp = begin(r, id, kind);
    provider_revise(tp, r->received_ms, true);
    provider_notification(tp);
    provider_emit(r->out, tp);
}

static bool read_delete(struct reading *r, const json_t *object) {
    struct str id = id_or_text(object);
    if (!id.n || !same_host(id, r->actor))
        return false;
    if (!str_eq(id, r->actor)) /* an account that went says nothing of what it had said to us */
        withdraw(r, id, "mention");
    return true;
}

/* ---- all else ---- */

static bool read_event(struct reading *r, const json_t *object) {
    bool reaction = str_is(r->type, "Like") || str_is(r->type, "Announce") ||
                    str_is(r->type, "EmojiReact") || str_is(r->type, "Dislike");
    struct str about = id_or_text(object);
    if (!r->id.n)
        return false;
    if (r->ours.n && !str_eq(about, r->ours) && !same_host(about, r->ours) &&
        !addressed(r->activity, r->ours))
        return true;
    json_t *tp = begin(r, r->id, reaction ? "reaction" : "other");
    provider_set(tp, "text", jget_str(r->activity, "content"));
    provider_put(tp, "at", provider_at(ms_of(r->activity, "published", 0)));
    if (reaction)
        provider_in_reply_to(tp, about);
    provider_notification(tp);
    provider_data(tp, "activity", json_incref((json_t *)r->activity));
    provider_emit(r->out, tp);
    return true;
}

static bool read_undo(struct reading *r, const json_t *object) {
    struct str id = id_or_text(object), type = jget_str(object, "type");
    if (!id.n || !same_host(id, r->actor))
        return false;
    withdraw(r, id, str_is(type, "Follow") || str_is(type, "Block") ? "other" : "reaction");
    return true;
}

static bool is_note(const json_t *object) {
    static const char *const types[] = {"Note",  "Question", "Article", "Page",
                                        "Image", "Video",    "Audio",   "ChatMessage"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (str_is(jget_str(object, "type"), types[i]))
            return true;
    return false;
}

bool activitypub_read(const json_t *root, struct str ours, int64_t received_ms,
                      const struct tl_emit *out) {
    struct reading r = {.activity = root,
                        .type = jget_str(root, "type"),
                        .id = jget_str(root, "id"),
                        .actor = id_or_text(json_object_get(root, "actor")),
                        .ours = ours,
                        .received_ms = received_ms,
                        .out = out};
    const json_t *object = json_object_get(root, "object");
    bool read;
    if (!r.type.n || !activitypub_host(r.actor).n)
        return false;
    arena_init(&r.arena);
    if ((str_is(r.type, "Create") || str_is(r.type, "Update")) && is_note(object))
        read = read_note(&r, object, str_is(r.type, "Update"));
    else if (str_is(r.type, "Delete"))
        read = read_delete(&r, object);
    else if (str_is(r.type, "Undo"))
        read = read_undo(&r, object);
    else
        read = read_event(&r, object);
    arena_clear(&r.arena);
    if (!read)
        provider_bad(out, root, "an activity without its ids, or about what is another one's");
    return true;
}
