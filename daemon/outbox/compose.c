/* outbox/compose.c - the outbound touchpoint: what the agent wrote, to whom, in which thread. Pure.
 *
 * A reply goes to the identity of the touchpoint that it answers, never to another one of the
 * contact. The Message-ID is derived, so the same reply has the same one however often it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/jread.h>

#include "outbox/outbox_priv.h"

enum { REFERENCES_MAX = 50, FAULTS_MAX = 4, ATTACHMENTS_BYTES = 20 << 20 };

/* Mail that no person wrote is not answered. */
static bool is_machine(const json_t *tp) {
    static const char *const autos[] = {"bounce", "feedback", "receipt", "notification"};
    struct str kind = jget_str(tp, "auto");
    for (size_t i = 0; i < COUNT(autos); i++)
        if (str_is(kind, autos[i]))
            return true;
    return str_is(jget_str(tp, "kind"), "note");
}

static bool is_addressed(const json_t *person) {
    return jget_str(person, "email").n || jget_str(person, "phone").n ||
           json_is_object(json_object_get(person, "social"));
}

const json_t *compose_pick_answered(const json_t *items) {
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *tp = json_array_get(items, i);
        if (str_is(jget_str(tp, "direction"), "inbound") && !is_machine(tp) &&
            is_addressed(json_object_get(tp, "from")))
            return tp;
    }
    return NULL;
}

static void copy_member(json_t *to, const json_t *from, const char *key) {
    json_t *v = json_object_get(from, key);
    if (v && !json_is_null(v))
        json_object_set(to, key, v);
}

