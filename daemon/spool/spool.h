/* spool/spool.h - the durable log: writer thread, reader thread, one file.
 *
 *   loop ──push──► [inbox, bounded] ──► writer: BEGIN … COMMIT ──► [outbox] ──eventfd──► done()
 *   loop ──ask───► [questions]      ──► reader: SELECT …       ──► [answers] ──eventfd──► answer()
 *
 * The acknowledgement of everything taken in hangs on this room: done() without error runs only
 * after COMMIT returned with synchronous=FULL. Notes (applied, steps of receipts, outbox and
 * quarantine marks) ride along in the next group and are not awaited; losing the last of them costs
 * a repetition, never a record.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "spool/record.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct loop;
struct spool;

struct spool_config { /* section `spool` */
    int64_t max_bytes, replay_window_ms, keep_receipts_ms;
};
extern const struct tl_key spool_keys[];

enum spool_state {
    SPOOL_OK,
    SPOOL_FULL /* free-space guard or max_size */,
    SPOOL_FAILING /* I/O error, reopening */
};

/* What a commit found out about a record. */
enum spool_verdict {
    SPOOL_KEPT,     /* new: committed */
    SPOOL_KNOWN,    /* this id is here with the same content (or a revision not above ours): nothing
                       written */
    SPOOL_MISMATCH, /* this id is here with other content and no higher revision: nothing written */
    SPOOL_REPEATED, /* idem_key is here with the same idem_hash: nothing written, `answer` holds the
                       first answer */
    SPOOL_IDEM_MISMATCH, /* idem_key is here with another hash */
    SPOOL_REFUSED,       /* full or failing: nothing written, fault tells */
};

/* Opens or creates DIR/spool.db (folder made 0700, fsynced; flock held: a second daemon gets STATE,
 * exit 75). Blocks: start only. Faults: SYSTEM, STATE (newer schema: exit 78; locked: place
 * "lock"). A corrupt database is set aside under another name, reported, and a new one begun. */
bool spool_open(struct loop *loop, struct str dir, const struct spool_config *config,
                struct spool **out, struct fault *f) must_check;
/* Commits what is queued, answers all that is under way, stops the threads, frees. Blocks: shutdown
 * only, and never from inside a callback of this room. */
void spool_close(struct spool *s);
void spool_reconfigure(struct spool *s, const struct spool_config *config);
enum spool_state spool_health(const struct spool *s);

/* Called on the loop, once a record, in the order of push, never from inside push. r is lent: take
 * it over with `*keep = true`, else it is freed afterwards. fault is set only for REFUSED. */
typedef void spool_done_fn(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                           struct str answer, const struct fault *fault);
/* Queues one record; it is taken in any case. false (BUSY): queue full or spool refusing; (INPUT):
 * an erasure whose head cannot be read. done is not called then and the record is freed. With KNOWN
 * and MISMATCH r->seq is that of the record already here. A cursor moves with KEPT and KNOWN, never
 * with the others. */
bool spool_push(struct spool *s, struct record *take_r, spool_done_fn *done, void *arg,
                struct fault *f) must_check;

/* The pipeline follows: called on the loop for each KEPT record, in order of seq, after its done()
 * returned (unless that kept it). The follower owns the record. One follower; without one the
 * records are freed. */
typedef void spool_follow_fn(void *arg, struct record *take_r);
void spool_follow(struct spool *s, spool_follow_fn *follow, void *arg);

/* ---- notes: what became of it ---- */
void spool_note_applied(struct spool *s, uint64_t seq);
/* A step of a receipt; also for records of another id (task moves). detail is short. */
void spool_note_step(struct spool *s, struct str id, int64_t at_ms, const char *step,
                     struct str detail);
/* Moves a record into quarantine with the reason; seq stays for retry. `piece` may be absent: the
 * whole. */
void spool_note_quarantine(struct spool *s, uint64_t seq, struct str id, struct str piece,
                           struct str reason);
