/* ingest/action_contact.c - what agents do to contacts. */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/metrics.h"
#include "ingest/action_priv.h"
#include "ingest/profile.h"
#include "store/task.h"

enum { TRIES = 5 };

static void head_id(struct action *a, const char *key, char prefix, struct id id) {
    json_object_set_new(a->head, key, json_string(id_write(prefix, id).c));
}

static void head_op(struct action *a, const char *op, int64_t rev) {
    json_object_set_new(a->head, "op", json_string(op));
    head_id(a, "contact", 'c', a->contact);
    if (rev)
        json_object_set_new(a->head, "rev", json_integer(rev));
}

static void head_identities(struct action *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < a->identities_n; i++) {
        const struct contact_identity *id = &a->identities[i];
        json_array_append_new(list, json_pack("{s:o,s:o,s:b,s:o}", "kind", jstr(id->kind), "value",
                                              jstr(id->value), "verified", id->verified, "evidence",
                                              jstr(id->evidence)));
    }
    json_object_set_new(a->head, "identities", list);
}

static void commit_contact(struct action *a) {
    action_commit(a, RECORD_CONTACT, str_c(id_write('c', a->contact).c));
}

static struct contact_change change_of(const struct action *a) {
    return (struct contact_change){
        .contact = a->contact, .at_ms = a->at_ms, .if_rev = a->if_rev, .explicit = true};
}

