/* outbox/queue.c - a reply is asked for: who is answered and by which way, then into the spool.
 *
 *   conversation ─► its last inbound touchpoint ─┐
 *   contact ─► one of its identities ─► a way ───┴─► compose ─► RECORD_REPLY ─commit─► 202, first
 * attempt
 *
 * The record's head is the touchpoint as touchpoint_save writes it, with "_contact" and
 * "_conversation"; its body is the inbound touchpoint that it answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/loop.h"
#include "outbox/outbox_priv.h"
#include "store/read.h"

enum {
    BODY_MAX = 64 << 20,
    RESOURCE_MAX = 64 << 20,
    PAGE = 50,
    PAGES_MAX = 10, /* how far back an inbound touchpoint is looked for */
    WHY_MAX = 400,
};

struct replying {
    struct held held;
    answer_fn *done;
    void *arg;
    struct arena arena;
    struct outbox_reply asked; /* copies in the arena */
    json_t *body;
    json_t *answered;         /* stored touchpoint that is answered, or NULL */
    json_t *to;               /* person to be written to */
    struct identity identity; /* of a first message */
    struct str contact, conversation, subject, channel, source;
    struct str name, address; /* who sends */
    struct touchpoint *tp;
    struct answer refusal; /* told in the next turn */
    int pages;
};

static void replying_free(struct replying *r) {
    link_remove(&r->held.link);
    json_decref(r->body);
    json_decref(r->answered);
    json_decref(r->to);
    touchpoint_free(r->tp);
    arena_clear(&r->arena);
    free(r);
}

static void reply_end(struct replying *take_r, const struct answer *a) {
    if (take_r->held.o)
        take_r->done(take_r->arg, a);
    replying_free(take_r);
}

static void refuse(struct replying *take_r, const char *code, const char *pointer,
                   const char *detail) {
    reply_end(take_r,
              &(struct answer){
                  .kind = ANSWER_REFUSED, .code = code, .pointer = pointer, .detail = detail});
}

static void end_later(struct replying *take_r, const char *detail) {
    reply_end(take_r,
              &(struct answer){.kind = ANSWER_LATER, .code = "unavailable", .detail = detail});
}

/* ---- into the spool ---- */

static bool write_head(const struct replying *r, struct buf *out) {
    cleanup(buf_clear) struct buf saved;
    buf_init(&saved, RESOURCE_MAX);
    if (!touchpoint_save(r->tp, &saved) || saved.n < 2)
        return false;
    return buf_add(out, str_upto(buf_str(&saved), saved.n - 1)) &&
           buf_addf(out, ",\"_contact\":\"%.*s\",\"_conversation\":\"%.*s\"}", STR_ARG(r->contact),
                    STR_ARG(r->conversation));
}

static bool write_answer(const struct touchpoint *tp, struct str contact, struct str conversation,
                         struct buf *out) {
    return touchpoint_write(tp, contact, conversation, out);
}

static void end_ok(struct replying *take_r, const struct touchpoint *tp, bool repeated) {
    cleanup(buf_clear) struct buf json;
    buf_init(&json, RESOURCE_MAX);
    if (write_answer(tp, take_r->contact, take_r->conversation, &json))
        reply_end(take_r, &(struct answer){
                              .kind = ANSWER_OK, .json = buf_str(&json), .repeated = repeated});
    else
        end_later(take_r, "the reply is too large to be shown");
}

/* The same reply was kept before: what it was then is the answer. */
static void on_first(void *arg, struct record **records, size_t n, bool *keep) {
    struct replying *r = arg;
    cleanup(touchpoint_freep) struct touchpoint *first = NULL;
    *keep = false;
    if (r->held.o && n == 1 && touchpoint_load(records[0]->head, &first, NULL))
        end_ok(r, first, true);
    else
        end_ok(r, r->tp, true);
}

static void on_kept(void *arg, enum spool_verdict verdict, struct record *record, bool *keep,
                    struct str answer, const struct fault *fault) {
    struct replying *r = arg;
    struct outbox *o = r->held.o;
    (void)fault;
    *keep = false;
    if (!o) {
        replying_free(r);
        return;
    }
    switch (verdict) {
    case SPOOL_KEPT:
        spool_note_step(o->spool, record->id, record->received_ms, "queued", r->source);
        spool_note_alias(o->spool, message_id_bare(r->tp->message_id), record->id);
        end_ok(r, r->tp, false);
        outbox_pump(o);
        break;
    case SPOOL_KNOWN:
        spool_ask_record(o->spool, record->id, on_first, r);
        break;
    case SPOOL_REPEATED:
        reply_end(r, &(struct answer){.kind = ANSWER_OK, .json = answer, .repeated = true});
        break;
    case SPOOL_MISMATCH:
    case SPOOL_IDEM_MISMATCH:
        refuse(r, "idempotency-mismatch", NULL, "this key was used for another reply");
        break;
    case SPOOL_REFUSED:
        end_later(r, "nothing can be kept now");
        break;
    }
}

