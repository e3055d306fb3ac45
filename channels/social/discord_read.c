/* social/discord_read.c - what Discord tells: interactions with the app, and webhook events.
 *
 * Ids are snowflakes: text, with the time in their upper bits. An interaction's token is good for a
 * reply for 15 minutes, so it stays in `data`. A message of a lobby or a direct one is known by its
 * id; an update or deletion of it is a later state. Pure.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "discord.h"

enum { WORDS_MAX = 16 * 1024, DEPTH_MAX = 8 };
static const int64_t epoch_ms = 1420070400000; /* 2015-01-01, the snowflakes' first */

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    const struct tl_read *in;
    struct str application;
};

static int64_t snowflake_ms(struct str id) {
    char text[24];
    if (!id.n || id.n >= sizeof text)
        return 0;
    memcpy(text, id.p, id.n);
    text[id.n] = '\0';
    char *end;
    unsigned long long v = strtoull(text, &end, 10);
    return *end || !v ? 0 : (int64_t)(v >> 22) + epoch_ms;
}

static json_t *person(struct reading *r, const json_t *user) {
    struct str name = jget_str(user, "global_name");
    return provider_person("discord", provider_id(r->a, user, "id"),
                           name.n ? name : jget_str(user, "username"), jget_str(user, "username"));
}

/* ---- interactions ---- */

static bool add_scalar(struct reading *r, struct buf *out, const json_t *v) {
    if (json_is_boolean(v))
        return buf_add_c(out, json_is_true(v) ? "yes" : "no");
    if (json_is_real(v))
        return buf_addf(out, "%g", json_real_value(v));
    const json_t *one = json_array_get(v, 0);
    if (json_is_array(v))
        return buf_add(out, str_make(json_string_value(one), json_string_length(one)));
    cleanup(json_freep) json_t *o = json_pack("{s:O}", "v", v);
    return buf_add(out, provider_id(r->a, o, "v"));
}

/* A command's options and groups, "name: value" each. */
static bool add_options(struct reading *r, struct buf *out, const json_t *options, int depth) {
    const json_t *one;
    size_t i;
    bool ok = true;
    if (depth > DEPTH_MAX)
        return true;
    json_array_foreach(options, i, one) {
        const json_t *value = json_object_get(one, "value");
        ok = ok && buf_addf(out, " %.*s", STR_ARG(jget_str(one, "name")));
        if (value)
            ok = ok && buf_add_c(out, ": ") && add_scalar(r, out, value);
        ok = ok && add_options(r, out, json_object_get(one, "options"), depth + 1);
    }
    return ok;
}

/* A form's fields, a line each, however they are nested. */
static bool add_fields(struct reading *r, struct buf *out, const json_t *components, int depth) {
    const json_t *one;
    size_t i;
    bool ok = true;
    if (depth > DEPTH_MAX)
        return true;
    json_array_foreach(components, i, one) {
        const json_t *value = json_object_get(one, "value"), *inner;
        if (!value)
            value = json_object_get(one, "values");
        if (value)
            ok = ok &&
                 buf_addf(out, "%s%.*s: ", out->n ? "\n" : "",
                          STR_ARG(jget_str(one, "custom_id"))) &&
                 add_scalar(r, out, value);
        ok = ok && add_fields(r, out, json_object_get(one, "components"), depth + 1);
        inner = json_object_get(one, "component");
        if (json_is_object(inner)) {
            cleanup(json_freep) json_t *list = json_pack("[O]", inner);
            ok = ok && add_fields(r, out, list, depth + 1);
        }
    }
    return ok;
}

static struct str interaction_text(struct reading *r, const json_t *data) {
    cleanup(buf_clear) struct buf b;
    struct str name = jget_str(data, "name"), custom = jget_str(data, "custom_id");
    bool ok;
    buf_init(&b, WORDS_MAX);
    if (name.n)
        ok = buf_addf(&b, "/%.*s", STR_ARG(name)) &&
             add_options(r, &b, json_object_get(data, "options"), 0);
    else if (json_array_size(json_object_get(data, "components")))
        ok = add_fields(r, &b, json_object_get(data, "components"), 0);
    else if (json_array_size(json_object_get(data, "values")))
        ok = add_scalar(r, &b, json_object_get(data, "values"));
    else
        ok = buf_add(&b, custom);
    return ok || b.n ? arena_str(r->a, buf_str(&b)) : STR_NONE;
}

