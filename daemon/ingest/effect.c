/* ingest/effect.c - records of effects: what agents and the router did, applied (again).
 *
 * Each was decided by Redis before it was committed, so here it is mostly known already; after a
 * loss it brings back what was answered. Every one carries its time and revision, so their order
 * does not matter: the newest stands.
 *
 *   RECORD_TASK          the task as it stands
 *   RECORD_CONTACT       {"op": create|patch|merge|split|link|settle, "contact", "at", "rev", …}
 *   RECORD_CONVERSATION  {"op": "patch", "conversation", "status", "owner", "at", "rev"}
 *   RECORD_ERASE         {"contact", "parts", "identities", "words", "at"}
 */
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "blob/blob.h"
#include "ingest/effect.h"
#include "ingest/ingest_priv.h"
#include "store/task.h"

enum { HEAD_MAX = 8 << 20, LIST_MAX = 4096 };

void effect_end(struct effect *e) {
    struct job *j = e->j;
    json_decref(e->head);
    job_done(j);
}

void effect_fail(struct effect *e, const struct fault *fault) {
    struct job *j = e->j;
    json_decref(e->head);
    job_failed(j, fault);
}

void effect_bad(struct effect *e, const char *reason) {
    struct job *j = e->j;
    json_decref(e->head);
    job_quarantine(j, reason);
}

static void settled(void *arg, const struct fault *fault, struct str json) {
    struct effect *e = arg;
    (void)json;
    if (fault)
        effect_fail(e, fault);
    else
        effect_end(e);
}

/* The suggestion that asked for it is settled with it. */
static void effect_settle(struct effect *e) {
    int64_t n = jget_int(e->head, "n", 0);
    if (n > 0)
        store_settle(e->g->parts.store, e->contact, n, settled, e);
    else
        effect_end(e);
}

static void ended(void *arg, const struct fault *fault) {
    struct effect *e = arg;
    if (fault)
        effect_fail(e, fault);
    else
        effect_end(e);
}

/* ---- tasks ---- */

static bool is_finished(struct str state) {
    return str_is(state, "done") || str_is(state, "canceled");
}

/* What the conversation keeps of a task that is over. */
static struct str task_summary(struct effect *e) {
    static const char *const members[] = {"id",          "queue",      "state",     "agent",
                                          "disposition", "created_at", "touchpoint"};
    cleanup(json_freep) json_t *out = json_object();
    cleanup(buf_clear) struct buf text;
    char at[DATE_RFC3339_MAX];
    buf_init(&text, 8192);
    for (size_t i = 0; i < COUNT(members); i++)
        json_object_set(out, members[i], json_object_get(e->head, members[i]));
    date_format(e->at_ms, at);
    json_object_set_new(out, "ended_at", json_string(at));
    return jread_dump(&text, out) ? arena_str(&e->j->arena, buf_str(&text)) : str_c("{}");
}

/* Who has it, or had it last. */
static struct str task_agent(const json_t *task) {
    struct str state = jget_str(task, "state"), agent = jget_str(task, "agent");
    const json_t *history = json_object_get(task, "history");
    if (!str_is(state, "accepted") && !str_is(state, "wrapup") && !is_finished(state))
        return STR_NONE;
    for (size_t i = json_array_size(history); i > 0 && !agent.n; i--)
        agent = jget_str(json_array_get(history, i - 1), "agent");
    return agent;
}

static void task_located(void *arg, const struct fault *fault, bool found, bool erased,
                         struct id part) {
    struct effect *e = arg;
    struct str state = jget_str(e->head, "state");
    struct conversation_task t = {.part = part, .at_ms = e->at_ms};
    (void)erased;
    if (fault) {
        effect_fail(e, fault);
        return;
    }
    if (!found || !id_read(jget_str(e->head, "conversation"), 'v', &t.conversation) ||
        !id_read(jget_str(e->head, "id"), 't', &t.task)) {
        effect_end(e); /* its conversation was erased, or lies beyond what is kept */
        return;
    }
    t.finished = is_finished(state);
    t.resolves = str_is(state, "done");
    t.agent = task_agent(e->head);
    t.json = t.finished ? task_summary(e) : STR_NONE;
    store_conversation_task(e->g->parts.store, &t, ended, e);
}

