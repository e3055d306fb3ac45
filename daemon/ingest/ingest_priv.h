/* ingest/ingest_priv.h - what the files of this room share.
 *
 *   mask*.c      what must not reach the disk; early.c reads for it
 *   intake.c     records made and pushed; who waits for them
 *   feed.c       which records are in memory: followed live, or asked for again (backlog, replay)
 *   pipeline.c   jobs: lanes, tries, quarantine, notes of what is applied
 *   read.c       kept bytes to touchpoints, by the channel's reader
 *   unit.c       one touchpoint through its steps: resolve.c, link.c, apply.c, follow.c
 *   callback.c   a talk ends the wait for a call back
 *   letter.c, subject.c   pure: what a mail's exchange is found by
 *   episode.c       whose episode it is, how many times the person has come about it
 *   budget.c, acknowledge.c, mark.c   of mail: floods, acknowledgements, addresses that fail
 *   delivery.c   news of outbound touchpoints
 *   echo.c       outbound ones that come back by a platform's hook
 *   media.c      attachments that are fetched later; attach.c: into their entry
 *   effect.c     records of tasks, contacts, conversations, erasures applied
 *   action*.c    what agents do: decided by Redis, committed, answered
 *   canned.c     pure: placeholders of canned answers
 *   decide.c, conversation.c, rules.c, condition.c: pure
 *
 * All of it lives on the loop thread.
 */
#ifndef INGEST_PRIV_H
#define INGEST_PRIV_H

#include <touchline/kit/arena.h>

#include "ingest/ingest.h"
#include "ingest/intake.h"
#include "ingest/lanes.h"
#include "ingest/rules.h"
#include "spool/record.h"
#include "spool/spool.h"
#include "store/contact.h"
#include "touchpoint/touchpoint.h"

struct job;
struct loop_timer;
struct unit;

enum {
    JOBS_MAX = 2048,           /* in memory; beyond it records wait in the spool alone */
    JOBS_LOW = 1024,           /* below it they are asked for */
    JOBS_BYTES_MAX = 32 << 20, /* of their records, likewise */
    RUNNING_MAX = 256,
    TRIES_MAX = 5,
    RESTARTS_MAX = 8, /* of one touchpoint that met another daemon's change */
};

/* ---- the whole ---- */
struct feed {
    bool store_up; /* calls may be made */
    bool behind;   /* records wait in the spool that were not taken into memory */
    bool asking;
    bool sweeping;         /* the question is for what an operator put back */
    bool replaying;        /* all records beyond what was confirmed, applied or not */
    bool replayed;         /* the last of them are in memory */
    uint64_t after;        /* highest seq that is or was in memory */
    uint64_t live;         /* highest seq that was followed */
    uint64_t live_asked;   /* the same when the question was asked */
    uint64_t generation;   /* of questions: an answer to an earlier one is dropped */
    struct link questions; /* not answered yet */
    void (*recovered)(void *arg);
    void *recovered_arg;
    struct loop_timer *sweep;
};

struct ingest {
    struct ingest_parts parts;
    struct rules *rules;
    struct mask *mask; /* NULL: nothing is masked */
    struct pulses *pulses;
    struct link earlies; /* read before they are kept */
    struct intake *intake;
    struct feed feed;
    struct lanes lanes;
    struct link jobs;    /* all, in order of seq */
    struct link waiting; /* those not begun, likewise */
    size_t jobs_n, jobs_bytes, running;
    bool starting; /* inside jobs_start */
    bool draining, closing;
    uint64_t confirm_seq, confirmed_seq;
    bool confirming;
    struct loop_timer *confirm_timer, *restart_timer;
    struct link actions;
    struct link echoes; /* questions of echo.c to the spool */
    struct media *media;
};

/* ---- intake.c ---- */
struct waiter;
struct intake *intake_new(struct ingest *g);
void intake_free(struct intake *in);
struct outcome {
    enum { OUTCOME_APPLIED, OUTCOME_KNOWN, OUTCOME_MISMATCH, OUTCOME_KEPT } kind;
    struct id contact, conversation, task;
    bool has_contact, has_task;
};
/* The bytes as they are, whatever is masked. */
void intake_keep_raw(struct intake *in, const struct intake_raw *what, intake_done_fn *done,
                     void *arg);

/* ---- early.c: bytes of a masked channel, read before they are kept ---- */
void early_take(struct ingest *g, const struct intake_raw *what, struct record *take_r,
                intake_done_fn *done, void *arg);
void early_clear(struct ingest *g);

/* Answers whoever waits for the job; harmless where nobody does. */
void waiters_answer(struct job *j, const struct outcome *o);
/* Nobody waits any longer (the store went). */
void waiters_release(struct job *j);

/* ---- pipeline.c: jobs ---- */
enum job_state {
    JOB_WAITING, /* not begun, or to be tried again */
    JOB_READING, /* bytes are being read */
    JOB_LINED,   /* in its lanes, behind others */
    JOB_RUNNING, /* its steps are under way */
};

