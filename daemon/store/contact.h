/* store/contact.h - contacts as ingest writes them: looking, claiming, appending, linking, merging,
 * erasing.
 *
 *   look ──► claim ──► alias ──► append ──► refer, index       one touchpoint
 *
 * A contact is a list of parts, each a slot of its own named by its id; the keys are described in
 * functions/contact.lua. Every step may be repeated. Answers come on the loop, once, never from
 * inside the call; `fault` is set where no answer was had (BUSY: the effect is unknown, repeat it)
 * or where the server refused this very call (STATE).
 */
#ifndef STORE_CONTACT_H
#define STORE_CONTACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/fault.h>

#include "store/store.h"
#include "touchpoint/id.h"

struct buf;

enum { LOOK_IDENTITIES_MAX = 16, LOOK_REFERENCES_MAX = 24, LOOK_FIELD_MAX = 16, POINTERS_MAX = 8 };

/* What a link between two identities rests on. */
enum link_basis { LINK_CLAIMED = 0, LINK_VERIFIED = 1, LINK_CONFIRMED = 2 };

struct contact_identity {
    struct id hash; /* id_identity */
    struct str kind, value, evidence, display;
    bool verified;
    enum link_basis link;
    int64_t since_ms;   /* reading only */
    struct str trouble; /* reading only: JSON of why it cannot be written to, or absent */
};

enum conversation_status { CONVERSATION_OPEN, CONVERSATION_PENDING, CONVERSATION_RESOLVED };
struct conversation {
    struct id id;
    enum conversation_status status;
    int64_t rev, opened_ms, last_ms, status_ms, owner_ms;
    struct str channel, source, owner, subject;
    bool has_task;
    struct id task;
    struct str done; /* finished tasks, packed: conversation_done */
};
/* Views into packed. false: none of ours. */
bool conversation_decode(struct id id, struct str packed, struct conversation *out) must_check;
/* The next finished task of v->done from *at on; false: no more. */
bool conversation_done(const struct conversation *v, size_t *at, struct id *out_task,
                       struct str *out_json);

/* ---- looking ---- */
struct look_wanted {
    struct id touchpoint;
    const struct id *identities; /* their hashes */
    size_t identities_n;
    /* Message ids and the like by id_reference; a conversation known by its token by its own id. */
    const struct id *references;
    size_t references_n;
    struct str open_field, thread_field; /* contact_open_field …; absent: none */
};
struct look_contact {
    struct id id;
    int64_t born_ms, rev;
    bool verified; /* one of its identities is */
    const struct id *parts;
    size_t parts_n;
    struct str profile; /* JSON of what was patched, or absent */
    struct str name, language, agent;
    int64_t agent_ms;
    struct str visits, marks; /* for episodes_add */
    bool has_open, has_thread;
    struct conversation open, thread;
};
struct look {
    enum { LOOK_NEW, LOOK_CLAIMED, LOOK_ERASED } touchpoint;
    struct id part; /* CLAIMED: where it lies */
    bool applied;   /* CLAIMED: its entry is there too */
    struct look_identity {
        enum { LOOK_UNKNOWN, LOOK_KNOWN, LOOK_GONE } state;
        bool claimed;   /* the pointer rests on a claim alone */
        size_t contact; /* KNOWN: index in contacts */
        /* The merged part through which it led there, and that part's conversations. */
        bool has_via, via_has_open, via_has_thread;
        struct id via;
        struct conversation via_open, via_thread;
    } identities[LOOK_IDENTITIES_MAX];
    struct look_reference {
        bool found, erased, has_contact, has_conversation;
        size_t contact; /* the one that the part belongs to now */
        struct id part, touchpoint, conversation_id;
        struct conversation conversation;
    } references[LOOK_REFERENCES_MAX];
    struct look_contact contacts[LOOK_IDENTITIES_MAX + LOOK_REFERENCES_MAX];
    size_t contacts_n;
};
/* look: filled until done runs; its views lie in the arena. Both are the caller's. */
typedef void look_fn(void *arg, const struct fault *fault);
void store_look(struct store *s, const struct look_wanted *w, struct arena *a, struct look *look,
                look_fn *done, void *arg);
