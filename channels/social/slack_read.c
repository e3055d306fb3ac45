/* social/slack_read.c - what Slack tells: events, buttons, commands.
 *
 * A message is known by its channel and time; an edit, a deletion, a reaction name it so. In a
 * channel the thread (thread_ts, else its own ts) is the conversation; alone with the app a message
 * joins what is open. What our own app wrote comes as an echo, other bots need no answer. Buttons
 * and commands come urlencoded. Pure.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "slack.h"

enum { FIELDS_MAX = 40, TEXT_SUBTYPES = 6 };

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    struct str event_id, team, app, bot; /* app, bot: our own */
    int64_t at_ms;                       /* event_time */
    const struct tl_read *in;
};

struct str slack_message_id(struct arena *a, struct str channel, struct str ts) {
    return channel.n && ts.n ? arena_strf(a, "%.*s:%.*s", STR_ARG(channel), STR_ARG(ts)) : STR_NONE;
}

/* "1355517523.000005" to ms; 0: none. */
static int64_t ts_ms(struct str ts) {
    char text[32];
    if (!ts.n || ts.n >= sizeof text)
        return 0;
    memcpy(text, ts.p, ts.n);
    text[ts.n] = '\0';
    double s = strtod(text, NULL);
    return s > 0 && s < 253402300799.0 ? (int64_t)(s * 1000) : 0;
}

static json_t *person(const json_t *event) {
    const json_t *user = json_object_get(event, "user"),
                 *profile = json_object_get(event, "user_profile");
    struct str name = jget_str(profile, "real_name");
    if (json_is_object(user)) {
        name = jget_str(user, "name");
        return provider_person("slack", jget_str(user, "id"), name, jget_str(user, "username"));
    }
    return provider_person("slack", jget_str(event, "user"), name, jget_str(profile, "name"));
}

/* ---- messages ---- */

static bool is_own(const struct reading *r, const json_t *m) {
    struct str bot = jget_str(m, "bot_id"), app = jget_str(m, "app_id");
    if (!app.n)
        app = jget_str(json_object_get(m, "bot_profile"), "app_id");
    return bot.n && ((r->bot.n && str_eq(bot, r->bot)) || (app.n && str_eq(app, r->app)));
}

static void attach_files(json_t *tp, const json_t *m) {
    const json_t *file;
    size_t i;
    json_array_foreach(json_object_get(m, "files"), i, file) {
        struct str url = jget_str(file, "url_private_download");
        if (!url.n)
            url = jget_str(file, "url_private");
        if (url.n)
            provider_attach(tp, jget_str(file, "name"), jget_str(file, "mimetype"), url);
    }
}

/* What somebody said; a subtype that is none of these only tells what happened in the channel. */
static bool is_said(struct str subtype) {
    static const char *const said[TEXT_SUBTYPES] = {"file_share",   "thread_broadcast",
                                                    "bot_message",  "me_message",
                                                    "file_comment", "reply_broadcast"};
    for (size_t i = 0; i < COUNT(said); i++)
        if (str_is(subtype, said[i]))
            return true;
    return !subtype.n;
}

static void set_who(struct reading *r, json_t *tp, const json_t *m, struct str channel) {
    struct str bot = jget_str(m, "bot_id");
    if (is_own(r, m)) {
        provider_echo(tp, provider_account(r->a, "slack", "channel", channel));
        return;
    }
    json_t *who = person(m);
    if (bot.n)
        provider_notification(tp);
    if (!who && bot.n)
        who = provider_person("slack", bot, jget_str(m, "username"), STR_NONE);
    provider_inbound(tp, who ? who : provider_account(r->a, "slack", "channel", channel));
}

/* m: the message; event: what told of it, often the same. */
static json_t *message(struct reading *r, const json_t *event, const json_t *m, struct str ts) {
    struct str channel = jget_str(event, "channel"), thread = jget_str(m, "thread_ts"),
               subtype = jget_str(m, "subtype"), type = jget_str(event, "channel_type");
    struct str id = slack_message_id(r->a, channel, ts);
    if (!id.n)
        return NULL;
    bool mention = str_is(jget_str(event, "type"), "app_mention"), said = is_said(subtype);
    json_t *tp = provider_touchpoint("slack", id, mention ? "mention" : said ? "message" : "other");
    json_object_set_new(tp, "message_id", jstr(id));
    json_object_set_new(tp, "text", jstr(slack_text(r->a, jget_str(m, "text"))));
    provider_put(tp, "at", provider_at(ts_ms(ts)));
    bool alone = str_is(type, "im") || (channel.n && channel.p[0] == 'D');
    if (thread.n && !str_eq(thread, ts))
        provider_in_reply_to(tp, slack_message_id(r->a, channel, thread));
    if (!alone)
        json_object_set_new(tp, "thread",
                            jstr(slack_message_id(r->a, channel, thread.n ? thread : ts)));
    provider_data(tp, "channel", jstr(channel));
    provider_data(tp, "team", jstr(r->team));
    provider_data(tp, "ts", jstr(ts));
    if (thread.n || !alone)
        provider_data(tp, "thread_ts", jstr(thread.n ? thread : ts));
    if (subtype.n)
        provider_data(tp, "subtype", jstr(subtype));
    if (!said)
        provider_notification(tp);
    attach_files(tp, m);
    set_who(r, tp, m, channel);
    return tp;
}