enum { SEATS_MAX = 64 };

/* One record being applied; owned by the pipeline. */
struct job {
    struct link link;       /* ingest.jobs */
    struct link start_link; /* ingest.waiting */
    struct ingest *g;
    struct record *r;
    enum job_state state;
    bool replay; /* applied before, perhaps */
    bool asked;  /* out of the spool: what follows from its entry may be missing */
    int tries, reads;
    int64_t not_before_ms; /* monotonic */
    struct touchpoint *tp; /* judged already, or NULL */
    struct link waiters;
    struct seat source_seat;
    bool read_done;
    struct unit **units; /* touchpoints of it */
    size_t units_n, unit_at;
    struct seat *seats;
    size_t seats_n;
    struct arena arena; /* of one try */
    size_t pending;     /* answers awaited by the step under way */
    size_t blob_calls;  /* of them those of the blob store, which outlives this room */
    bool is_dead;
    size_t bytes; /* of its record */
    void (*over)(void *arg);
    void *over_arg;
    bool is_early; /* news of a message that is not known yet */
    struct fault fault;
    struct id raw_ids[16]; /* touchpoints that the raw bytes belong to */
    size_t raw_ids_n;
};

/* take_tp may be NULL: it is read from the record. */
struct job *job_add(struct ingest *g, struct record *take_r, struct touchpoint *take_tp);
/* over(arg) runs once the job has ended, unless it is unwatched before. One watcher. */
void job_watch(struct job *j, void (*over)(void *arg), void *arg);
void job_unwatch(struct job *j);
bool jobs_full(const struct ingest *g);
struct job *job_find(struct ingest *g, uint64_t seq);
/* Starts what may be started. */
void jobs_start(struct ingest *g);
/* Ends of a job's try, once each. fault NULL: applied. */
void job_done(struct job *j);
/* keep.c: until when a channel's bytes are kept, 0 for ever; false: not at all. */
bool kept_until(const struct ingest *g, struct str channel, int64_t from_ms, int64_t *out_until_ms);
void job_failed(struct job *j, const struct fault *fault);
void job_quarantine(struct job *j, const char *reason);
/* Takes seats in the lanes of these keys; runs job_run when it is first in all. */
void job_line_up(struct job *j, const struct id *keys, size_t n);
/* The answers of a step that asks several things at once. */
void job_await(struct job *j);
/* true: that was the last one, go on (j->fault tells). */
bool job_answered(struct job *j, const struct fault *fault);
/* Beside it, of each answer of the blob store. false: the room has closed. */
bool job_blob_answered(struct job *j);
/* Out of memory without a note: it stays among the pending ones of the spool. */
void job_park(struct job *j);
void jobs_clear(struct ingest *g);
void confirm_tick(void *arg);

/* ---- feed.c ---- */
void feed_open(struct ingest *g);
void feed_close(struct ingest *g);
void feed_more(struct ingest *g);
/* A record just committed: into memory, or false: it waits in the spool (nothing was taken). */
bool feed_take(struct ingest *g, struct record *r, struct touchpoint *tp, struct job **out);
/* Everything up to here is applied (or in quarantine). */
uint64_t feed_applied(const struct ingest *g);

/* ---- read.c ---- */
/* Touchpoints of the record into j->units, then job_lined_up through pipeline.c. */
void job_read(struct job *j);
/* The keys of all units are known: takes the lanes. */
void job_units_ready(struct job *j);

/* ---- unit.c ---- */
/* One touchpoint on its way to the timeline. */
struct unit {
    struct job *j;
    struct ingest *g;
    struct touchpoint *tp;
    bool strict;   /* same id, other content is a mismatch */
    bool is_fixed; /* contact and conversation are given (replies, notes) */
    struct id fixed_contact, fixed_conversation;
    struct arena arena; /* of one try */
    int restarts;
    bool looked_once, was_applied; /* its entry was there before the first try */

    struct id hashes[IDENTITIES_MAX]; /* of tp->identities; FIXED: the contact's */
    size_t hashes_n;
    uint32_t lives[IDENTITIES_MAX];
    bool erased[IDENTITIES_MAX]; /* after the touchpoint was accepted */
    struct id references[LOOK_REFERENCES_MAX];
    bool tokens[LOOK_REFERENCES_MAX]; /* the id carries our MAC */
    struct id token_touchpoints[LOOK_REFERENCES_MAX];
    size_t references_n;

    struct id echo_key; /* of an echo: its message id */
    bool echo_settled;  /* it is nobody's reply of ours */

