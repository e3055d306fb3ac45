/* ingest/action_priv.h - what agents do, in steps: decide by Redis, commit as a record, answer.
 *
 *   ingest_action ─► facts ─► function(s) of the store ─► spool ─commit─► its job ─► the resource
 */
#ifndef INGEST_ACTION_PRIV_H
#define INGEST_ACTION_PRIV_H

#include <jansson.h>

#include "ingest/ingest_priv.h"

struct action {
    struct link link; /* ingest.actions */
    struct ingest *g; /* NULL: the room has closed */
    struct arena arena;
    json_t *op; /* {"op","id","body","by","if_rev","n"} */
    const json_t *body;
    struct str name, by;
    int64_t if_rev, at_ms;
    int tries;

    struct id contact; /* as asked, then as its pointers lead */
    struct id other;
    json_t *head; /* of the record */
    struct contact_identity identities[LOOK_IDENTITIES_MAX];
    size_t identities_n;
    struct look look;
    struct touchpoint *tp; /* of a note */
    struct id conversation, part;
    int64_t suggestion;
    bool repeated;
    char pointer[FAULT_PLACE_MAX], detail[FAULT_REASON_MAX]; /* of a refusal */

    struct loop_timer *timer;
    struct job *job; /* awaited */
    answer_fn *done;
    void *arg;
};

/* Each ends the action, once. */
void action_end(struct action *a, const struct answer *answer);
void action_kind(struct action *a, enum answer_kind kind);
void action_refuse(struct action *a, const char *pointer, const char *detail);
void action_fault(struct action *a, const struct fault *fault);
void action_conflict(struct action *a, const char *code, const char *detail);
/* Answers what a change was not, true; OK and KNOWN: false, go on. */
bool action_stopped(struct action *a, const struct fault *fault, const struct change *c);
/* a->head as a record of this kind; then the job is awaited and the resource answered. */
void action_commit(struct action *a, enum record_kind kind, struct str id);
/* The resource as it is now. */
void action_answer(struct action *a);
/* Identities out of a body's list: "email:…" or {"kind","value"}; false: refused. */
bool action_identities(struct action *a, const json_t *list, const char *evidence);

/* ---- the operations: by the names of the header ---- */
void action_create(struct action *a);
void action_patch(struct action *a);
void action_merge(struct action *a);
void action_split(struct action *a);
void action_confirm(struct action *a);
void action_dismiss(struct action *a);
void action_erase(struct action *a);
void action_conversation_patch(struct action *a);
void action_note(struct action *a);
void action_canned_create(struct action *a);
void action_canned_put(struct action *a);
void action_canned_drop(struct action *a);
void action_reindex(struct action *a);

#endif