static void read_interaction(struct reading *r, const json_t *root) {
    const json_t *user = json_object_get(root, "user"), *data = json_object_get(root, "data");
    struct str id = provider_id(r->a, root, "id");
    int64_t type = jget_int(root, "type", 0);
    if (!user)
        user = json_object_get(json_object_get(root, "member"), "user");
    json_t *who = person(r, user);
    if (!who || !id.n) {
        json_decref(who);
        provider_bad(r->out, root, "an interaction without id or user");
        return;
    }
    /* Half a word typed into a field is none said. */
    bool typing = type == 4;
    json_t *tp = provider_touchpoint("discord", id, typing ? "other" : "message");
    json_object_set_new(tp, "message_id", jstr(id));
    json_object_set_new(tp, "text", jstr(interaction_text(r, data)));
    provider_put(tp, "at", provider_at(snowflake_ms(id)));
    struct str on = provider_id(r->a, json_object_get(root, "message"), "id");
    provider_in_reply_to(tp, on);
    provider_set(tp, "language", jget_str(root, "locale"));
    provider_data(tp, "type", json_integer(type));
    provider_data(tp, "application_id", jstr(provider_id(r->a, root, "application_id")));
    provider_data(tp, "channel_id", jstr(provider_id(r->a, root, "channel_id")));
    provider_data(tp, "token", jstr(jget_str(root, "token")));
    provider_data(tp, "interaction", json_incref((json_t *)data));
    if (on.n)
        provider_data(tp, "message_id", jstr(on));
    if (typing)
        provider_notification(tp);
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
}

/* ---- webhook events ---- */

static void attach_files(json_t *tp, const json_t *data) {
    const json_t *file;
    size_t i;
    json_array_foreach(json_object_get(data, "attachments"), i, file) {
        struct str url = jget_str(file, "url");
        if (str_starts(url, str_c("https://")))
            provider_attach(tp, jget_str(file, "filename"), jget_str(file, "content_type"), url);
    }
}

/* Who did it; else the place where it happened. */
static json_t *event_person(struct reading *r, const json_t *data) {
    static const char *const places[] = {"author", "user"};
    static const struct {
        const char *key, *what;
    } others[] = {
        {"user_id", NULL}, {"lobby_id", "lobby"}, {"channel_id", "channel"}, {"guild_id", "guild"}};
    for (size_t i = 0; i < COUNT(places); i++) {
        json_t *p = person(r, json_object_get(data, places[i]));
        if (p)
            return p;
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        struct str id = provider_id(r->a, data, others[i].key);
        if (id.n)
            return others[i].what ? provider_account(r->a, "discord", others[i].what, id)
                                  : provider_person("discord", id, STR_NONE, STR_NONE);
    }
    return provider_account(r->a, "discord", "application", r->application);
}

static json_t *event_message(struct reading *r, const json_t *data, struct str type, struct str id,
                             int64_t at) {
    json_t *tp = provider_touchpoint("discord", id, "message");
    struct str place = provider_id(r->a, data, "lobby_id"),
               channel = provider_id(r->a, data, "channel_id");
    const json_t *reference = json_object_get(data, "message_reference");
    json_object_set_new(tp, "message_id", jstr(id));
    json_object_set_new(tp, "text", jstr(jget_str(data, "content")));
    provider_put(tp, "at", provider_at(snowflake_ms(id)));
    provider_in_reply_to(tp, provider_id(r->a, reference, "message_id"));
    if (place.n)
        json_object_set_new(tp, "thread", jstr(place));
    provider_data(tp, "message_id", jstr(id));
    provider_data(tp, "channel_id", jstr(channel));
    bool deleted = str_ends(type, str_c("_DELETE"));
    if (deleted || str_ends(type, str_c("_UPDATE")))
        provider_revise(tp, at, deleted);
    if (jget_bool(json_object_get(data, "author"), "bot", false))
        provider_notification(tp);
    attach_files(tp, data);
    return tp;
}

static void read_event(struct reading *r, const json_t *event) {
    const json_t *data = json_object_get(event, "data");
    struct str type = jget_str(event, "type"), id = provider_id(r->a, data, "id");
    int64_t at = provider_ms(json_object_get(event, "timestamp"));
    if (!type.n) {
        provider_bad(r->out, event, "an event without a type");
        return;
    }
    bool said = str_find(type, '_') > 0 && memmem(type.p, type.n, "MESSAGE", 7) && id.n;
    json_t *tp =
        said ? event_message(r, data, type, id, at)
             : provider_touchpoint(
                   "discord", arena_strf(r->a, "event:%.*s", STR_ARG(r->in->source_id)), "other");
    if (!said) {
        provider_put(tp, "at", provider_at(at));
        provider_data(tp, "value", json_incref((json_t *)data));
        provider_notification(tp);
    }
    provider_data(tp, "event", jstr(type));
    provider_inbound(tp, event_person(r, data));
    provider_emit(r->out, tp);
}

bool discord_read(const json_t *root, const struct tl_read *in, const json_t *meta,
                  const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    struct reading r = {.a = &a, .out = out, .in = in};
    (void)meta;
    arena_init(&a);
    r.application = provider_id(&a, root, "application_id");
    const json_t *event = json_object_get(root, "event");
    if (json_is_object(event))
        read_event(&r, event);
    else if (json_is_integer(json_object_get(root, "type")) && json_object_get(root, "id"))
        read_interaction(&r, root);
    else
        return false;
    return true;
}
