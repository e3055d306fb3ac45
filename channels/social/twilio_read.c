/* social/twilio_read.c - what Twilio tells: messages that came in, and what became of ours.
 *
 * Urlencoded; the Sid is the id. From is a number, "whatsapp:+49…" or "messenger:…"; there is no
 * time, so that of receipt counts. An SMS's sender is claimed only (numbers are easily forged),
 * WhatsApp's is vouched for. Pure.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "twilio.h"

enum { MEDIA_MAX = 20, DIGITS_MIN = 7 };

struct reading {
    struct arena *a;
    const struct tl_emit *out;
    struct pair pairs[TWILIO_FIELDS_MAX];
    size_t n;
};

static struct str field(const struct reading *r, const char *name) {
    for (size_t i = 0; i < r->n; i++)
        if (str_is(r->pairs[i].name, name))
            return r->pairs[i].value;
    return STR_NONE;
}

static struct str first_of(const struct reading *r, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct str s = field(r, names[i]);
        if (s.n)
            return s;
    }
    return STR_NONE;
}

static struct str sid_of(const struct reading *r) {
    static const char *const names[] = {"MessageSid", "SmsSid", "SmsMessageSid"};
    return first_of(r, names, COUNT(names));
}

static json_t *all_fields(const struct reading *r) {
    json_t *o = json_object();
    for (size_t i = 0; i < r->n; i++) {
        cleanup(arena_clear) struct arena a;
        arena_init(&a);
        json_object_set_new(o, arena_str(&a, r->pairs[i].name).p, jstr(r->pairs[i].value));
    }
    return o;
}

/* ---- what became of ours ---- */

static const char *state_of(struct str status) {
    static const struct {
        const char *theirs, *ours;
    } states[] = {{"accepted", "queued"}, {"scheduled", "queued"}, {"queued", "queued"},
                  {"sending", "queued"},  {"sent", "sent"},        {"delivered", "delivered"},
                  {"read", "read"},       {"failed", "failed"},    {"undelivered", "failed"},
                  {"canceled", "failed"}};
    for (size_t i = 0; i < COUNT(states); i++)
        if (str_is_nocase(status, states[i].theirs))
            return states[i].ours;
    return NULL;
}

static void read_status(struct reading *r, struct str sid, const char *state) {
    struct str code = field(r, "ErrorCode"), words = field(r, "ErrorMessage"), to = field(r, "To");
    json_t *delivery = json_pack("{s:s}", "state", state);
    provider_set(delivery, "code", code);
    if (!words.n)
        words = field(r, "ChannelStatusMessage");
    provider_set(delivery, "diagnostic", words);
    provider_set(delivery, "recipient", to);
    provider_update(r->out, sid, NULL, delivery);
}

/* ---- what came in ---- */

/* "whatsapp:+4930123456" in two; an SMS has no transport in front. */
static struct str transport_of(struct str *address) {
    if (str_find(*address, ':') <= 0)
        return str_c("sms");
    return str_cut(address, ':');
}

static bool is_number(struct str s) {
    if (s.n < DIGITS_MIN + 1 || s.p[0] != '+')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

/* A network's name: lower case, as it can be looked up. */
static const char *network_of(struct str transport) {
    static const char *const known[] = {"whatsapp", "messenger", "rcs", "viber", "line"};
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is_nocase(transport, known[i]))
            return known[i];
    return "sms";
}

static json_t *person(struct reading *r, struct str address, const char *network) {
    struct str name = field(r, "ProfileName");
    struct str user_id = field(r, "ExternalUserId");
    if (!address.n)
        return NULL;
    if (!is_number(address)) {
        json_t *p = provider_person(network, str_upto(address, 200), name, STR_NONE);
        if (strcmp(network, "sms") == 0)
            json_object_set_new(p, "verified", json_false()); /* a short code, a word */
        return p;
    }
    bool vouched = strcmp(network, "whatsapp") == 0;
    json_t *p = json_pack("{s:o, s:b, s:s}", "phone", jstr(address), "verified", vouched,
                          "evidence", "signature");
    provider_set(p, "name", name);
    if (vouched && user_id.n)
        json_object_set_new(p, "social",
                            json_pack("{s:s, s:o}", "network", "whatsapp", "id", jstr(user_id)));
    return p;
}

