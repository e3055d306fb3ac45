/* store/json.c - contact, conversation and touchpoint as the contract shows them: the one writer.
 */
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "store/body.h"
#include "store/contact_priv.h"
#include "store/episode.h"
#include "touchpoint/touchpoint.h"

enum { PROFILE_MAX = 256 << 10, ENTRY_MAX = BODY_TEXT_MAX + (64 << 10) };

/* ---- answers ---- */

void answer_kind(answer_fn *done, void *arg, enum answer_kind kind) {
    const struct answer a = {.kind = kind};
    done(arg, &a);
}

void answer_fault(answer_fn *done, void *arg, const struct fault *fault) {
    const struct answer a = {.kind = ANSWER_LATER, .detail = fault ? fault->reason : NULL};
    done(arg, &a);
}

/* ---- contact ---- */

static void write_identities(struct jwrite *w, struct profiles *p) {
    static const char *const bases[] = {"claimed", "verified", "confirmed"};
    size_t n;
    const struct contact_identity *all = profiles_identities(p, &n);
    jwrite_open(w, "identities", '[');
    for (size_t i = 0; i < n; i++) {
        jwrite_open(w, NULL, '{');
        jwrite_str(w, "kind", all[i].kind);
        jwrite_str(w, "value", all[i].value);
        jwrite_c(w, "status", all[i].verified ? "verified" : "claimed");
        jwrite_str(w, "evidence", all[i].evidence);
        jwrite_time(w, "since", all[i].since_ms);
        jwrite_c(w, "link", bases[all[i].link <= LINK_CONFIRMED ? all[i].link : 0]);
        if (all[i].display.n)
            jwrite_str(w, "display", all[i].display);
        if (all[i].trouble.n)
            jwrite_raw(w, "undeliverable", all[i].trouble);
        jwrite_close(w, '}');
    }
    jwrite_close(w, ']');
}

/* A member as it was patched, or what stands for none. */
static void write_patched(struct jwrite *w, const json_t *patched, const char *key,
                          const char *none) {
    cleanup(buf_clear) struct buf text;
    const json_t *v = json_object_get(patched, key);
    buf_init(&text, PROFILE_MAX);
    bool there = v && jread_dump(&text, v);
    jwrite_raw(w, key, there ? buf_str(&text) : str_c(none));
}

/* name, language: what an agent wrote stands above what touchpoints told. */
static void write_told(struct jwrite *w, const json_t *patched, const char *key, struct str told) {
    if (json_object_get(patched, key))
        write_patched(w, patched, key, "null");
    else
        jwrite_str(w, key, told);
}

static void write_counters(struct jwrite *w, const struct profiles *p) {
    int64_t channels[CHANNELS_N] = {0}, all = 0, first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < p->parts_n; i++) {
        const struct part_profile *part = &p->parts[i];
        if (!part->touchpoints)
            continue;
        all += part->touchpoints;
        first = part->first_ms < first ? part->first_ms : first;
        last = part->last_ms > last ? part->last_ms : last;
        for (size_t c = 0; c < CHANNELS_N; c++)
            channels[c] += part->channels[c];
    }
    jwrite_open(w, "counters", '{');
    jwrite_int(w, "touchpoints", all);
    jwrite_open(w, "channels", '{');
    for (size_t c = 0; c < CHANNELS_N; c++)
        if (channels[c])
            jwrite_int(w, contact_channels[c], channels[c]);
    jwrite_close(w, '}');
    jwrite_time(w, "first_at", all ? first : -1);
    jwrite_time(w, "last_at", all ? last : -1);
    jwrite_close(w, '}');
}

static void write_conversations(struct jwrite *w, const struct profiles *p) {
    jwrite_open(w, "conversations", '[');
    for (size_t i = 0; i < p->parts_n; i++) {
        struct str open = p->parts[i].open;
        struct id id;
        for (size_t at = open.n / ID_BYTES; at > 0; at--) /* the newest stands at the end */
            if (id_from(str_from(open, (at - 1) * ID_BYTES), &id))
                jwrite_c(w, NULL, id_write('v', id).c);
    }
    jwrite_close(w, ']');
}

