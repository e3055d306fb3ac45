/* social/whatsapp_read.c - what WhatsApp tells: messages and statuses, edits and revocations,
 * calls, what the business wrote on its own phone, what happens to the account.
 *
 * Source: Meta's Cloud API webhook reference (object, entry[], changes[], field, value). One
 * delivery holds many; the sender is phone:+<wa_id>, and whatsapp:<user_id> where a business-scoped
 * id is given (with a username the number may be missing). Pure.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "whatsapp.h"

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    const json_t *value; /* of the change */
    struct str account;  /* entry.id */
};

/* ---- people ---- */

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

/* A number, a business-scoped id, or both. NULL where there is neither. */
static json_t *person(struct reading *r, struct str wa_id, struct str user_id) {
    const json_t *profile = profile_of(r->value, wa_id, user_id);
    if (!user_id.n)
        user_id = jget_str(profile, "user_id");
    if (!wa_id.n)
        wa_id = jget_str(profile, "wa_id");
    if (!wa_id.n && !user_id.n)
        return NULL;
    const json_t *shown = json_object_get(profile, "profile");
    json_t *p = json_pack("{s:b, s:s}", "verified", 1, "evidence", "signature");
    provider_set(p, "name", jget_str(shown, "name"));
    if (wa_id.n)
        json_object_set_new(
            p, "phone",
            jstr(arena_strf(r->a, wa_id.p[0] == '+' ? "%.*s" : "+%.*s", STR_ARG(wa_id))));
    if (user_id.n) {
        json_t *social = json_pack("{s:s, s:o}", "network", "whatsapp", "id", jstr(user_id));
        provider_set(social, "handle", jget_str(shown, "username"));
        json_object_set_new(p, "social", social);
    }
    return p;
}

static json_t *sender(struct reading *r, const json_t *m) {
    struct str user_id = jget_str(m, "from_user_id");
    return person(r, provider_id(r->a, m, "from"), user_id.n ? user_id : jget_str(m, "user_id"));
}

/* Of what the business itself wrote. */
static json_t *recipient(struct reading *r, const json_t *m) {
    return person(r, provider_id(r->a, m, "to"), jget_str(m, "to_user_id"));
}

/* ---- messages ---- */

static const char *kind_of(struct str type) {
    static const char *const others[] = {"unsupported",     "system",    "unknown",
                                         "request_welcome", "ephemeral", "errors"};
    for (size_t i = 0; i < COUNT(others); i++)
        if (str_is(type, others[i]))
            return "other";
    return str_is(type, "reaction") ? "reaction" : "message";
}

static void attach_media(json_t *tp, const json_t *m, struct str type) {
    const json_t *part = json_object_getn(m, type.p, type.n);
    struct str id = jget_str(part, "id"), name = jget_str(part, "filename");
    if (id.n && json_object_get(part, "mime_type"))
        provider_attach(tp, name.n ? name : type, jget_str(part, "mime_type"), id);
}

/* What a message is, whoever wrote it; ids and people are set by the caller. */
static void describe(struct reading *r, json_t *tp, const json_t *m, struct str type) {
    const json_t *context = json_object_get(m, "context");
    struct str number = provider_id(r->a, json_object_get(r->value, "metadata"), "phone_number_id");
    provider_in_reply_to(tp, str_is(type, "reaction")
                                 ? jget_str(json_object_get(m, "reaction"), "message_id")
                                 : jget_str(context, "id"));
    json_object_set_new(tp, "text", jstr(whatsapp_text(r->a, m, type)));
    provider_put(tp, "at", provider_time(json_object_get(m, "timestamp")));
    provider_data(tp, "type", jstr(type));
    provider_data(tp, "phone_number_id", jstr(number));
    struct str group = provider_id(r->a, m, "group_id");
    if (group.n)
        json_object_set_new(tp, "thread", jstr(arena_strf(r->a, "group:%.*s", STR_ARG(group))));
    if (!str_is(type, "text") || json_object_get(m, "referral") || json_object_get(m, "errors"))
        provider_data(tp, "message", json_incref((json_t *)m));
    if (str_is(type, "system"))
        provider_notification(tp);
    attach_media(tp, m, type);
}

/* An edit or a revocation is a later state of the first message, a reaction one of its own place:
 * who, on what. */