    struct look look;
    struct id contact; /* whom it belongs to */
    bool is_new_contact, is_claimed;
    struct id part;
    struct contact_identity known[IDENTITIES_MAX]; /* for the entry's contact */
    size_t known_n;
    struct link_plan {
        enum { PLAN_ALIAS, PLAN_SUGGEST, PLAN_MERGE } kind;
        size_t identity;
        enum link_basis basis;
        struct id other; /* MERGE, SUGGEST: the other contact */
        bool has_other;
    } plans[2 * IDENTITIES_MAX + 1];
    size_t plans_n, plan_at;
    bool linked;

    enum join_mode mode;
    struct id conversation;
    bool by_source, by_thread, by_callback;
    const struct conversation *existing; /* of look, for the rules; NULL: it begins */
    bool is_flood;                       /* one of too many by this person */
    int64_t repeat;                      /* how many times he has come about it; 0: not counted */
    struct str episode_owner;            /* absent: nobody's, or no episodes are kept */
    struct rule_outcome rule;
    bool wants_task;
    bool settles; /* a talk: nobody need call back any more */
    struct appended appended;
    struct id task;
    bool has_task;
};

struct unit *unit_new(struct job *j, struct touchpoint *take_tp);
void unit_free(struct unit *u);
/* Hashes of its identities and references; called once, before the lanes. */
void unit_prepare(struct unit *u);
/* Keys of its lanes into out; returns how many. */
size_t unit_keys(const struct unit *u, struct id *out, size_t max);
/* Runs it; ends in unit_end or unit_fail. */
void unit_run(struct unit *u);
void unit_end(struct unit *u, const struct outcome *o);
void unit_fail(struct unit *u, const struct fault *fault);

void unit_resolve(struct unit *u); /* resolve.c */
void unit_decided(struct unit *u); /* apply.c: conversation, rules, blobs, claim */
void unit_link(struct unit *u);    /* link.c: then unit_append */
void unit_append(struct unit *u);  /* apply.c */
void unit_effects(struct unit *u); /* follow.c: references, search, task, receipts */
/* ---- callback.c ---- */
/* By which the open conversation of this touchpoint is found; out holds LOOK_FIELD_MAX. */
struct str unit_open_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]);
/* The same by its thread; absent: it has none. */
struct str unit_thread_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]);
/* Both talked. */
bool is_talk(const struct touchpoint *tp);
/* Ends the task that waited for it, then the unit's other effects go on by unit_finish. */
void unit_settle(struct unit *u);
void unit_finish(struct unit *u); /* follow.c */

/* apply.c: what was found of the unit's contact, or NULL. */
enum { PROFILE_MAX = 256 << 10 }; /* JSON of what was patched of a contact */
const struct look_contact *contact_looked(const struct unit *u);

/* episode.c: u->repeat and u->episode_owner, then next. */
void unit_episode(struct unit *u, void (*next)(struct unit *u));
/* What the store is to remember of it. */
void episode_facts(const struct unit *u, struct append *out);
/* budget.c: whether it is one of too many (u->is_flood), then next. */
void unit_budget(struct unit *u, void (*next)(struct unit *u));
/* acknowledge.c: tells the person that it came, where that is wanted and due, then next. */
void unit_acknowledge(struct unit *u, void (*next)(struct unit *u));
/* mark.c: of a bounce or a complaint the address, of a person's mail that it works. Not awaited. */
void unit_mark(struct unit *u);
/* A mail of a person, not of a program. */
bool unit_is_letter(const struct unit *u);
/* Marks the id as erased and ends the unit. */
void unit_drop_erased(struct unit *u);

/* ---- echo.c ---- */
/* Of an outbound touchpoint that may be our own reply come back: ends the unit, or runs it on. */
void unit_echo(struct unit *u);
void echoes_close(struct ingest *g);

/* ---- delivery.c ---- */
void unit_deliver(struct unit *u); /* of an update (tp->update_of) */
void job_deliver(struct job *j);   /* RECORD_DELIVERY */
/* It names a message that is not known yet: kept for a day, then dropped and counted. */
void job_early(struct job *j);

/* ---- media.c ---- */
void media_open(struct ingest *g);
void media_close(struct ingest *g);
/* Takes note of what the entry names. false: no room now. */
bool media_wanted(struct unit *u);
void job_attach(struct job *j); /* attach.c: RECORD_MEDIA */

/* ---- effect.c: RECORD_TASK, CONTACT, CONVERSATION, ERASE ---- */
void job_effect(struct job *j);
void job_canned(struct job *j); /* effect_canned.c */
size_t effect_keys(struct job *j, struct id *out, size_t max);

/* ---- receipts ---- */
void note_step(struct job *j, struct id touchpoint, const char *step, struct str detail);

/* ---- action.c ---- */
void actions_cancel(struct ingest *g);

static inline bool id_same(struct id a, struct id b) {
    return memcmp(a.b, b.b, ID_BYTES) == 0;
}
/* kind and value of an identity to what Redis keeps of it. */
struct contact_identity identity_of(struct ingest *g, const struct identity *i,
                                    enum link_basis link);
struct str reference_scope(const struct touchpoint *tp);

#endif