static void write_last_episode(struct jwrite *w, struct profiles *p) {
    struct episodes all;
    struct episode last;
    profiles_episodes(p, &all);
    episode_json(w, episode_last(&all, all.window_ms, &last) ? &last : NULL);
}

bool contact_json(struct profiles *p, struct buf *out, int64_t *out_rev) {
    cleanup(json_freep) json_t *patched = NULL;
    const struct part_profile *first = &p->parts[0];
    struct str name = {0}, language = {0};
    struct jwrite w;
    if (first->profile.n && !jread_parse(first->profile, PROFILE_MAX, &patched, NULL))
        patched = NULL;
    for (size_t i = 0; i < p->parts_n; i++) {
        name = name.n ? name : p->parts[i].name;
        language = language.n ? language : p->parts[i].language;
    }
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "id", id_write('c', first->id).c);
    jwrite_int(&w, "rev", first->rev);
    write_told(&w, patched, "name", name);
    write_told(&w, patched, "language", language);
    write_identities(&w, p);
    write_patched(&w, patched, "tags", "[]");
    write_patched(&w, patched, "attributes", "{}");
    write_patched(&w, patched, "consent", "{}");
    write_patched(&w, patched, "no_contact", "false");
    write_patched(&w, patched, "key_account", "null");
    write_counters(&w, p);
    write_conversations(&w, p);
    write_last_episode(&w, p);
    jwrite_int(&w, "parts", (int64_t)p->parts_n);
    jwrite_int(&w, "suggestions", (int64_t)first->suggestions_n);
    jwrite_close(&w, '}');
    *out_rev = first->rev;
    return w.ok;
}

/* ---- conversation ---- */

static void write_done(struct jwrite *w, const struct conversation *v) {
    size_t at = 0;
    struct id task;
    struct str json;
    jwrite_open(w, "tasks", '[');
    while (conversation_done(v, &at, &task, &json))
        jwrite_raw(w, NULL, json);
    jwrite_close(w, ']');
}

bool conversation_json(const struct conversation *v, struct id contact, const struct episodes *e,
                       struct buf *out) {
    static const char *const states[] = {"open", "pending", "resolved"};
    struct episode ep;
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "id", id_write('v', v->id).c);
    jwrite_int(&w, "rev", v->rev);
    jwrite_c(&w, "contact", id_write('c', contact).c);
    jwrite_str(&w, "channel", v->channel);
    jwrite_str(&w, "source", v->source);
    jwrite_str(&w, "subject", v->subject.n ? v->subject : STR_NONE);
    jwrite_c(&w, "status", states[v->status]);
    jwrite_str(&w, "owner", v->owner.n ? v->owner : STR_NONE);
    jwrite_str(&w, "task", v->has_task ? str_c(id_write('t', v->task).c) : STR_NONE);
    jwrite_time(&w, "opened_at", v->opened_ms);
    jwrite_time(&w, "last_at", v->last_ms);
    write_done(&w, v);
    episode_json(&w, episode_of_conversation(e, e->window_ms, v->id, &ep) ? &ep : NULL);
    return w.ok;
}

/* ---- touchpoint ---- */

bool entry_json(struct id id, struct str packed_record, struct id contact, struct buf *out) {
    struct body_record r;
    if (!body_record_decode(id, packed_record, &r))
        return false;
    cleanup(buf_clear) struct buf body;
    buf_init(&body, BODY_TEXT_MAX);
    if (!body_unpack(r.packed, &body))
        return false;
    return touchpoint_join(str_c(id_write('p', id).c), str_c(id_write('c', contact).c),
                           str_c(id_write('v', r.conversation).c), r.delivery, buf_str(&body), out);
}