static json_t *begin(struct reading *r, const json_t *m, struct str id, struct str type) {
    const json_t *part = json_object_getn(m, type.p, type.n);
    int64_t at = provider_ms(json_object_get(m, "timestamp"));
    struct str original = jget_str(part, "original_message_id"),
               target = jget_str(part, "message_id");
    bool edit = str_is(type, "edit"), revoke = str_is(type, "revoke");
    if ((edit || revoke) && original.n) {
        const json_t *now = json_object_get(part, "message");
        json_t *tp = provider_touchpoint("whatsapp", original, "message");
        json_object_set_new(tp, "message_id", jstr(original));
        describe(r, tp, edit && now ? now : m, edit && now ? jget_str(now, "type") : type);
        provider_put(tp, "at", provider_at(at));
        provider_revise(tp, at, revoke);
        return tp;
    }
    if (str_is(type, "reaction") && target.n) {
        struct str who = provider_id(r->a, m, "from");
        struct str place = arena_strf(r->a, "reaction:%.*s:%.*s", STR_ARG(target),
                                      STR_ARG(who.n ? who : jget_str(m, "from_user_id")));
        json_t *tp = provider_touchpoint("whatsapp", place, "reaction");
        describe(r, tp, m, type);
        provider_revise(tp, at, !jget_str(part, "emoji").n);
        return tp;
    }
    /* Media has an id of its own, good enough where a gateway has lost the message's. */
    struct str media = json_object_get(part, "mime_type") ? jget_str(part, "id") : STR_NONE;
    if (!id.n && media.n)
        id = arena_strf(r->a, "media:%.*s", STR_ARG(media));
    if (!id.n)
        return NULL;
    json_t *tp = provider_touchpoint("whatsapp", id, kind_of(type));
    json_object_set_new(tp, "message_id", jstr(id));
    describe(r, tp, m, type);
    return tp;
}

static void read_message(struct reading *r, const json_t *m, bool ours) {
    struct str id = jget_str(m, "id"), type = jget_str(m, "type");
    json_t *who = ours ? recipient(r, m) : sender(r, m);
    json_t *tp = who && type.n ? begin(r, m, id, type) : NULL;
    if (!tp) {
        json_decref(who);
        provider_bad(r->out, m,
                     who ? "a message without id or type" : "a message without a sender");
        return;
    }
    if (ours)
        provider_echo(tp, who);
    else
        provider_inbound(tp, who);
    provider_emit(r->out, tp);
}

/* What was written before the number was connected: nobody is to answer it now. */
static void read_history(struct reading *r, const json_t *history) {
    const json_t *chunk, *thread, *m;
    size_t i, k, n;
    struct str own =
        provider_id(r->a, json_object_get(r->value, "metadata"), "display_phone_number");
    json_array_foreach(history, i, chunk) {
        json_array_foreach(json_object_get(chunk, "threads"), k, thread) {
            json_array_foreach(json_object_get(thread, "messages"), n, m) {
                bool ours = own.n && str_eq(provider_id(r->a, m, "from"), own);
                struct str type = jget_str(m, "type");
                json_t *who =
                    ours ? person(r, provider_id(r->a, thread, "id"), STR_NONE) : sender(r, m);
                json_t *tp = who && type.n ? begin(r, m, jget_str(m, "id"), type) : NULL;
                if (!tp) {
                    json_decref(who);
                    provider_bad(r->out, m, "a message of the history without id or sender");
                    continue;
                }
                provider_notification(tp);
                if (ours)
                    provider_echo(tp, who);
                else
                    provider_inbound(tp, who);
                provider_emit(r->out, tp);
            }
        }
    }
}

/* ---- statuses ---- */

static const char *state_of(struct str status) {
    static const struct {
        const char *theirs, *ours;
    } states[] = {{"accepted", "sent"},     {"sent", "sent"},   {"delivered", "delivered"},
                  {"read", "read"},         {"played", "read"}, {"failed", "failed"},
                  {"undelivered", "failed"}};
    for (size_t i = 0; i < COUNT(states); i++)
        if (str_is_nocase(status, states[i].theirs))
            return states[i].ours;
    return NULL;
}

