/* plugin/operation.h - long work that an operator asked for: reconcile, backfill, reindex.
 *
 *   POST ──► begin ──► a channel's operate(), or the daemon's own work
 *                         └─ progress, item … end ──► what GET shows; kept for a day
 *
 * One at a time on a source. Where it was left when it was interrupted (cancelled, the daemon
 * stopped) stands in the spool; the same work asked for again within a day goes on from there.
 */
#ifndef PLUGIN_OPERATION_H
#define PLUGIN_OPERATION_H

#include <stdbool.h>

#include <touchline/kit/buf.h>
#include <touchline/plugin.h>

struct plugin_host;

struct operation_request {
    struct str kind;   /* "reconcile", "backfill", "reindex" */
    struct str source; /* "email:support", or the instance alone where one channel has it */
    struct str since;  /* as it was asked for: the same words go on where it was left */
    int64_t since_ms;  /* 0: from the beginning */
    bool anew;         /* what was left is forgotten */
};
enum operation_begun {
    OPERATION_BEGUN,
    OPERATION_NO_SOURCE, /* nobody here has such a source */
    OPERATION_AMBIGUOUS, /* several channels have an instance of that name */
    OPERATION_NOT_HERE,  /* this source does not know that kind of work */
    OPERATION_UNDER_WAY, /* another one runs on the source; out is that one's id */
};
enum { OPERATION_ID_MAX = 40 };

/* Begins it at its channel; a reconcile that the channel does not do is done here, by the ledger's
 * figures. out_id "o_…" is written with BEGUN and UNDER_WAY. */
enum operation_begun plugin_host_operate(struct plugin_host *h,
                                         const struct operation_request *request,
                                         char out_id[OPERATION_ID_MAX]);
/* Work of the daemon's own: the caller runs it and ends it by host_operation_end. NULL: see out. */
struct tl_operation *operation_begin(struct plugin_host *h, const struct operation_request *request,
                                     enum operation_begun *out, char out_id[OPERATION_ID_MAX]);
/* Where it was left, or absent: anew. */
struct str operation_mark(const struct tl_operation *op);
int64_t operation_since_ms(const struct tl_operation *op);
struct str operation_source(const struct tl_operation *op);

/* {"id","kind","source","state","since","done","total","started_at","ended_at","resumed","summary",
 * "reason","items":[…],"next"}: limit items from the from-th on. false: no such operation. */
bool plugin_host_operation(struct plugin_host *h, struct str id, size_t from, size_t limit,
                           struct buf *out) must_check;
/* Asks it to end. false: no such operation. */
bool plugin_host_operation_cancel(struct plugin_host *h, struct str id) must_check;

/* The host's table. */
bool host_operation_progress(struct tl_operation *op, uint64_t done, uint64_t total,
                             struct str mark);
void host_operation_item(struct tl_operation *op, struct str json);
void host_operation_end(struct tl_operation *take_op, bool ok, struct str summary_or_reason);

#endif