static struct record *record_of(struct replying *r) {
    struct record *record = record_new(RECORD_REPLY);
    struct id_text id = id_write('p', r->tp->id);
    cleanup(buf_clear) struct buf head, answered, answer;
    buf_init(&head, RESOURCE_MAX);
    buf_init(&answered, RESOURCE_MAX);
    buf_init(&answer, RESOURCE_MAX);
    record->id = record_keep(record, str_c(id.c));
    record->source = record_keep(record, r->tp->source);
    record->source_id = record_keep(record, r->tp->source_id);
    record->received_ms = r->tp->received_ms;
    memcpy(record->content, r->tp->content, sizeof record->content);
    bool ok = write_head(r, &head) && (!r->answered || jread_dump(&answered, r->answered));
    if (ok && r->asked.idem_key.n) {
        record->idem_key = record_keep(record, r->asked.idem_key);
        record->idem_hash = record_keep(record, r->asked.idem_hash);
        ok = write_answer(r->tp, r->contact, r->conversation, &answer);
        record->idem_answer = record_keep(record, buf_str(&answer));
    }
    if (!ok) {
        record_free(record);
        return NULL;
    }
    record->head = record_keep(record, buf_str(&head));
    if (r->answered)
        record->body = record_keep(record, buf_str(&answered));
    return record;
}

/* ---- the reply itself ---- */

/* What the channel would be given, judged before anything is kept. */
static bool channel_refuses(struct replying *r, char *out_why, size_t max) {
    struct outbox *o = r->held.o;
    cleanup(buf_clear) struct buf touchpoint, answered;
    struct id_text id = id_write('p', r->tp->id);
    buf_init(&touchpoint, RESOURCE_MAX);
    buf_init(&answered, RESOURCE_MAX);
    if (!o->sender.refuses || !touchpoint_write(r->tp, r->contact, r->conversation, &touchpoint) ||
        (r->answered && !jread_dump(&answered, r->answered)))
        return false;
    const struct tl_outbound what = {.size = sizeof what,
                                     .id = str_c(id.c),
                                     .source = r->source,
                                     .touchpoint = buf_str(&touchpoint),
                                     .reply_to = r->answered ? buf_str(&answered) : STR_NONE,
                                     .attempt = 1};
    return o->sender.refuses(o->sender.ctx, &what, out_why, max);
}

