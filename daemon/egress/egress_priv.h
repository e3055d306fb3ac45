/* egress/egress_priv.h - what the loop's half (egress.c) and the thread's half (transfer.c) share.
 *
 * A request belongs to the side that holds it: made by the loop, handed over by the first queue,
 * filled by the thread, handed back by the second.
 */
#ifndef EGRESS_EGRESS_PRIV_H
#define EGRESS_EGRESS_PRIV_H

#include <curl/curl.h>

#include "base/queue.h"
#include "egress/egress.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>

enum { EGRESS_MAX = 256 }; /* requests queued and under way */

struct request {
    struct link link;
    /* set by the loop */
    char *method, *url;
    struct curl_slist *headers;
    struct buf body;
    uint32_t timeout_ms;
    bool private_allowed;
    int64_t started_us;
    tl_fetched_fn *done;
    void *arg;
    /* set by the thread */
    CURL *easy;
    struct buf answer; /* its ceiling is max_bytes */
    bool too_large, blocked;
    int status;
    bool maybe_sent;
    int64_t retry_after_ms;
    char type[200]; /* Content-Type of the answer */
    char *location; /* of a redirect */
    char error[CURL_ERROR_SIZE];
};

/* The thread: takes requests from `in` until it takes NULL, fails what is then under way, and gives
 * each back through `out`. */
struct transfer_queues {
    struct queue *in, *out;
    struct queue *stream_in, *stream_out; /* messages of stream_priv.h */
};
void transfer_run(void *transfer_queues);

/* What stream.c keeps in the egress: the streams open or being let go. */
struct streams {
    struct link list;
    size_t n;
    bool closing;
};
struct transfer_queues *egress_queues(struct egress *e);
struct streams *egress_streams(struct egress *e);
struct loop *egress_loop(struct egress *e);
void streams_take(struct egress *e);
void streams_close(struct egress *e);

#endif