/* Every record up to here has been confirmed by the store beyond its AOF horizon. */
void spool_note_confirmed(struct spool *s, uint64_t seq, int64_t epoch);
/* Body has moved to the blob store: may be dropped from the row or file. */
void spool_note_moved(struct spool *s, uint64_t seq);
/* Agents' events that must outlive {r}:log: appended to the archive. */
void spool_note_event(struct spool *s, int64_t at_ms, struct str stream_id, struct str json);

/* ---- outbox ---- */
enum outbox_state { OUTBOX_QUEUED = 0, OUTBOX_SENT = 1, OUTBOX_FAILED = 2 };
struct outbox_row {
    struct str id; /* p_… of the outbound touchpoint */
    struct str source;
    struct str head;     /* the outbound touchpoint's JSON */
    struct str reply_to; /* body of the RECORD_REPLY: JSON of the inbound touchpoint, or absent */
    uint32_t attempts;
    int64_t next_ms, queued_ms;
    enum outbox_state state;
    struct str provider_id;
};
void spool_note_outbox(struct spool *s, struct str id, enum outbox_state state, uint32_t attempts,
                       int64_t next_ms, struct str provider_id, struct str diagnostic);

/* ---- attachments that are fetched later ---- */
struct media_row {
    struct str key; /* of the touchpoint and the word */
    struct str id;  /* p_… of the touchpoint */
    struct str source, channel;
    struct str word;               /* the channel's own, what to fetch */
    int64_t revision, received_ms; /* of the touchpoint */
    uint32_t attempts;
    int64_t next_ms, since_ms;
    struct str result; /* JSON of what became of it, not yet told; absent: to be fetched */
};
/* Wanted from now on. Known already with this revision or a higher one: stays as it is; with a
 * lower one: due again, with its result. false: no room, nothing was noted. */
bool spool_note_media(struct spool *s, const struct media_row *row) must_check;
/* done: told. Else due again at next_ms; a result that is absent leaves what is there. */
void spool_note_media_state(struct spool *s, struct str key, bool done, uint32_t attempts,
                            int64_t next_ms, struct str result);

/* ---- asking (reader thread). answer runs on the loop, once; views are valid inside it. ---- */
/* Ascending seq. records is NULL where the question could not be answered (I/O): not "nothing
 * there". With *keep = true all of them are the callee's. The flag QUARANTINED is never set here:
 * where a record stands now is told by the question. */
typedef void spool_records_fn(void *arg, struct record **records, size_t n, bool *keep);
/* Unapplied records with seq > after, at most max (and 8 MiB). */
void spool_ask_pending(struct spool *s, uint64_t after, size_t max, spool_records_fn *answer,
                       void *arg);
/* For replay after the store went back: all records with seq > after, applied or not, but those
 * that stand whole in quarantine. */
void spool_ask_window(struct spool *s, uint64_t after, size_t max, spool_records_fn *answer,
                      void *arg);
/* One record by id with its body: the newest revision of the touchpoint, else of whatever else
 * bears the id. n is 0 or 1. */
void spool_ask_record(struct spool *s, struct str id, spool_records_fn *answer, void *arg);

typedef void spool_json_fn(void *arg, struct str json); /* absent: not here */
/* The contract's receipt: {"id","state","steps":[…]}. */
void spool_ask_receipt(struct spool *s, struct str id, spool_json_fn *answer, void *arg);
/* {"items":[{"id","source","received_at","reason","size"}],"next"} */
void spool_ask_quarantine(struct spool *s, size_t limit, struct str cursor, spool_json_fn *answer,
                          void *arg);