/* One key in one place is one reply. */
static struct str source_id_of(struct replying *r) {
    struct str about = r->asked.conversation.n ? r->conversation : r->contact;
    struct str text = arena_strf(&r->arena, "%.*s %.*s", STR_ARG(about), STR_ARG(r->asked.nonce));
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    sha256(text, digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_strf(&r->arena, "reply:%.32s", hex);
}

static void keep_reply(struct replying *r) {
    struct outbox *o = r->held.o;
    struct id conversation = {{0}};
    struct fault f;
    char why[WHY_MAX];
    bool begins = !r->asked.conversation.n;
    int64_t now = clock_wall_ms();
    if (!begins && !id_read(r->conversation, 'v', &conversation)) {
        end_later(r, "the conversation could not be read");
        return;
    }
    struct composing c = {.ids = o->ids,
                          .region = o->region,
                          .source = r->source,
                          .source_id = source_id_of(r),
                          .name = r->name.n ? r->name : r->asked.by_name,
                          .address = r->address,
                          .by = r->asked.by,
                          .subject = r->asked.subject,
                          .conversation_subject = r->subject,
                          .channel = r->channel,
                          .body = r->body,
                          .answered = r->answered,
                          .to = r->to,
                          .conversation = conversation,
                          .begins = begins,
                          .automatic = r->asked.automatic,
                          .now_ms = now};
    if (!compose(&c, &r->tp, &f)) {
        refuse(r, "invalid", f.place, f.reason);
        return;
    }
    if (begins) {
        struct id_text v = id_write('v', id_conversation(r->tp->id));
        r->conversation = arena_str(&r->arena, str_c(v.c));
    }
    if (channel_refuses(r, why, sizeof why)) {
        reply_end(
            r, &(struct answer){.kind = ANSWER_CONFLICT, .code = "reply-refused", .detail = why});
        return;
    }
    struct record *record = record_of(r);
    if (!record)
        refuse(r, "too-large", "/attachments", "the reply is too large");
    else if (!spool_push(o->spool, record, on_kept, r, &f))
        end_later(r, "nothing can be kept now");
}

/* The way of a source, and the person's address for it. */
static void go(struct replying *r, const json_t *person) {
    struct outbox *o = r->held.o;
    if (!o->sender.who(o->sender.ctx, r->source, &r->name, &r->address)) {
        refuse(r, "no-way-out", NULL, "nothing can be sent this way");
        return;
    }
    r->name = arena_str(&r->arena, r->name);
    r->address = arena_str(&r->arena, r->address);
    r->to = compose_recipient(person, r->address.n > 0);
    if (r->to)
        keep_reply(r);
    else
        refuse(r, "no-way-out", NULL,
               r->address.n ? "the person has no e-mail address here"
                            : "the person has no address of this platform here");
}

/* ---- an answer to a conversation ---- */

/* A conversation that we began and nobody has answered yet goes on with whom it was begun. */
static const json_t *pick_own(const json_t *items) {
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *tp = json_array_get(items, i);
        if (str_is(jget_str(tp, "direction"), "outbound") &&
            !str_is(jget_str(tp, "kind"), "note") && json_array_size(json_object_get(tp, "to")))
            return tp;
    }
    return NULL;
}

static void answer_to(struct replying *r, const json_t *tp, bool own) {
    r->answered = json_deep_copy(tp);
    r->source = arena_str(&r->arena, jget_str(tp, "source"));
    const json_t *person =
        own ? json_array_get(json_object_get(tp, "to"), 0) : json_object_get(tp, "from");
    go(r, person);
}

static void ask_conversation(struct replying *r, struct str cursor);

static void on_conversation(void *arg, const struct answer *a) {
    struct replying *r = arg;
    cleanup(json_freep) json_t *v = NULL;
    if (!r->held.o || a->kind != ANSWER_OK) {
        reply_end(r, a);
        return;
    }
    if (!jread_parse(a->json, RESOURCE_MAX, &v, NULL)) {
        end_later(r, "the conversation could not be read");
        return;
    }
    const json_t *page = json_object_get(v, "touchpoints"), *items = json_object_get(page, "items");
    struct str next = jget_str(page, "next");
    const json_t *inbound = compose_pick_answered(items);
    r->conversation = arena_str(&r->arena, jget_str(v, "id"));
    r->contact = arena_str(&r->arena, jget_str(v, "contact"));
    r->subject = arena_str(&r->arena, jget_str(v, "subject"));
    r->channel = arena_str(&r->arena, jget_str(v, "channel"));
    if (!inbound && !r->answered && pick_own(items))
        r->answered = json_deep_copy(pick_own(items));
    if (inbound) {
        json_decref(r->answered);
        answer_to(r, inbound, false);
    } else if (next.n && ++r->pages < PAGES_MAX) {
        ask_conversation(r, next);
    } else if (r->answered) {
        cleanup(json_freep) json_t *own = steal(&r->answered);
        answer_to(r, own, true);
    } else {
        refuse(r, "no-way-out", NULL, "there is nobody in this conversation to write to");
    }
}

static void ask_conversation(struct replying *r, struct str cursor) {
    store_get_conversation(r->held.o->store, r->asked.conversation, PAGE, cursor, on_conversation,
                           r);
}

/* ---- a first message ---- */

static bool has_identity(const json_t *contact, const struct identity *id) {
    const json_t *list = json_object_get(contact, "identities");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (str_eq(jget_str(one, "kind"), id->kind) && str_eq(jget_str(one, "value"), id->value))
            return true;
    }
    return false;
}

/* Where no touchpoint of the channel shows the way: mail has one sender for all, a platform is
 * called like its network. */
static struct str default_source(struct replying *r) {
    if (str_is(r->channel, "email"))
        return str_c("agent:email");
    bool number = str_is(r->identity.kind, "phone");
    return arena_strf(&r->arena, "social:%.*s",
                      STR_ARG(number ? str_c("whatsapp") : r->identity.kind));
}