/* Whether the contact is there; answers where it is not. */
static bool is_there(struct action *a, const struct fault *fault, bool found, bool gone) {
    if (fault)
        action_fault(a, fault);
    else if (!found)
        action_kind(a, gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
    return !fault && found;
}

/* ---- create ---- */

static void create_done(void *arg, const struct fault *fault, const struct change *c) {
    struct action *a = arg;
    if (!fault && (c->code == CHANGE_KNOWN || c->code == CHANGE_MOVED)) {
        action_conflict(a, "identity-taken", "another contact holds one of the identities");
        return;
    }
    if (!action_stopped(a, fault, c))
        commit_contact(a);
}

static void create_looked(void *arg, const struct fault *fault) {
    struct action *a = arg;
    cleanup(buf_clear) struct buf profile;
    buf_init(&profile, PROFILE_MAX);
    if (fault) {
        action_fault(a, fault);
        return;
    }
    for (size_t i = 0; i < a->identities_n; i++) {
        if (a->look.identities[i].state != LOOK_KNOWN)
            continue;
        struct str json =
            arena_strf(&a->arena, "\"contact\":\"%s\"",
                       id_write('c', a->look.contacts[a->look.identities[i].contact].id).c);
        const struct answer taken = {.kind = ANSWER_CONFLICT,
                                     .json = json,
                                     .code = "identity-taken",
                                     .detail = "another contact holds one of the identities"};
        action_end(a, &taken);
        return;
    }
    const struct contact_identity *home = &a->identities[0];
    uint32_t lives;
    int64_t last_ms;
    spool_erased(a->g->parts.spool, home->hash.b, &lives, &last_ms);
    if (!lives && a->look.identities[0].state == LOOK_GONE)
        lives = 1;
    a->contact = id_contact(a->g->parts.ids, home->kind, home->value, lives);
    head_op(a, "create", 0);
    head_identities(a);
    struct contact_change c = change_of(a);
    bool ok = jread_dump(&profile, json_object_get(a->head, "profile"));
    store_create(a->g->parts.store, &c, ok ? buf_str(&profile) : str_c("{}"), a->identities,
                 a->identities_n, create_done, a);
}

void action_create(struct action *a) {
    static const char *const beside[] = {"identities", NULL};
    struct id hashes[LOOK_IDENTITIES_MAX];
    struct fault f;
    json_t *profile = profile_patch(NULL, a->body, beside, &f);
    if (!profile) {
        action_refuse(a, f.place, f.reason);
        return;
    }
    json_object_set_new(a->head, "profile", profile);
    if (!action_identities(a, json_object_get(a->body, "identities"), "agent"))
        return;
    for (size_t i = 0; i < a->identities_n; i++)
        hashes[i] = a->identities[i].hash;
    struct id *kept = arena_new(&a->arena, sizeof hashes);
    memcpy(kept, hashes, sizeof hashes);
    const struct look_wanted w = {.identities = kept, .identities_n = a->identities_n};
    store_look(a->g->parts.store, &w, &a->arena, &a->look, create_looked, a);
}

/* ---- patch ---- */

static void patched(void *arg, const struct fault *fault, const struct change *c) {
    struct action *a = arg;
    if (!fault && a->if_rev < 0 && (c->code == CHANGE_STALE || c->code == CHANGE_MOVED) &&
        ++a->tries < TRIES) {
        action_patch(a); /* somebody was faster; merged into what he left */
        return;
    }
    if (action_stopped(a, fault, c))
        return;
    head_op(a, "patch", c->rev);
    commit_contact(a);
}

static void patch_facts(void *arg, const struct fault *fault, bool found, bool gone,
                        const struct contact_facts *facts) {
    struct action *a = arg;
    struct fault f;
    cleanup(json_freep) json_t *current = NULL;
    cleanup(buf_clear) struct buf text;
    buf_init(&text, PROFILE_MAX);
    if (!is_there(a, fault, found, gone))
        return;
    if (a->if_rev >= 0 && a->if_rev != facts->rev) {
        action_kind(a, ANSWER_STALE);
        return;
    }
    if (facts->profile.n && !jread_parse(facts->profile, PROFILE_MAX, &current, NULL))
        current = NULL;
    json_t *profile = profile_patch(current, a->body, NULL, &f);
    if (!profile) {
        action_refuse(a, f.place, f.reason);
        return;
    }
    json_object_set_new(a->head, "profile", profile);
    if (!jread_dump(&text, profile)) {
        action_refuse(a, "", "the profile would be larger than 256 KiB");
        return;
    }
    a->contact = facts->id;
    struct contact_change c = change_of(a);
    c.if_rev = facts->rev;
    store_patch(a->g->parts.store, &c, buf_str(&text), patched, a);
}

void action_patch(struct action *a) {
    store_facts(a->g->parts.store, a->contact, patch_facts, a);
}

/* ---- merge ---- */

static void merge_tasks_moved(void *arg, const struct answer *answer) {
    struct action *a = arg;
    (void)answer; /* the record's job moves them again */
    commit_contact(a);
}

static void merged(void *arg, const struct fault *fault, const struct change *c) {
    struct action *a = arg;
    if (!fault && c->code == CHANGE_NONE) {
        action_refuse(a, "/from", "no such contact");
        return;
    }
    if (action_stopped(a, fault, c))
        return;
    metric_add_label(METRIC_MERGES, "agent", 1);
    head_op(a, "merge", c->rev);
    head_id(a, "from", 'c', a->other);
    if (a->suggestion)
        json_object_set_new(a->head, "n", json_integer(a->suggestion));
    store_task_moved(a->g->parts.store, str_c(id_write('c', a->other).c),
                     str_c(id_write('c', a->contact).c), merge_tasks_moved, a);
}

static void merge_facts(void *arg, const struct fault *fault, bool found, bool gone,
                        const struct contact_facts *facts) {
    struct action *a = arg;
    if (!is_there(a, fault, found, gone))
        return;
    a->contact = facts->id;
    struct contact_change c = change_of(a);
    store_merge(a->g->parts.store, &c, a->other, merged, a);
}

void action_merge(struct action *a) {
    if (!id_read(jget_str(a->body, "from"), 'c', &a->other))
        action_refuse(a, "/from", "must be the id of the other contact");
    else
        store_facts(a->g->parts.store, a->contact, merge_facts, a);
}

/* ---- split ---- */

static void split_done(void *arg, const struct fault *fault, const struct change *c) {
    struct action *a = arg;
    if (!fault && c->code == CHANGE_REFUSED) {
        action_refuse(a, "/identities", "none of them can be taken out of this contact");
        return;
    }
    if (action_stopped(a, fault, c))
        return;
    metric_add_label(METRIC_MERGES, "split", 1);
    head_op(a, "split", c->rev);
    head_identities(a);
    commit_contact(a);
}

void action_split(struct action *a) {
    struct id hashes[LOOK_IDENTITIES_MAX];
    if (!action_identities(a, json_object_get(a->body, "identities"), "agent"))
        return;
    for (size_t i = 0; i < a->identities_n; i++)
        hashes[i] = a->identities[i].hash;
    struct contact_change c = change_of(a);
    store_split(a->g->parts.store, &c, hashes, a->identities_n, split_done, a);
}

/* ---- suggestions ---- */

static void confirm_json(struct action *a, const json_t *suggestion) {
    const json_t *identity = json_object_get(suggestion, "identity");
    if (id_read(jget_str(suggestion, "contact"), 'c', &a->other)) {
        store_facts(a->g->parts.store, a->contact, merge_facts, a);
        return;
    }
    json_t *list = json_array();
    json_array_append_new(
        list, json_pack("{s:O,s:O,s:b,s:s}", "kind", json_object_get(identity, "kind"), "value",
                        json_object_get(identity, "value"), "verified", 0, "evidence", "agent"));
    head_op(a, "link", 0);
    json_object_set_new(a->head, "identities", list);
    json_object_set_new(a->head, "n", json_integer(a->suggestion));
    commit_contact(a);
}

/* Who takes the suggestion away has decided it: of two agents one. */
static void confirm_settled(void *arg, const struct fault *fault, struct str json) {
    struct action *a = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (fault)
        action_fault(a, fault);
    else if (!json.p || !jread_parse(json, PROFILE_MAX, &j, NULL))
        action_kind(a, ANSWER_NOT_FOUND);
    else
        confirm_json(a, j);
}

static void dismiss_settled(void *arg, const struct fault *fault, struct str json) {
    struct action *a = arg;
    if (fault) {
        action_fault(a, fault);
    } else if (!json.p) {
        action_kind(a, ANSWER_NOT_FOUND);
    } else {
        head_op(a, "settle", 0);
        json_object_set_new(a->head, "n", json_integer(a->suggestion));
        commit_contact(a);
    }
}

static void settle_facts(void *arg, const struct fault *fault, bool found, bool gone,
                         const struct contact_facts *facts) {
    struct action *a = arg;
    if (!is_there(a, fault, found, gone))
        return;
    a->contact = facts->id;
    store_settle(a->g->parts.store, a->contact, a->suggestion,
                 str_is(a->name, "confirm") ? confirm_settled : dismiss_settled, a);
}

static void settle(struct action *a) {
    struct str n = jget_str(a->op, "n");
    a->suggestion = n.n && n.n < 10 ? strtoll(arena_str(&a->arena, n).p, NULL, 10) : 0;
    if (a->suggestion <= 0)
        action_kind(a, ANSWER_NOT_FOUND);
    else
        store_facts(a->g->parts.store, a->contact, settle_facts, a);
}

void action_confirm(struct action *a) {
    settle(a);
}

void action_dismiss(struct action *a) {
    settle(a);
}

/* ---- erase ---- */

static void erase_facts(void *arg, const struct fault *fault, bool found, bool gone,
                        const struct contact_facts *facts) {
    struct action *a = arg;
    if (!is_there(a, fault, found, gone))
        return;
    if (a->if_rev >= 0 && a->if_rev != facts->rev) {
        action_kind(a, ANSWER_STALE);
        return;
    }
    json_t *identities = json_array(), *parts = json_array();
    for (size_t i = 0; i < facts->identities_n; i++) {
        char text[BASE32_ID + 1];
        base32_id(facts->identities[i].hash.b, text);
        json_array_append_new(identities, json_string(text));
    }
    for (size_t i = 0; i < facts->parts_n; i++)
        json_array_append_new(parts, json_string(id_write('c', facts->parts[i]).c));
    a->contact = facts->id;
    head_op(a, "erase", 0);
    json_object_set_new(a->head, "identities", identities);
    json_object_set_new(a->head, "parts", parts);
    action_commit(a, RECORD_ERASE, str_c(id_write('c', a->contact).c));
}

void action_erase(struct action *a) {
    store_facts(a->g->parts.store, a->contact, erase_facts, a);
}