/* One contact, its pointers followed; found false: none (gone: erased). */
typedef void look_contact_fn(void *arg, const struct fault *fault, bool found, bool gone,
                             const struct look_contact *c);
void store_look_contact(struct store *s, struct id id, struct str open_field,
                        struct str thread_field, look_contact_fn *done, void *arg);
/* All visits of a contact, over all its parts; a call for each of them. e lives until done returns.
 */
struct episodes;
/* Of a name its number, from 1. */
int store_channel(struct str name);
typedef void episodes_fn(void *arg, const struct fault *fault, const struct episodes *e);
void store_episodes(struct store *s, struct id contact, episodes_fn *done, void *arg);
/* Fields of {c…}:v that lead to a conversation: of a channel and source, of a thread. out holds
 * LOOK_FIELD_MAX. */
struct str contact_open_field(struct str channel, struct str source, char out[LOOK_FIELD_MAX]);
struct str contact_thread_field(struct str source, struct str thread, char out[LOOK_FIELD_MAX]);

/* ---- ids ---- */
enum claim_code { CLAIM_NEW, CLAIM_KNOWN, CLAIM_REVISED, CLAIM_MISMATCH, CLAIM_ERASED };
typedef void claim_fn(void *arg, const struct fault *fault, enum claim_code code, struct id part);
/* strict: the same revision with other content is a mismatch, else it counts as known. */
void store_claim(struct store *s, struct id touchpoint, struct id part, const uint8_t content[4],
                 int64_t revision, bool strict, claim_fn *done, void *arg);
typedef void store_ok_fn(void *arg, const struct fault *fault);
/* The first one to name a reference stands. */
void store_refer(struct store *s, struct id reference, struct id part, struct id touchpoint,
                 struct id conversation, store_ok_fn *done, void *arg);

/* ---- appending ---- */
enum join_mode {
    JOIN_OWN /* begins its own */,
    JOIN_ID /* this one, opened again where it is gone */,
    JOIN_LOOK,
    JOIN_CALLBACK /* the one of open_field while its task is open */
};
struct append {
    struct id part, touchpoint;
    int64_t at_ms, received_ms, revision;
    bool inbound, note, deleted, automatic, wants_task;
    bool settles; /* ends the conversation's open task: appended.task, where asks */
    struct str channel, source, body /* packed */, delivery;
    int delivery_rank;
    enum join_mode mode;
    struct id conversation;              /* JOIN_ID */
    struct str open_field, thread_field; /* absent: such a conversation cannot be joined that way */
    struct str subject, name, language;
    const struct contact_identity *identities;
    size_t identities_n;
    int64_t episode_ms; /* window; 0: nobody keeps episodes */
    uint32_t subject_hash, order_hash;
    struct str agent; /* who wrote it, or absent */
};
enum append_code { APPEND_NEW, APPEND_REVISED, APPEND_KNOWN, APPEND_GONE, APPEND_MOVED };
struct appended {
    enum append_code code;
    struct id conversation, task, previous, moved_to;
    bool has_task, has_previous;
    bool asks;        /* {r} is to be asked for the task */
    struct str agent; /* who had the contact last */
    int64_t agent_ms;
};
typedef void append_fn(void *arg, const struct fault *fault, const struct appended *a);
void store_append(struct store *s, const struct append *what, append_fn *done, void *arg);
/* An entry went into a part that was merged: whoever shows the contact is told too. Not awaited. */
void store_announce(struct store *s, struct id contact, struct id touchpoint);
/* {r} gave another task than the conversation's. */
void store_outcome(struct store *s, struct id part, struct id touchpoint, struct id conversation,
                   struct id task, store_ok_fn *done, void *arg);