static struct str source_used(const struct replying *r, const json_t *items) {
    struct outbox *o = r->held.o;
    struct str name, address;
    for (size_t i = 0; i < json_array_size(items); i++) {
        struct str source = jget_str(json_array_get(items, i), "source");
        if (o->sender.who(o->sender.ctx, source, &name, &address))
            return source;
    }
    return STR_NONE;
}

static void on_timeline(void *arg, const struct answer *a) {
    struct replying *r = arg;
    cleanup(json_freep) json_t *page = NULL, *person = NULL;
    if (!r->held.o || a->kind != ANSWER_OK) {
        reply_end(r, a);
        return;
    }
    if (!jread_parse(a->json, RESOURCE_MAX, &page, NULL)) {
        end_later(r, "the timeline could not be read");
        return;
    }
    struct str used = source_used(r, json_object_get(page, "items"));
    r->source = used.n ? arena_str(&r->arena, used) : default_source(r);
    person = compose_person(&r->identity, STR_NONE);
    go(r, person);
}

static void on_contact(void *arg, const struct answer *a) {
    struct replying *r = arg;
    cleanup(json_freep) json_t *contact = NULL;
    struct fault f;
    if (!r->held.o || a->kind != ANSWER_OK) {
        reply_end(r, a);
        return;
    }
    if (!jread_parse(a->json, RESOURCE_MAX, &contact, NULL)) {
        end_later(r, "the contact could not be read");
        return;
    }
    if (!identity_parse(&r->arena, r->asked.to, r->held.o->region, &r->identity, &f)) {
        refuse(r, "invalid", "/to", f.reason);
        return;
    }
    if (!has_identity(contact, &r->identity)) {
        refuse(r, "invalid", "/to", "is none of the contact's identities");
        return;
    }
    r->contact = arena_str(&r->arena, jget_str(contact, "id"));
    r->channel = r->asked.channel;
    if (str_is(r->channel, "email") != str_is(r->identity.kind, "email")) {
        refuse(r, "invalid", "/to", "is no address of this channel");
        return;
    }
    struct timeline_query q = {.limit = PAGE, .channel = r->channel};
    store_get_timeline(r->held.o->store, r->contact, &q, on_timeline, r);
}

/* ---- the way in ---- */

static void tell_refusal(void *arg) {
    struct replying *r = arg;
    reply_end(r, &r->refusal);
}

static void refuse_later(struct replying *r, enum answer_kind kind, const char *code,
                         const char *pointer, const char *detail) {
    r->refusal = (struct answer){.kind = kind,
                                 .code = code,
                                 .pointer = arena_str(&r->arena, str_c(pointer)).p,
                                 .detail = arena_str(&r->arena, str_c(detail)).p};
    loop_later(r->held.o->loop, tell_refusal, r);
}

static struct replying *replying_new(struct outbox *o, const struct outbox_reply *asked,
                                     answer_fn *done, void *arg) {
    struct replying *r = NEW(struct replying);
    hold(o, &r->held);
    r->done = done;
    r->arg = arg;
    arena_init(&r->arena);
    r->asked = *asked;
    struct str *views[] = {&r->asked.conversation, &r->asked.contact,  &r->asked.channel,
                           &r->asked.to,           &r->asked.subject,  &r->asked.by,
                           &r->asked.by_name,      &r->asked.idem_key, &r->asked.idem_hash,
                           &r->asked.nonce};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&r->arena, *views[i]);
    r->asked.body = STR_NONE;
    return r;
}

void outbox_reply(struct outbox *o, const struct outbox_reply *asked, answer_fn *done, void *arg) {
    struct replying *r = replying_new(o, asked, done, arg);
    struct fault f;
    if (o->drained)
        refuse_later(r, ANSWER_LATER, "draining", NULL, "this daemon is stopping");
    else if (!jread_parse(asked->body, BODY_MAX, &r->body, &f))
        refuse_later(r, ANSWER_REFUSED, "invalid", "", f.reason);
    else if (!json_is_object(r->body))
        refuse_later(r, ANSWER_REFUSED, "invalid", "", "must be an object");
    else if (asked->conversation.n)
        ask_conversation(r, STR_NONE);
    else if (!asked->channel.n)
        refuse_later(r, ANSWER_REFUSED, "invalid", "/channel", "is required");
    else if (!asked->to.n)
        refuse_later(r, ANSWER_REFUSED, "invalid", "/to", "is required");
    else
        store_get_contact(o->store, r->asked.contact, on_contact, r);
}