static void task_put(void *arg, const struct answer *a) {
    struct effect *e = arg;
    struct id conversation;
    struct fault f;
    if (a->kind == ANSWER_LATER) {
        fault_set(&f, FAULT_BUSY, "task", "the store is away");
        effect_fail(e, &f);
    } else if (a->kind == ANSWER_REFUSED) {
        effect_bad(e, a->detail);
    } else if (id_read(jget_str(e->head, "conversation"), 'v', &conversation)) {
        store_locate(e->g->parts.store, conversation, task_located, e);
    } else {
        effect_end(e);
    }
}

/* ---- contacts ---- */

static void changed(void *arg, const struct fault *fault, const struct change *c) {
    struct effect *e = arg;
    if (fault) {
        effect_fail(e, fault);
        return;
    }
    /* Whom it is about may be gone, or lie beyond what is kept. */
    if (c->code == CHANGE_NONE || c->code == CHANGE_GONE)
        log_info("ingest.effect_void", "id=%s", log_value(e->j->r->id));
    effect_end(e);
}

static void task_moved(void *arg, const struct answer *a) {
    struct effect *e = arg;
    struct fault f;
    if (a->kind == ANSWER_LATER) {
        fault_set(&f, FAULT_BUSY, "merge", "the store is away");
        effect_fail(e, &f);
    } else {
        effect_settle(e);
    }
}

static void merge_done(void *arg, const struct fault *fault, const struct change *c) {
    struct effect *e = arg;
    if (fault || (c->code != CHANGE_OK && c->code != CHANGE_KNOWN))
        changed(e, fault, c);
    else
        store_task_moved(e->g->parts.store, str_c(id_write('c', e->other).c),
                         str_c(id_write('c', e->contact).c), task_moved, e);
}

size_t effect_identities(struct ingest *g, struct arena *a, const json_t *list,
                         enum link_basis link, struct contact_identity *out, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < max; i++) {
        const json_t *j = json_array_get(list, i);
        const struct identity one = {
            .kind = arena_str(a, jget_str(j, "kind")),
            .value = arena_str(a, jget_str(j, "value")),
            .evidence = arena_str(a, jget_str(j, "evidence")),
            .verified = jget_bool(j, "verified", false),
        };
        if (one.kind.n && one.value.n)
            out[n++] = identity_of(g, &one, link);
    }
    return n;
}

static struct contact_change change_of(const struct effect *e) {
    return (struct contact_change){
        .contact = e->contact, .at_ms = e->at_ms, .if_rev = -1, .rev = e->rev, .explicit = true};
}

static struct str profile_of(struct effect *e) {
    cleanup(buf_clear) struct buf text;
    const json_t *profile = json_object_get(e->head, "profile");
    buf_init(&text, HEAD_MAX);
    return profile && jread_dump(&text, profile) ? arena_str(&e->j->arena, buf_str(&text))
                                                 : str_c("{}");
}

static void op_patch(struct effect *e) {
    struct contact_change c = change_of(e);
    struct str name = jget_str(json_object_get(e->head, "profile"), "name");
    if (name.n)
        store_index(e->g->parts.store, e->contact, true, name, NULL, 0, e->g->parts.region);
    store_patch(e->g->parts.store, &c, profile_of(e), changed, e);
}

static void op_merge(struct effect *e) {
    struct contact_change c = change_of(e);
    if (id_read(jget_str(e->head, "from"), 'c', &e->other))
        store_merge(e->g->parts.store, &c, e->other, merge_done, e);
    else
        effect_bad(e, "the merge names no contact");
}

static void op_split(struct effect *e) {
    struct contact_identity list[LOOK_IDENTITIES_MAX];
    struct id hashes[LOOK_IDENTITIES_MAX];
    struct contact_change c = change_of(e);
    size_t n = effect_identities(e->g, &e->j->arena, json_object_get(e->head, "identities"),
                                 LINK_CONFIRMED, list, COUNT(list));
    for (size_t i = 0; i < n; i++)
        hashes[i] = list[i].hash;
    store_split(e->g->parts.store, &c, hashes, n, changed, e);
}

/* ---- identities set one after the other: by hand, or confirmed ---- */

static void identity_next(struct effect *e);

static void identity_known(void *arg, const struct fault *fault) {
    struct effect *e = arg;
    if (fault)
        effect_fail(e, fault);
    else
        identity_next(e);
}