static json_t *error_of(struct reading *r, const json_t *errors, json_t *take_delivery) {
    const json_t *error = json_array_get(errors, 0);
    struct str details = jget_str(json_object_get(error, "error_data"), "details"),
               title = jget_str(error, "title");
    if (error) {
        json_object_set_new(take_delivery, "code", jstr(provider_id(r->a, error, "code")));
        json_object_set_new(take_delivery, "diagnostic", jstr(details.n ? details : title));
    }
    return take_delivery;
}

static void read_call_status(struct reading *r, const json_t *s);

static void read_status(struct reading *r, const json_t *s) {
    struct str id = jget_str(s, "id"), recipient_id = provider_id(r->a, s, "recipient_id");
    const char *state = state_of(jget_str(s, "status"));
    if (str_is(jget_str(s, "type"), "call")) {
        read_call_status(r, s);
        return;
    }
    if (!id.n || !state) {
        /* Deleted, pending and the like change nothing that is shown. */
        if (!id.n || !jget_str(s, "status").n)
            provider_bad(r->out, s, "a status without id or state");
        return;
    }
    json_t *delivery =
        error_of(r, json_object_get(s, "errors"), json_pack("{s:s}", "state", state));
    bool group = str_is(jget_str(s, "recipient_type"), "group");
    if (recipient_id.n)
        json_object_set_new(
            delivery, "recipient",
            jstr(arena_strf(r->a, group ? "%.*s" : "+%.*s", STR_ARG(recipient_id))));
    provider_update(r->out, id, provider_time(json_object_get(s, "timestamp")), delivery);
}

/* ---- calls ---- */

/* A call has an entry of its own; later events of it are later states. */
static void emit_call(struct reading *r, const json_t *c, json_t *take_who, bool ours,
                      const char *disposition, int64_t rank) {
    struct str id = jget_str(c, "id");
    bool missed = !ours && disposition && strcmp(disposition, "answered") != 0;
    json_t *tp = provider_touchpoint("whatsapp", arena_strf(r->a, "call:%.*s", STR_ARG(id)),
                                     missed ? "missed_call" : "call");
    json_t *call = json_pack("{s:o}", "call_id", jstr(id));
    if (disposition)
        json_object_set_new(call, "disposition", json_string(disposition));
    provider_put(call, "start", provider_time(json_object_get(c, "start_time")));
    provider_put(call, "end", provider_time(json_object_get(c, "end_time")));
    if (json_is_integer(json_object_get(c, "duration")))
        json_object_set(call, "talk_s", json_object_get(c, "duration"));
    json_object_set_new(tp, "call", call);
    provider_put(tp, "at", provider_time(json_object_get(c, "timestamp")));
    provider_data(tp, "event", jstr(jget_str(c, "event")));
    if (rank)
        provider_revise(tp, rank, false);
    if (!missed)
        provider_notification(tp);
    if (ours) {
        json_object_set_new(tp, "direction", json_string("outbound"));
        json_object_set_new(tp, "to", json_pack("[o]", take_who));
    } else {
        provider_inbound(tp, take_who);
    }
    provider_emit(r->out, tp);
}

static void read_call(struct reading *r, const json_t *c) {
    bool ours = str_is(jget_str(c, "direction"), "BUSINESS_INITIATED");
    json_t *who = ours ? recipient(r, c) : sender(r, c);
    if (!who || !jget_str(c, "id").n) {
        json_decref(who);
        provider_bad(r->out, c, "a call without id or caller");
        return;
    }
    bool over = str_is(jget_str(c, "event"), "terminate");
    bool answered = jget_int(c, "duration", 0) > 0;
    const char *disposition = !over      ? NULL
                              : answered ? "answered"
                              : ours     ? "no-answer"
                                         : "abandoned";
    emit_call(r, c, who, ours, disposition, over ? 3 : 0);
}

/* How a call of ours was taken: ringing, accepted, rejected. */
static void read_call_status(struct reading *r, const json_t *s) {
    struct str status = jget_str(s, "status");
    json_t *who = person(r, provider_id(r->a, s, "recipient_id"), jget_str(s, "recipient_user_id"));
    if (!who || !jget_str(s, "id").n || !status.n) {
        json_decref(who);
        provider_bad(r->out, s, "a call's status without id, state or recipient");
        return;
    }
    const char *disposition = str_is_nocase(status, "accepted")   ? "answered"
                              : str_is_nocase(status, "rejected") ? "rejected"
                                                                  : NULL;
    emit_call(r, s, who, true, disposition, disposition ? 2 : 1);
}

