/* spool/spool_priv.h - what the files of this room share: the jobs between the threads, and who
 * owns what.
 *
 * A job is made on the loop, travels to the writer (inbox) or the reader (questions), and comes
 * back on `answers`, where the loop calls out and frees it. It has one owner at a time: whoever
 * holds it.
 */
#ifndef SPOOL_SPOOL_PRIV_H
#define SPOOL_SPOOL_PRIV_H

#include <stdatomic.h>
#include <sys/statvfs.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/list.h>

#include "base/loop.h"
#include "base/queue.h"
#include "spool/db.h"
#include "spool/folder.h"
#include "spool/guard.h"
#include "spool/ledger.h"
#include "spool/seen.h"
#include "spool/spool.h"

enum {
    GROUP_MAX = 256,              /* records a commit */
    GROUP_BYTES = 1 << 20,        /* bytes a commit, but always one record */
    GROUP_WAIT_MS = 2,            /* for more, while they come in numbers */
    INBOX_MAX = 4096,             /* records queued; beyond: BUSY */
    INBOX_BYTES = 64 << 20,       /* their bytes likewise */
    NOTES_FLUSH_MS = 50,          /* a note waits so long at most */
    NOTES_BATCH = 1024,           /* notes in one batch */
    NOTES_BYTES = 32 << 20,       /* notes not yet committed; beyond they are dropped and counted */
    BIG_BODY = 256 * 1024,        /* above: a file beside the row */
    RECORD_BYTES_MAX = 512 << 20, /* what SQLite and a file take without further thought */
    ANSWER_BYTES = 8 << 20,       /* of records or events in one answer */
    STEPS_BYTES = 32 * 1024,      /* of one receipt */
};

enum job_kind {
    JOB_PUSH,    /* struct push */
    JOB_NOTES,   /* struct notes */
    JOB_ASK,     /* struct question: read, behind what was written before it */
    JOB_CHANGE,  /* struct question that writes */
    JOB_CONFIG,  /* struct reconfigure */
    JOB_CORRUPT, /* the background check found the file broken */
    JOB_STOP,
};
struct job {
    enum job_kind kind;
    struct link link;
};

struct push {
    struct job job;
    struct record *record;
    spool_done_fn *done;
    void *arg;
    size_t bytes;
    uint8_t (*erased)[LEDGER_ID]; /* RECORD_ERASE: its identities, in the record's arena */
    size_t erased_n;
    int64_t erased_ms;
    /* set by the writer */
    enum spool_verdict verdict;
    uint64_t tried;    /* seq of an attempt whose COMMIT failed: may be on the disk nevertheless */
    struct str answer; /* in the record's arena */
    struct fault *fault; /* of REFUSED */
};

enum note_kind {
    NOTE_STEPS,
    NOTE_QUARANTINE,
    NOTE_MOVED,
    NOTE_EVENT,
    NOTE_ALIAS,
    NOTE_OUTBOX,
    NOTE_IDEM,
    NOTE_CURSOR,
    NOTE_MEDIA,
    NOTE_MEDIA_STATE,
};
struct step {
    struct step *next;
    struct str line; /* "AT_MS\tSTEP\tDETAIL\n" */
};
struct note {
    struct link link;
    struct note *chain; /* NOTE_STEPS: same bucket */
    enum note_kind kind;
    uint64_t seq;
    int64_t at_ms;
    uint32_t attempts;
    enum outbox_state state;
    struct str id, a, b;
    const struct media_row *media; /* NOTE_MEDIA */
    bool done;                     /* NOTE_MEDIA_STATE */
    struct step *steps, **steps_end;
};
enum { NOTES_BUCKETS = 64 };
/* A batch: filled on the loop, written by the writer, freed on the loop. */
struct notes {
    struct job job;
    struct arena arena;
    struct link list;
    size_t count, bytes;
    struct note *buckets[NOTES_BUCKETS]; /* steps by id */
    uint64_t *applied;
    size_t applied_n, applied_room;
    bool confirmed;
    uint64_t confirmed_seq;
    int64_t confirmed_epoch;
};