enum deliver_code { DELIVER_NEW, DELIVER_KNOWN, DELIVER_UNKNOWN };
typedef void deliver_fn(void *arg, const struct fault *fault, enum deliver_code code);
void store_deliver(struct store *s, struct id part, struct id touchpoint, int rank, struct str json,
                   deliver_fn *done, void *arg);
/* A task's state as its conversation and its contact show it. */
struct conversation_task {
    struct id part, conversation, task;
    bool finished, resolves;
    struct str agent, json; /* json: kept of a finished one */
    int64_t at_ms;
};
void store_conversation_task(struct store *s, const struct conversation_task *t, store_ok_fn *done,
                             void *arg);

/* ---- of somebody who writes ---- */
typedef void store_number_fn(void *arg, const struct fault *fault, int64_t n);
/* How many inbound touchpoints of a channel happened in that time, beside `but`; no more than
 * at_most are counted. */
struct recent {
    int64_t from_ms, to_ms, at_most;
    struct str channel;
    struct id but;
};
void store_recent(struct store *s, struct id part, const struct recent *what, store_number_fn *done,
                  void *arg);
/* 1 for the first touchpoint within per_ms, and for that one again; else 0. */
void store_once(struct store *s, struct id contact, struct id touchpoint, int64_t now_ms,
                int64_t per_ms, store_number_fn *done, void *arg);
/* Marks an identity as one that cannot be written to; 0: the part does not have it. */
void store_mark(struct store *s, struct id part, struct id identity, struct str json,
                store_number_fn *done, void *arg);
/* It was written from: a failure is forgotten, a complaint is not. */
void store_unmark(struct store *s, struct id part, struct id identity, store_number_fn *done,
                  void *arg);

/* ---- linking ---- */
enum alias_code {
    ALIAS_SET,
    ALIAS_SAME,
    ALIAS_OTHER /* leads to `to` */,
    ALIAS_CONTACT /* has a life of its own */
};
typedef void alias_fn(void *arg, const struct fault *fault, enum alias_code code, struct id to);
void store_alias(struct store *s, struct id identity, struct id to, bool verified,
                 enum link_basis link, struct str evidence, int64_t at_ms, alias_fn *done,
                 void *arg);
/* An identity of the contact itself: what an agent confirmed, or gave by hand. */
void store_identify(struct store *s, struct id contact, const struct contact_identity *identity,
                    int64_t at_ms, store_ok_fn *done, void *arg);
/* key: the other contact, or an identity's hash; the same is suggested once. */
void store_suggest(struct store *s, struct id contact, struct id key, struct str json,
                   store_ok_fn *done, void *arg);

/* ---- changing: what agents do; each is decided here, committed as a record, and may be applied
 * again ---- */
enum change_code {
    CHANGE_OK,
    CHANGE_KNOWN,
    CHANGE_STALE,
    CHANGE_REFUSED,
    CHANGE_NONE,
    CHANGE_GONE,
    CHANGE_MOVED
};
struct change {
    enum change_code code;
    int64_t rev;
    struct id moved_to;
};
typedef void change_fn(void *arg, const struct fault *fault, const struct change *c);
struct contact_change {
    struct id contact;
    int64_t at_ms, if_rev; /* if_rev below 0: any */
    int64_t rev;           /* of a record that is applied again; else 0 */
    bool explicit;         /* an agent's, not of a touchpoint */
};
void store_patch(struct store *s, const struct contact_change *c, struct str profile,
                 change_fn *done, void *arg);
void store_create(struct store *s, const struct contact_change *c, struct str profile,
                  const struct contact_identity *identities, size_t n, change_fn *done, void *arg);
/* The whole of it: pointers, lists of parts, identities, tasks. from and c->contact may be any of
 * either's ids. */
void store_merge(struct store *s, const struct contact_change *c, struct id from, change_fn *done,
                 void *arg);