/* ---- the account ---- */

/* One entry of a list that names a person: preferences, a new user id. */
static void read_preference(struct reading *r, const json_t *p, struct str field) {
    const json_t *ids = json_object_get(p, "user_id");
    struct str user_id = json_is_object(ids) ? jget_str(ids, "current") : jget_str(p, "user_id");
    json_t *who = person(r, provider_id(r->a, p, "wa_id"), user_id);
    struct str at = provider_id(r->a, p, "timestamp");
    if (!who) {
        provider_bad(r->out, p, "an event of a person without a number or id");
        return;
    }
    struct str wa_id = provider_id(r->a, p, "wa_id");
    json_t *tp = provider_touchpoint("whatsapp",
                                     arena_strf(r->a, "%.*s:%.*s:%.*s:%.*s", STR_ARG(field),
                                                STR_ARG(wa_id.n ? wa_id : user_id), STR_ARG(at),
                                                STR_ARG(jget_str(p, "value"))),
                                     "other");
    json_object_set_new(tp, "text", jstr(jget_str(p, "detail")));
    provider_put(tp, "at", provider_time(json_object_get(p, "timestamp")));
    provider_data(tp, "event", jstr(field));
    provider_data(tp, "value", json_incref((json_t *)p));
    provider_notification(tp);
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
}

/* What concerns nobody but the account: templates, limits, errors, alerts. */
static void read_account(struct reading *r, const json_t *change, struct str field,
                         const struct tl_read *in, size_t at) {
    json_t *tp = provider_touchpoint(
        "whatsapp", arena_strf(r->a, "%.*s/%zu", STR_ARG(in->source_id), at), "other");
    struct str event = jget_str(r->value, "event");
    const json_t *error = json_array_get(json_object_get(r->value, "errors"), 0);
    json_object_set_new(tp, "text", jstr(error ? jget_str(error, "title") : event));
    provider_data(tp, "event", jstr(field.n ? field : str_c("unknown")));
    provider_data(tp, "change", json_incref((json_t *)change));
    provider_notification(tp);
    provider_inbound(tp, provider_account(r->a, "whatsapp", "account", r->account));
    provider_emit(r->out, tp);
}

/* ---- the delivery ---- */

static bool read_lists(struct reading *r, struct str field) {
    static const char *const names[] = {"messages",         "message_echoes", "statuses", "calls",
                                        "user_preferences", "user_id_update", "history"};
    bool any = false;
    for (size_t k = 0; k < COUNT(names); k++) {
        const json_t *list = json_object_get(r->value, names[k]), *one;
        size_t i;
        if (!json_is_array(list))
            continue;
        any = true;
        if (k == 6)
            read_history(r, list);
        else
            json_array_foreach(list, i, one) {
                if (k <= 1)
                    read_message(r, one, k == 1);
                else if (k == 2)
                    read_status(r, one);
                else if (k == 3)
                    read_call(r, one);
                else
                    read_preference(r, one, field);
            }
    }
    return any;
}

static void read_change(struct arena *a, const json_t *entry, const json_t *change,
                        const struct tl_read *in, const struct tl_emit *out, size_t at) {
    struct reading r = {.a = a,
                        .out = out,
                        .value = json_object_get(change, "value"),
                        .account = provider_id(a, entry, "id")};
    struct str field = jget_str(change, "field");
    if (!json_is_object(r.value)) {
        provider_bad(out, change, "a change without a value");
        return;
    }
    if (read_lists(&r, field))
        return;
    bool messages = str_is(field, "messages") || !field.n;
    if (messages && !json_object_get(r.value, "errors"))
        provider_bad(out, change, "a change without messages or statuses");
    else
        read_account(&r, change, field, in, at);
}

bool whatsapp_read(const json_t *root, const struct tl_read *in, const json_t *meta,
                   const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const json_t *entries = json_object_get(root, "entry"), *entry, *change;
    size_t i, k, n = 0;
    (void)meta;
    arena_init(&a);
    if (!json_is_array(entries))
        return false;
    json_array_foreach(entries, i, entry) {
        const json_t *changes = json_object_get(entry, "changes");
        if (!json_is_array(changes))
            provider_bad(out, entry, "an entry without changes");
        json_array_foreach(changes, k, change) read_change(&a, entry, change, in, out, n++);
    }
    return true;
}