static void identity_aliased(void *arg, const struct fault *fault, enum alias_code code,
                             struct id to) {
    struct effect *e = arg;
    struct contact_identity list[LOOK_IDENTITIES_MAX];
    (void)to;
    if (fault) {
        effect_fail(e, fault);
        return;
    }
    if (code == ALIAS_OTHER || code == ALIAS_CONTACT) {
        identity_next(e); /* it belongs to somebody by now */
        return;
    }
    size_t n = effect_identities(e->g, &e->j->arena, json_object_get(e->head, "identities"),
                                 LINK_CONFIRMED, list, COUNT(list));
    if (e->next - 1 < n)
        store_identify(e->g->parts.store, e->contact, &list[e->next - 1], e->at_ms, identity_known,
                       e);
    else
        effect_end(e);
}

static void identity_next(struct effect *e) {
    struct contact_identity list[LOOK_IDENTITIES_MAX];
    size_t n = effect_identities(e->g, &e->j->arena, json_object_get(e->head, "identities"),
                                 LINK_CONFIRMED, list, COUNT(list));
    while (e->next < n && id_same(list[e->next].hash, e->contact))
        e->next++;
    if (e->next >= n) {
        store_index(e->g->parts.store, e->contact, true,
                    jget_str(json_object_get(e->head, "profile"), "name"), list, n,
                    e->g->parts.region);
        effect_settle(e);
        return;
    }
    const struct contact_identity *i = &list[e->next++];
    store_alias(e->g->parts.store, i->hash, e->contact, i->verified, LINK_CONFIRMED, i->evidence,
                e->at_ms, identity_aliased, e);
}

static void created(void *arg, const struct fault *fault, const struct change *c) {
    struct effect *e = arg;
    if (fault || c->code == CHANGE_GONE || c->code == CHANGE_MOVED)
        changed(e, fault, c);
    else
        identity_next(e);
}

static void op_create(struct effect *e) {
    struct contact_identity list[LOOK_IDENTITIES_MAX];
    struct contact_change c = change_of(e);
    size_t n = effect_identities(e->g, &e->j->arena, json_object_get(e->head, "identities"),
                                 LINK_CONFIRMED, list, COUNT(list));
    store_create(e->g->parts.store, &c, profile_of(e), list, n, created, e);
}

static void op_link(struct effect *e) {
    identity_next(e);
}

static void op_settle(struct effect *e) {
    effect_settle(e);
}

static const struct {
    const char *name;
    void (*run)(struct effect *e);
} contact_ops[] = {
    {"patch", op_patch},   {"merge", op_merge}, {"split", op_split},
    {"create", op_create}, {"link", op_link},   {"settle", op_settle},
};

/* ---- erasure ---- */

static void erase_done(void *arg, const struct answer *a) {
    struct effect *e = arg;
    struct fault f;
    if (a->kind == ANSWER_LATER) {
        fault_set(&f, FAULT_BUSY, "erase", "the store is away");
        effect_fail(e, &f);
        return;
    }
    struct id_text id = id_write('c', e->contact);
    spool_note_step(e->g->parts.spool, str_c(id.c), e->at_ms, "erased", STR_NONE);
    spool_note_step(e->g->parts.spool, str_c(id.c), e->at_ms, "complete", STR_NONE);
    metric_add(METRIC_ERASURES, 1);
    log_info("contact.erased", "id=%s", id.c);
    effect_end(e);
}

static void erase_stored(void *arg, const struct fault *fault) {
    struct effect *e = arg;
    if (fault)
        effect_fail(e, fault);
    else
        store_task_forget(e->g->parts.store, str_c(id_write('c', e->contact).c), erase_done, e);
}

static void blob_erased(void *arg, bool ok) {
    (void)arg, (void)ok;
}

/* Its bytes, and what would lead to it. */
static void erase_each(void *arg, struct id touchpoint, struct str body) {
    struct effect *e = arg;
    cleanup(json_freep) json_t *j = NULL;
    blob_erase(e->g->parts.blobs, str_c(id_write('p', touchpoint).c), blob_erased, NULL);
    if (!body.n || !jread_parse(body, HEAD_MAX * 8, &j, NULL))
        return;
    struct str message_id = message_id_bare(jget_str(j, "message_id"));
    struct str source = jget_str(j, "source"), channel = jget_str(j, "channel");
    if (message_id.n)
        store_forget_reference(e->g->parts.store,
                               id_reference(e->g->parts.ids,
                                            str_is(channel, "email") ? str_c("mid") : source,
                                            message_id));
    struct str index = jget_str(json_object_get(j, "data"), "thread_index");
    if (index.n)
        store_forget_reference(e->g->parts.store,
                               id_reference(e->g->parts.ids, str_c("thread-index"), index));
}