static bool read_message(struct reading *r, const json_t *event) {
    struct str subtype = jget_str(event, "subtype");
    const json_t *m = event;
    int64_t at = ts_ms(jget_str(event, "event_ts"));
    if (!at)
        at = ts_ms(jget_str(event, "ts"));
    if (!at)
        at = r->at_ms;
    bool changed = str_is(subtype, "message_changed"), deleted = str_is(subtype, "message_deleted"),
         replied = str_is(subtype, "message_replied");
    struct str ts = jget_str(event, "deleted_ts");
    if (changed || replied)
        m = json_object_get(event, "message");
    else if (deleted)
        m = json_object_get(event, "previous_message");
    if (!deleted || !ts.n)
        ts = jget_str(m, "ts");
    json_t *tp = message(r, event, m, ts);
    if (!tp)
        return false;
    /* A thread's root is told again when it gets replies, and emptied when it is deleted. */
    bool tombstone = changed && str_is(jget_str(m, "subtype"), "tombstone");
    if (replied) {
        json_decref(tp);
        return true;
    }
    if (deleted || tombstone)
        json_object_set_new(tp, "text", json_null());
    if (tombstone)
        json_object_set_new(tp, "kind", json_string("message"));
    if (changed || deleted)
        provider_revise(tp, at, deleted || tombstone);
    provider_emit(r->out, tp);
    return true;
}

/* ---- other events ---- */

static bool read_reaction(struct reading *r, const json_t *event) {
    const json_t *item = json_object_get(event, "item");
    struct str ts = jget_str(item, "ts"), name = jget_str(event, "reaction"),
               user = jget_str(event, "user"),
               of = slack_message_id(r->a, jget_str(item, "channel"), ts);
    if (!of.n)
        of = provider_id(r->a, item, "file");
    json_t *who = person(event);
    if (!who || !name.n || !of.n) {
        json_decref(who);
        return false;
    }
    int64_t at = ts_ms(jget_str(event, "event_ts"));
    json_t *tp = provider_touchpoint(
        "slack",
        arena_strf(r->a, "reaction:%.*s:%.*s:%.*s", STR_ARG(of), STR_ARG(user), STR_ARG(name)),
        "reaction");
    json_object_set_new(tp, "text", jstr(arena_strf(r->a, ":%.*s:", STR_ARG(name))));
    provider_put(tp, "at", provider_at(at ? at : r->at_ms));
    provider_in_reply_to(tp, of);
    provider_revise(tp, at, str_is(jget_str(event, "type"), "reaction_removed"));
    provider_data(tp, "channel", jstr(jget_str(item, "channel")));
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
    return true;
}

/* Joins, opened homes, limits and what Slack may invent. */
static void read_other(struct reading *r, const json_t *event, struct str type) {
    struct str id = r->event_id.n ? r->event_id : r->in->source_id;
    json_t *who = person(event),
           *tp = provider_touchpoint("slack", arena_strf(r->a, "event:%.*s", STR_ARG(id)), "other");
    provider_put(tp, "at", provider_at(r->at_ms));
    provider_data(tp, "event", jstr(type));
    provider_data(tp, "value", json_incref((json_t *)event));
    provider_notification(tp);
    provider_inbound(tp, who ? who : provider_account(r->a, "slack", "team", r->team));
    provider_emit(r->out, tp);
}

static bool read_event(struct reading *r, const json_t *root) {
    const json_t *event = json_object_get(root, "event");
    struct str type = jget_str(event, "type"), outer = jget_str(root, "type");
    if (!json_is_object(event)) {
        if (!outer.n)
            return false;
        read_other(r, root, outer);
        return true;
    }
    if (!type.n)
        provider_bad(r->out, event, "an event without a type");
    else if (str_is(type, "message") || str_is(type, "app_mention")) {
        if (!read_message(r, event))
            provider_bad(r->out, event, "a message without channel or time");
    } else if (str_starts(type, str_c("reaction_"))) {
        if (!read_reaction(r, event))
            provider_bad(r->out, event, "a reaction without user or message");
    } else {
        read_other(r, event, type);
    }
    return true;
}