static struct str text_of(struct reading *r) {
    static const char *const names[] = {"Body", "ButtonText", "ListTitle"};
    struct str text = first_of(r, names, COUNT(names)), latitude = field(r, "Latitude"),
               longitude = field(r, "Longitude"), label = field(r, "Label"),
               address = field(r, "Address");
    if (text.n || !latitude.n)
        return text;
    return arena_strf(r->a, "%.*s%s%.*s%s%.*s, %.*s", STR_ARG(label), label.n ? "\n" : "",
                      STR_ARG(address), address.n ? "\n" : "", STR_ARG(latitude),
                      STR_ARG(longitude));
}

static void attach_media(struct reading *r, json_t *tp) {
    struct str count = field(r, "NumMedia");
    long n = count.n ? strtol(arena_str(r->a, count).p, NULL, 10) : 0;
    for (long i = 0; i < n && i < MEDIA_MAX; i++) {
        struct str url = field(r, arena_strf(r->a, "MediaUrl%ld", i).p),
                   type = field(r, arena_strf(r->a, "MediaContentType%ld", i).p);
        if (url.n)
            provider_attach(tp, arena_strf(r->a, "media%ld", i), type, url);
    }
}

static bool read_message(struct reading *r, struct str sid) {
    struct str from = field(r, "From"), address = from, transport = transport_of(&address);
    const char *network = network_of(transport);
    json_t *who = person(r, address, network);
    if (!who)
        return false;
    json_t *tp = provider_touchpoint("twilio", sid, "message");
    if (strcmp(network, "sms") == 0 || strcmp(network, "rcs") == 0)
        json_object_set_new(tp, "channel", json_string("sms"));
    json_object_set_new(tp, "message_id", jstr(sid));
    json_object_set_new(tp, "text", jstr(text_of(r)));
    provider_in_reply_to(tp, field(r, "OriginalRepliedMessageSid"));
    provider_data(tp, "transport", json_string(network));
    provider_data(tp, "from", jstr(from));
    provider_data(tp, "to", jstr(field(r, "To")));
    static const char *const more[] = {"ButtonPayload", "OptOutType", "MessagingServiceSid",
                                       "ReferralSourceUrl", "Forwarded"};
    for (size_t i = 0; i < COUNT(more); i++)
        if (field(r, more[i]).n)
            provider_data(tp, more[i], jstr(field(r, more[i])));
    attach_media(r, tp);
    provider_inbound(tp, who);
    provider_emit(r->out, tp);
    return true;
}

/* A delivery of JSON (event streams, conversations) is about the account. */
static bool read_json(struct reading *r, const struct tl_read *in) {
    cleanup(json_freep) json_t *root = NULL;
    if (!provider_parse(in->body, &root, NULL))
        return false;
    json_t *tp = provider_touchpoint(
        "twilio", arena_strf(r->a, "event:%.*s", STR_ARG(in->source_id)), "other");
    provider_data(tp, "event", json_incref(root));
    provider_notification(tp);
    provider_inbound(tp, provider_account(r->a, "twilio", "account", jget_str(root, "AccountSid")));
    provider_emit(r->out, tp);
    return true;
}

/* A NUL in a message says nothing; it is left out, where the reader of forms would show a gap. */
static struct str without_nul(struct arena *a, struct str body) {
    char *out = arena_new(a, body.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < body.n; i++) {
        if (str_starts(str_from(body, i), str_c("%00")))
            i += 2;
        else
            out[n++] = body.p[i];
    }
    return str_make(out, n);
}

bool twilio_read(const struct tl_read *in, const json_t *meta, const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    struct reading r = {.a = &a, .out = out};
    arena_init(&a);
    if (str_starts(jget_str(meta, "type"), str_c("application/json")))
        return read_json(&r, in);
    if (!urlencoded_parse(&a, without_nul(&a, in->body), r.pairs, TWILIO_FIELDS_MAX, &r.n, NULL))
        return false;
    struct str sid = sid_of(&r), status = field(&r, "MessageStatus");
    if (!status.n)
        status = field(&r, "SmsStatus");
    const char *state = state_of(status);
    if (sid.n && state) {
        read_status(&r, sid, state);
        return true;
    }
    if (sid.n && read_message(&r, sid))
        return true;
    cleanup(json_freep) json_t *fields = all_fields(&r);
    provider_bad(out, fields, sid.n ? "a message without a sender" : "a delivery without a Sid");
    return true;
}