static void erase_begin(struct effect *e) {
    const json_t *list = json_object_get(e->head, "identities");
    struct id *ids = arena_new(&e->j->arena, (json_array_size(list) + 1) * sizeof *ids);
    struct erase erase = {.contact = e->contact, .identities = ids, .at_ms = e->at_ms};
    for (size_t i = 0; i < json_array_size(list) && i < LIST_MAX; i++) {
        const json_t *v = json_array_get(list, i);
        struct str text = str_make(json_string_value(v), json_string_length(v));
        if (text.n == BASE32_ID && base32_id_decode(text, ids[erase.identities_n].b))
            erase.identities_n++;
    }
    store_erase(e->g->parts.store, &erase, erase_each, erase_stored, e);
}

/* What it is found by is known only as long as it is there. */
static void erase_facts(void *arg, const struct fault *fault, bool found, bool gone,
                        const struct contact_facts *c) {
    struct effect *e = arg;
    (void)gone;
    if (fault) {
        effect_fail(e, fault);
        return;
    }
    for (size_t i = 0; found && c->born_ms <= e->at_ms && i < c->parts_n; i++)
        for (size_t k = 0; k < c->names_n || k == 0; k++)
            store_index(e->g->parts.store, c->parts[i], false,
                        k < c->names_n ? c->names[k] : STR_NONE, c->identities,
                        k ? 0 : c->identities_n, e->g->parts.region);
    erase_begin(e);
}

/* ---- the whole ---- */

static bool read_head(struct job *j, json_t **out) {
    struct fault f;
    return jread_parse(j->r->head, HEAD_MAX, out, &f);
}

size_t effect_keys(struct job *j, struct id *out, size_t max) {
    static const struct {
        const char *name;
        char prefix;
    } members[] = {{"contact", 'c'}, {"from", 'c'}, {"conversation", 'v'}, {"id", 'p'}};
    cleanup(json_freep) json_t *head = NULL;
    size_t n = 0;
    if (!read_head(j, &head))
        return 0;
    for (size_t i = 0; i < COUNT(members) && n < max; i++)
        if (id_read(jget_str(head, members[i].name), members[i].prefix, &out[n]))
            n++;
    if (n < max && j->r->kind == RECORD_DELIVERY && id_read(j->r->id, 'p', &out[n]))
        n++;
    const json_t *list = json_object_get(head, "identities");
    for (size_t i = 0; i < json_array_size(list) && n < max; i++) {
        const json_t *v = json_array_get(list, i);
        struct str text = str_make(json_string_value(v), json_string_length(v));
        if (json_is_string(v) && text.n == BASE32_ID && base32_id_decode(text, out[n].b))
            n++;
        else if (json_is_object(v))
            out[n++] = id_identity(j->g->parts.ids, jget_str(v, "kind"), jget_str(v, "value"));
    }
    return n;
}

static void run_contact(struct effect *e) {
    struct str op = jget_str(e->head, "op");
    for (size_t i = 0; i < COUNT(contact_ops); i++) {
        if (str_is(op, contact_ops[i].name)) {
            contact_ops[i].run(e);
            return;
        }
    }
    effect_bad(e, "an operation of no known name");
}

void job_effect(struct job *j) {
    struct effect *e = arena_new(&j->arena, sizeof *e);
    *e = (struct effect){.j = j, .g = j->g, .at_ms = j->r->received_ms};
    if (!read_head(j, &e->head)) {
        job_quarantine(j, "the record cannot be read");
        return;
    }
    struct str at = jget_str(e->head, "at");
    int64_t at_ms;
    if (at.n && date_parse(at, &at_ms))
        e->at_ms = at_ms;
    e->rev = jget_int(e->head, "rev", 0);
    bool has_contact = id_read(jget_str(e->head, "contact"), 'c', &e->contact);
    if (j->r->kind == RECORD_TASK) {
        store_task_put(e->g->parts.store, j->r->head, task_put, e);
    } else if (j->r->kind == RECORD_CONVERSATION) {
        effect_conversation(e);
    } else if (!has_contact) {
        effect_bad(e, "the record names no contact");
    } else if (j->r->kind == RECORD_ERASE) {
        store_facts(e->g->parts.store, e->contact, erase_facts, e);
    } else {
        run_contact(e);
    }
}