/* Ids whose message id (touchpoint's own, provider's, call id) was noted: for `touchline trace`. */
void spool_note_alias(struct spool *s, struct str alias, struct str id);
/* {"ids":[…]}, newest first; absent: no such alias. */
void spool_ask_alias(struct spool *s, struct str alias, spool_json_fn *answer, void *arg);
/* Puts it back among the pending ones, or forgets it; answer gets "{}" or absent. */
void spool_quarantine_retry(struct spool *s, struct str id, spool_json_fn *answer, void *arg);
void spool_quarantine_drop(struct spool *s, struct str id, spool_json_fn *answer, void *arg);
typedef void spool_outbox_fn(void *arg, const struct outbox_row *rows, size_t n);
void spool_ask_outbox(struct spool *s, int64_t due_ms, size_t max, spool_outbox_fn *answer,
                      void *arg);
/* The outbox row by provider id or by our id. */
void spool_ask_sent(struct spool *s, struct str id_or_provider_id, spool_outbox_fn *answer,
                    void *arg);
/* What is due to be fetched or told, the longest due first. */
typedef void spool_media_fn(void *arg, const struct media_row *rows, size_t n);
void spool_ask_media(struct spool *s, int64_t due_ms, size_t max, spool_media_fn *answer,
                     void *arg);
/* Archived routing events with from <= time of the stream id < to, as NDJSON; at most 8 MiB, ask on
 * from the last one. */
void spool_ask_events(struct spool *s, int64_t from_ms, int64_t to_ms, spool_json_fn *answer,
                      void *arg);
/* Idempotency of requests that leave no record of their own: absent (never seen), or what was noted
 * first, {"hash":…,"answer":…}. */
void spool_ask_idem(struct spool *s, struct str key, spool_json_fn *answer, void *arg);
void spool_note_idem(struct spool *s, struct str key, struct str hash, struct str answer);

/* ---- what is known of a source ("email:support") ---- */
/* At most 1,000 places above `after`, ascending by bytes. */
void spool_ask_places(struct spool *s, struct str source, struct str after, tl_places_fn *answer,
                      void *arg);
/* Whether touchpoints of these ids ("p_…") were taken in here. */
void spool_ask_known(struct spool *s, const struct str *ids, size_t n, tl_known_fn *answer,
                     void *arg);
/* {"items":[{"source","received","kept","duplicate","quarantined"}]} of the days (UTC) since then.
 * Of a push the source is "push:TOKEN", whatever its events name. */
void spool_ask_tallies(struct spool *s, int64_t since_ms, spool_json_fn *answer, void *arg);
/* What the replay window holds of a source, some thousand records a question:
 * {"items":[{"id","raw","update","state":"pending|quarantined|applied","reason"}],"next": where to
 * ask on, 0 at the end} */
void spool_ask_kept(struct spool *s, struct str source, int64_t since_ms, uint64_t after,
                    spool_json_fn *answer, void *arg);
/* Sets a cursor without a record: known here at once, committed with the next group. Absent or
 * empty: as if there were none. */
void spool_note_cursor(struct spool *s, struct str name, struct str value);

/* ---- known in memory, on the loop ---- */
bool spool_cursor_get(struct spool *s, struct str name, char *out, size_t max, size_t *out_n);
/* Every cursor whose name begins so, with its value; from inside. */
typedef void spool_cursor_fn(void *arg, struct str name, struct str value);
void spool_cursors(const struct spool *s, struct str prefix, spool_cursor_fn *found, void *arg);
/* What was confirmed last: sequence and epoch; 0, 0 in a new spool. */
void spool_confirmed(struct spool *s, uint64_t *out_seq, int64_t *out_epoch);
/* true where the last run did not end in spool_close. */
bool spool_was_unclean(const struct spool *s);

/* ---- ledger of erasures ---- */
/* In memory, loaded at open: was this identity (keyed hash, 16 bytes) erased, and how often, and
 * when last. count 0: never. */
void spool_erased(const struct spool *s, const uint8_t identity[16], uint32_t *out_count,
                  int64_t *out_last_ms);

/* Figures for /readyz and SIGUSR1. */
struct spool_figures {
    uint64_t last_seq, applied, pending, quarantined, outbox;
    int64_t bytes, free_bytes;
};
void spool_figures(const struct spool *s, struct spool_figures *out);

#endif