enum ask {
    ASK_PENDING,
    ASK_WINDOW,
    ASK_RECORD,
    ASK_RECEIPT,
    ASK_QUARANTINE,
    ASK_ALIAS,
    ASK_OUTBOX,
    ASK_SENT,
    ASK_EVENTS,
    ASK_IDEM,
    ASK_PLACES,
    ASK_KNOWN,
    ASK_TALLIES,
    ASK_KEPT,
    ASK_MEDIA,
    ASK_RETRY, /* these two write */
    ASK_DROP,
};
/* One of several ids asked for at once. */
struct wanted {
    struct str id;
    int64_t *late; /* receipts of it that no index knows yet */
    size_t late_n;
};
struct question {
    struct job job;
    enum ask ask;
    struct arena arena;
    struct str text, from_text;
    struct wanted *wanted; /* of KNOWN */
    size_t wanted_n;
    int64_t *late; /* receipts of this id that no index knows yet */
    size_t late_n;
    uint64_t after;
    int64_t from_ms, to_ms;
    size_t max;
    spool_records_fn *on_records; /* one of them is set */
    spool_json_fn *on_json;
    spool_outbox_fn *on_outbox;
    tl_places_fn *on_places;
    tl_known_fn *on_known;
    spool_media_fn *on_media;
    void *arg;
    /* the answer */
    bool failed, found;
    struct record **records;
    struct outbox_row *rows;
    struct tl_place *places;
    bool *known;
    struct media_row *media;
    size_t n, room;
    struct buf json;
};

struct reconfigure {
    struct job job;
    struct spool_config config;
};

/* How many of what; committed, or what a transaction will add. */
struct source_tally; /* places.c */
struct tally {
    int64_t records, pending, quarantined, outbox, bodies_bytes;
};

/* Writer thread, but for open and close, when it does not run. */
struct writer {
    struct spool *spool;
    void *thread;
    struct db db;
    struct spool_config config;
    struct guard guard;
    uint64_t last_seq; /* committed */
    uint64_t next_seq; /* inside a transaction */
    struct tally now, delta;
    struct source_tally *tallies; /* of the open transaction */
    size_t tallies_n, tallies_room;
    struct seen seen;
    struct job *taken[GROUP_MAX]; /* from the inbox, in order */
    size_t taken_n, group_n;
    size_t burst;           /* records of the last group */
    struct link left_notes; /* batches whose commit failed */
    uint64_t *drops;        /* bodies to be unlinked once the transaction is committed */
    size_t drops_n, drops_room;
    bool failing, stopping, retrying, bodies_written;
    int wal_pages;
    int64_t probe_ms, checkpoint_ms, retention_ms, gauges_ms,
        set_aside_ms; /* monotonic: when next */
    /* retention */
    uint64_t retention_after;
    int64_t retention_restart_ms;
    int64_t wall_ms, mono_ms; /* both clocks as retention saw them last */
    bool clock_told, cut_told;
    uint64_t confirmed_seq;
};

/* Reader thread. */
struct reader {
    struct spool *spool;
    void *thread;
    struct db db;
    bool open;
    unsigned generation;
    int64_t deadline_ms;
};

struct spool_cursor {
    char *name, *value;
    size_t value_n;
};

struct spool {
    /* loop thread */
    struct loop *loop;
    struct event *answers_event;
    struct loop_timer *flush;
    struct notes *notes; /* being filled, or NULL */
    size_t notes_flying, notes_bytes, notes_dropped;
    int64_t notes_told_ms;
    size_t queued, queued_bytes, asked;
    bool closing;
    spool_follow_fn *follow;
    void *follow_arg;
    struct spool_cursor *cursors;
    size_t cursors_n;
    struct ledger ledger;
    uint64_t confirmed_seq;
    int64_t confirmed_epoch;
    bool unclean;
    /* any thread */
    struct folder folder;
    struct queue *inbox, *questions, *answers;
    _Atomic int state; /* enum spool_state */
    _Atomic uint64_t last_seq, pending, quarantined, outbox;
    _Atomic int64_t bytes, free_bytes;
    _Atomic unsigned generation; /* counts databases: one set aside, another begun */
    _Atomic bool check_stop;
    void *check_thread;
    /* one thread each */
    struct writer writer;
    struct reader reader;
};

/* For tests: what the guard asks. */
extern int (*spool_statvfs)(const char *path, struct statvfs *out);

