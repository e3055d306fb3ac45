/* ingest/ingest.h - the room's whole: intake, pipeline, rules, actions; opened by main.c.
 *
 * The pipeline tails the spool: every kept record, in order, live ones behind those being replayed.
 * Records of one home are applied in that order, others beside it (bounded). What Redis has not
 * confirmed is replayed at start.
 */
#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "ingest/acknowledge.h"
#include "ingest/fetcher.h"
#include "ingest/reader.h"
#include "ingest/rules.h"
#include "store/answer.h"

struct blob_store;
struct config_check;
struct id_maker;
struct ingest;
struct intake;
struct loop;
struct pulses;
struct spool;
struct store;

/* Who ends a task that has come about by itself (dispatch/settle.c), handed in by main.c. done
 * once, later; LATER: come again, all else: it has ended, now or before. */
struct settler {
    void *ctx;
    void (*settle)(void *ctx, struct str task, struct str reason, answer_fn *done, void *arg);
};

struct ingest_parts {
    struct loop *loop;
    struct spool *spool;
    struct blob_store *blobs;
    struct store *store;
    struct id_maker *ids;
    struct reader reader;
    struct settler settler;
    struct rule_calendars calendars;
    struct fetcher fetcher;
    int64_t fetch_max_bytes; /* of one attachment */
    struct acknowledger acknowledger;
    struct tl_rate correspondent; /* limits.correspondent */
    struct str region;
    bool link_claims;                 /* identity.link_claims */
    int64_t episode_ms;               /* episode.window; 0: none are kept */
    const struct tl_pairs *keep;      /* blobs.keep: channel -> duration or "no" */
    const struct tl_items *mask;      /* section `mask`; may be NULL */
    const struct alarm_config *alarm; /* section `alarm`; NULL: silence is not judged */
};
bool ingest_open(const struct ingest_parts *parts, const struct tl_items *rules,
                 struct ingest **out, struct fault *f) must_check;
void ingest_reload(struct ingest *g, const struct tl_items *rules,
                   const struct ingest_parts *parts);
void ingest_drain(struct ingest *g); /* applies what is in flight, takes no more from the spool */
void ingest_close(struct ingest *g);
struct intake *ingest_intake(struct ingest *g);

/* The store is connected: replay (from the confirmed sequence; the whole window when it went back),
 * then recovered(arg). */
void ingest_recover(struct ingest *g, bool went_back, void (*recovered)(void *arg), void *arg);
void ingest_store_lost(struct ingest *g);
bool ingest_idle(const struct ingest *g);
/* Records waiting to be applied. */
uint64_t ingest_backlog(const struct ingest *g);
/* Which sources live (ingest/pulses.h). */
const struct pulses *ingest_pulses(const struct ingest *g);

/* ---- actions on contacts and conversations: decided by Redis, committed as a record, then
 * answered ---- op: {"op": "create|patch|merge|split|confirm|dismiss|erase|reindex" or
 * "conversation.patch|conversation.note|answer.create|answer.put|answer.drop", "id": …, "body": the
 * request's JSON, "by": agent or token name, "if_rev": n}. The answer's json is the resource
 * afterwards. */
void ingest_action(struct ingest *g, struct str op_json, answer_fn *done, void *arg);
/* Told now and then; mark: where to go on after an interruption. false: end it. */
typedef bool reindex_progress_fn(void *arg, uint64_t done, uint64_t total, struct str mark);
/* Rebuilds {x:…}; answer {"contacts": n}. mark: of one that was interrupted, or absent; progress
 * may be NULL. */
void ingest_reindex(struct ingest *g, struct str mark, reindex_progress_fn *progress,
                    answer_fn *done, void *arg);

#endif