/* ---- buttons and commands ---- */

/* What was chosen, in words. */
static struct str action_text(const json_t *action) {
    static const char *const places[] = {"selected_option", "text"};
    for (size_t i = 0; i < COUNT(places); i++) {
        const json_t *part = json_object_get(action, places[i]),
                     *text = json_object_get(part, "text");
        struct str s = jget_str(text ? text : part, "text");
        if (s.n)
            return s;
    }
    struct str s = jget_str(action, "value");
    return s.n ? s : jget_str(action, "action_id");
}

static bool read_interaction(struct reading *r, const json_t *p) {
    const json_t *action = json_array_get(json_object_get(p, "actions"), 0);
    const json_t *channel = json_object_get(p, "channel"), *m = json_object_get(p, "message");
    struct str id = jget_str(action, "action_ts"), kind = jget_str(p, "type");
    if (!id.n)
        id = jget_str(p, "action_ts");
    if (!id.n)
        id = jget_str(p, "trigger_id");
    json_t *who = person(p);
    if (!who || !id.n) {
        json_decref(who);
        return false;
    }
    json_t *tp = provider_touchpoint("slack", arena_strf(r->a, "action:%.*s", STR_ARG(id)),
                                     action ? "message" : "other");
    struct str words = action_text(action);
    json_object_set_new(tp, "text", jstr(words.n ? words : jget_str(p, "callback_id")));
    struct str in = jget_str(channel, "id"), ts = jget_str(m, "ts"),
               thread = jget_str(m, "thread_ts");
    provider_in_reply_to(tp, slack_message_id(r->a, in, ts));
    provider_put(tp, "at", provider_at(ts_ms(jget_str(action, "action_ts"))));
    provider_data(tp, "channel", jstr(in));
    if (thread.n || ts.n)
        provider_data(tp, "thread_ts", jstr(thread.n ? thread : ts));
    provider_data(tp, "interaction", jstr(kind));
    provider_data(tp, "actions", json_incref(json_object_get(p, "actions")));
    provider_data(tp, "state", json_incref(json_object_get(json_object_get(p, "view"), "state")));
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
    return true;
}

static struct str field(const struct pair *pairs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_is(pairs[i].name, name))
            return pairs[i].value;
    return STR_NONE;
}

static bool read_command(struct reading *r, const struct pair *pairs, size_t n) {
    struct str command = field(pairs, n, "command"), text = field(pairs, n, "text"),
               id = field(pairs, n, "trigger_id");
    json_t *who = provider_person("slack", field(pairs, n, "user_id"), STR_NONE,
                                  field(pairs, n, "user_name"));
    if (!who || !command.n) {
        json_decref(who);
        return false;
    }
    json_t *tp = provider_touchpoint(
        "slack", arena_strf(r->a, "command:%.*s", STR_ARG(id.n ? id : r->in->source_id)),
        "message");
    json_object_set_new(
        tp, "text",
        jstr(arena_strf(r->a, "%.*s%s%.*s", STR_ARG(command), text.n ? " " : "", STR_ARG(text))));
    provider_data(tp, "command", jstr(command));
    provider_data(tp, "channel", jstr(field(pairs, n, "channel_id")));
    provider_data(tp, "team", jstr(field(pairs, n, "team_id")));
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
    return true;
}

static bool read_form(struct reading *r) {
    struct pair pairs[FIELDS_MAX];
    cleanup(json_freep) json_t *payload = NULL;
    size_t n;
    if (!urlencoded_parse(r->a, r->in->body, pairs, FIELDS_MAX, &n, NULL))
        return false;
    struct str json = field(pairs, n, "payload");
    if (!json.n)
        return read_command(r, pairs, n) || field(pairs, n, "ssl_check").n;
    if (!provider_parse(json, &payload, NULL) || !json_is_object(payload))
        return false;
    return read_interaction(r, payload);
}

bool slack_read(const struct tl_read *in, const json_t *meta, const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *root = NULL;
    struct reading r = {.a = &a, .out = out, .in = in, .bot = jget_str(meta, "sender")};
    arena_init(&a);
    if (!str_starts(str_trim(in->body), str_c("{")))
        return read_form(&r);
    if (!provider_parse(in->body, &root, NULL))
        return false;
    r.event_id = jget_str(root, "event_id");
    r.team = jget_str(root, "team_id");
    r.app = jget_str(root, "api_app_id");
    r.at_ms = provider_ms(json_object_get(root, "event_time"));
    return read_event(&r, root);
}