/* ---- loop side: spool.c, push.c, notes.c, ask.c ---- */
void spool_deliver(struct spool *s, struct job *take_job);
void spool_notes_flush(struct spool *s);
void spool_notes_free(struct notes *n);
/* The batch to add to; NULL: this note is dropped. */
struct notes *spool_notes_batch(struct spool *s);
struct note *spool_note_new(struct notes *b, enum note_kind kind);
struct question *spool_question_new(struct spool *s, enum ask ask, void *arg);
void spool_question_ask(struct spool *s, struct question *take_q);
/* One step as the receipts hold it; *out is initialised here. Any thread. */
void spool_step_line(struct buf *out, int64_t at_ms, const char *step, struct str detail);
void spool_cursor_set(struct spool *s, struct str name, struct str value);
bool spool_load(struct spool *s, struct fault *f) must_check; /* cursors, ledger, confirmed */

/* ---- writer side ---- */
bool writer_open(struct writer *w, struct fault *f) must_check;
void writer_run(void *arg);
/* Ends in a committed "clean", where it can. */
void writer_close(struct writer *w);
/* The connection is made anew; a broken file is set aside. */
bool writer_reopen(struct writer *w, struct fault *f) must_check;
void writer_fail(struct writer *w, const struct fault *why);
/* The file is broken: renamed, a new one begun with what could be read of the old. */
bool writer_set_aside(struct writer *w, const char *why, struct fault *f) must_check;
/* Into the open, empty database. salvage.c */
bool salvage(struct writer *w, const char *stamp, struct fault *f) must_check;
void writer_publish(struct writer *w);
bool writer_begin(struct writer *w, struct fault *f) must_check;
/* COMMIT; on success what the transaction counted holds. */
bool writer_commit(struct writer *w, struct fault *f) must_check;
void writer_rollback(struct writer *w);
/* The file goes after the commit: the mark is on the disk first. */
void writer_drop_body(struct writer *w, uint64_t seq, int64_t bytes);
void group_run(struct writer *w); /* group.c: the first group_n of `taken` */
/* places.c: the place of a record; what a group brought each source, written with it. */
bool place_write(struct writer *w, const struct record *r, struct fault *f) must_check;
void tally_push(struct writer *w, const struct push *p);
bool tally_quarantined(struct writer *w, uint64_t seq, struct fault *f) must_check;
bool tallies_write(struct writer *w, struct fault *f) must_check;
void tallies_forget(struct writer *w);
bool keep_record(struct writer *w, struct push *p, struct fault *f) must_check; /* keep.c */
bool notes_write(struct writer *w, const struct notes *n, struct fault *f)
    must_check; /* notes_write.c */
/* media.c */
bool media_write(struct writer *w, const struct note *n, struct fault *f) must_check;
bool media_state_write(struct writer *w, const struct note *n, struct fault *f) must_check;
bool steps_write(struct writer *w, struct str id, struct str lines, struct fault *f) must_check;
bool change_write(struct writer *w, struct question *q, struct fault *f) must_check; /* change.c */
/* One batch of what has outlived its time, in a transaction of its own. *out_more: there is more.
 */
bool retention_run(struct writer *w, bool *out_more, struct fault *f) must_check; /* retention.c */
void writer_upkeep(struct writer *w, bool idle);                                  /* upkeep.c */
/* The guard looks, at most every 100 ms unless at_once; tells of a change. */
void writer_look(struct writer *w, bool at_once);
int writer_patience_ms(const struct writer *w);
int64_t writer_used_bytes(struct writer *w);

/* ---- reader side ---- */
void reader_run(void *arg);
bool read_records(struct reader *r, struct question *q, struct fault *f)
    must_check; /* read_records.c */
/* The receipts that may be of q->text, oldest first. */
bool read_rows_of(struct reader *r, struct question *q, int64_t **out, size_t *out_n,
                  struct fault *f) must_check;
bool read_receipt(struct reader *r, struct question *q, struct fault *f)
    must_check; /* read_receipt.c */
bool read_quarantine(struct reader *r, struct question *q, struct fault *f)
    must_check; /* read_lists.c */
bool read_alias(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_outbox(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_events(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_idem(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_places(struct reader *r, struct question *q, struct fault *f)
    must_check; /* read_places.c */
bool read_known(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_tallies(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_kept(struct reader *r, struct question *q, struct fault *f) must_check;
bool read_media(struct reader *r, struct question *q, struct fault *f) must_check; /* media.c */
void question_free(struct question *q);

/* quick_check on a connection and thread of its own; ends soon after check_stop. check.c */
void check_run(void *arg);

#endif