json_t *compose_recipient(const json_t *person, bool mail) {
    json_t *out = json_object();
    copy_member(out, person, "name");
    copy_member(out, person, "email");
    if (mail && !json_object_get(out, "email")) {
        json_decref(out);
        return NULL;
    }
    if (!mail) {
        json_object_del(out, "email");
        copy_member(out, person, "phone");
        copy_member(out, person, "social");
        if (json_object_size(out) == (json_object_get(out, "name") ? 1 : 0)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *compose_person(const struct identity *identity, struct str name) {
    json_t *out = json_object();
    if (name.n)
        json_object_set_new(out, "name", jstr(name));
    if (str_is(identity->kind, "email"))
        json_object_set_new(out, "email", jstr(identity->value));
    else if (str_is(identity->kind, "phone"))
        json_object_set_new(out, "phone", jstr(identity->value));
    else
        json_object_set_new(
            out, "social",
            json_pack("{s:o,s:o}", "network", jstr(identity->kind), "id", jstr(identity->value)));
    return out;
}

/* ---- subject and thread ---- */

static bool begins_with_re(struct str s) {
    return s.n >= 3 && str_eq_nocase(str_upto(s, 3), str_c("re:"));
}

/* One "Re:", however many there were (RFC 5322 3.6.5). */
static json_t *reply_subject(struct arena *a, struct str s) {
    s = str_trim(s);
    while (begins_with_re(s))
        s = str_trim(str_from(s, 3));
    return s.n ? jstr(arena_strf(a, "Re: %.*s", STR_ARG(s))) : json_null();
}

static json_t *subject_of(const struct composing *c, struct arena *a, bool mail) {
    struct str asked = c->subject.p ? c->subject : jget_str(c->body, "subject");
    if (asked.n)
        return jstr(asked);
    if (!mail || c->begins)
        return json_null();
    struct str answered = jget_str(c->answered, "subject");
    return reply_subject(a, answered.n ? answered : c->conversation_subject);
}

static struct str domain_of(struct str address) {
    const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL;
    return at ? str_from(address, (size_t)(at - address.p) + 1) : STR_NONE;
}

static void put_thread(json_t *out, const json_t *answered) {
    json_t *references = json_array(), *in_reply_to = json_array(), *v;
    struct str own = jget_str(answered, "message_id");
    const json_t *before = json_object_get(answered, "references");
    size_t n = json_array_size(before), i = n > REFERENCES_MAX ? n - REFERENCES_MAX : 0;
    for (; i < n; i++) {
        v = json_array_get(before, i);
        if (json_string_length(v))
            json_array_append(references, v);
    }
    if (own.n) {
        json_array_append_new(references, jstr(own));
        json_array_append_new(in_reply_to, jstr(own));
    }
    json_object_set_new(out, "references", references);
    json_object_set_new(out, "in_reply_to", in_reply_to);
    copy_member(out, answered, "thread");
    copy_member(out, answered, "language");
}

/* ---- the whole ---- */

static bool check_body(const json_t *body, struct fault *f) {
    struct str text, html;
    size_t bytes = 0, i;
    json_t *v;
    if (!jread_str(body, "text", "", &text, f) || !jread_str(body, "html", "", &html, f))
        return false;
    json_t *attachments = json_object_get(body, "attachments");
    if (!str_trim(text).n && !str_trim(html).n && !json_array_size(attachments))
        return fault_set(f, FAULT_INPUT, "/text", "must not be empty");
    json_array_foreach(attachments, i, v) {
        bytes += jget_str(v, "data").n / 4 * 3;
    }
    if (bytes > ATTACHMENTS_BYTES)
        return fault_set(f, FAULT_INPUT, "/attachments", "more than %d MiB in all",
                         ATTACHMENTS_BYTES >> 20);
    return true;
}

/* As a push would be, so that it is judged as strictly. */
static json_t *object_of(const struct composing *c, struct arena *a, struct id touchpoint) {
    bool mail = c->address.n > 0;
    json_t *out = json_object(), *from = json_object(), *to = json_array();
    json_object_set_new(out, "channel", jstr(c->channel));
    json_object_set_new(out, "kind", json_string("message"));
    json_object_set_new(out, "direction", json_string("outbound"));
    json_object_set_new(from, "name", jstr(c->name));
    if (mail)
        json_object_set_new(from, "email", jstr(c->address));
    json_object_set_new(out, "from", from);
    json_array_append(to, (json_t *)c->to);
    json_object_set_new(out, "to", to);
    json_object_set_new(out, "subject", subject_of(c, a, mail));
    copy_member(out, c->body, "text");
    copy_member(out, c->body, "html");
    copy_member(out, c->body, "attachments");
    put_thread(out, c->answered);
    if (mail) {
        struct id v = c->begins ? id_conversation(touchpoint) : c->conversation;
        struct str token = id_token(c->ids, a, v, touchpoint), domain = domain_of(c->address);
        json_object_set_new(out, "message_id",
                            jstr(arena_strf(a, "<%.*s@%.*s>", STR_ARG(token), STR_ARG(domain))));
    }
    return out;
}

bool compose(const struct composing *c, struct touchpoint **out, struct fault *f) {
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *object = NULL;
    struct touchpoint_origin origin = {.source = c->source,
                                       .source_id = c->source_id,
                                       .received_ms = c->now_ms,
                                       .region = c->region,
                                       .push = true};
    struct fault_list faults;
    struct touchpoint *tp;
    arena_init(&a);
    if (!check_body(c->body, f))
        return false;
    object = object_of(c, &a, id_touchpoint(c->ids, c->source, c->source_id));
    fault_list_init(&faults, FAULTS_MAX);
    bool ok = touchpoint_read(c->ids, object, &origin, &tp, &faults);
    if (!ok)
        *f = faults.items[0];
    fault_list_clear(&faults);
    if (!ok)
        return false;
    json_object_set_new(tp->json, "agent", jstr(c->by));
    if (c->automatic) {
        tp->auto_kind = str_c("auto-reply");
        json_object_set_new(tp->json, "auto", json_string("auto-reply"));
    }
    tp->delivery = json_pack("{s:s}", "state", "queued");
    tp->delivery_state = str_c("queued");
    *out = tp;
    return true;
}