/* Takes the parts that hold these identities out again, or lets aliases go. */
void store_split(struct store *s, const struct contact_change *c, const struct id *identities,
                 size_t n, change_fn *done, void *arg);
/* Takes suggestion n away; json of it, absent: there is none. */
typedef void settle_fn(void *arg, const struct fault *fault, struct str json);
void store_settle(struct store *s, struct id contact, int64_t n, settle_fn *done, void *arg);
struct conversation_change {
    struct id part, conversation;
    int status;       /* enum conversation_status, -1: as it is */
    struct str owner; /* absent: as it is; empty: nobody */
    int64_t at_ms, if_rev, rev;
};
void store_conversation_change(struct store *s, const struct conversation_change *c,
                               change_fn *done, void *arg);
/* Where a conversation (or a touchpoint) lies. found false: nowhere, or erased. */
typedef void locate_fn(void *arg, const struct fault *fault, bool found, bool erased,
                       struct id part);
void store_locate(struct store *s, struct id id, locate_fn *done, void *arg);
/* What a change needs to know: all identities, parts, profile and rev of the contact that `id`
 * leads to. */
struct contact_facts {
    struct id id;
    int64_t rev, born_ms;
    struct str profile, name, language;
    const struct str *names; /* all that it may be found by, what was patched too */
    size_t names_n;
    const struct contact_identity *identities;
    size_t identities_n;
    const struct id *parts; /* the first is the contact itself */
    size_t parts_n;
};
typedef void facts_fn(void *arg, const struct fault *fault, bool found, bool gone,
                      const struct contact_facts *c);
void store_facts(struct store *s, struct id id, facts_fn *done, void *arg);

/* ---- what becomes known of an entry later ---- */
enum amend_code {
    AMEND_OK,
    AMEND_SAME,    /* there was nothing to be changed */
    AMEND_UNKNOWN, /* no such entry */
    AMEND_ERASED,
};
/* Changes the entry's members in place (as touchpoint_write_body wrote them); false: nothing to
 * change. Called once or several times, each time with what stands there. */
typedef bool amend_fn(void *arg, json_t *entry);
typedef void amended_fn(void *arg, const struct fault *fault, enum amend_code code);
void store_amend(struct store *s, struct id touchpoint, amend_fn *amend, amended_fn *done,
                 void *arg);

/* ---- erasing ---- */
/* Called for each touchpoint before it goes: its blobs, the references to it. body: its JSON
 * members. */
typedef void erase_each_fn(void *arg, struct id touchpoint, struct str body);
/* Marks every touchpoint and removes what the contact's parts and these identities hold. done may
 * come after many calls; repeating is harmless. */
struct erase {
    struct id contact;
    const struct id *identities;
    size_t identities_n;
    int64_t at_ms;
};
void store_erase(struct store *s, const struct erase *e, erase_each_fn *each, store_ok_fn *done,
                 void *arg);
/* Marks the id of a touchpoint that came back after its person was erased. */
void store_mark_erased(struct store *s, struct id touchpoint, store_ok_fn *done, void *arg);
void store_forget_reference(struct store *s, struct id reference);

/* ---- search ---- */
/* Words of a name, an address, a number: folded and written to {x:NN}, or removed. Not awaited. */
void store_index(struct store *s, struct id contact, bool add, struct str name,
                 const struct contact_identity *identities, size_t n, struct str region);
void store_index_clear(struct store *s, store_ok_fn *done, void *arg);
/* Every contact of this store, a batch at a time: done(NULL …) with found false ends it. */
typedef void scan_fn(void *arg, const struct fault *fault, const struct id *contacts, size_t n,
                     bool last);
void store_scan(struct store *s, scan_fn *done, void *arg);

/* Sharded channel of a contact's changes, "{c_…}"; payload: {"touchpoint":"p_…"},
 * {"conversation":"v_…"}, {"contact":"c_…"} or {"attention":{…}} (store/attention.h). */
struct str contact_channel(struct id contact, char out[ID_TEXT + 4]);

#endif
