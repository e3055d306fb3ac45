/* egress/stream_priv.h - what the loop's half of streams (stream.c) and the thread's half
 * (stream_wire.c) share.
 *
 * They speak by messages through two queues; a message belongs to whoever took it. A stream is made
 * and freed by the loop; the thread never looks at one again after it has sent STREAM_GONE.
 *
 *   loop ── OPEN, WRITE, CREDIT, CLOSE ─────► thread
 *   loop ◄── TELL (UP, DATA, DOWN, DENIED), SENT, GONE ── thread
 *
 * Bounds: the thread reads no more than STREAM_WINDOW bytes beyond what the loop has given credit
 * for; the loop ends a stream of which more than STREAM_UNSENT_MAX bytes wait to be sent.
 */
#ifndef EGRESS_STREAM_PRIV_H
#define EGRESS_STREAM_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/list.h>
#include <touchline/plugin.h>

struct loop;
struct transfer_queues;

enum {
    STREAMS_MAX = 256,
    STREAM_WINDOW = 256 * 1024,
    STREAM_UNSENT_MAX = 1024 * 1024,
};

enum stream_verb {
    STREAM_OPEN = 1,
    STREAM_WRITE,
    STREAM_CREDIT,
    STREAM_CLOSE,
    STREAM_TELL,
    STREAM_SENT,
    STREAM_GONE,
};

/* Where to and as whom; C strings, NULL where absent. Set by the loop, read by the thread. */
struct stream_setup {
    char *url, *user, *password, *bearer, *ca;
    uint32_t timeout_ms;
    bool tls_required, private_allowed;
};

struct wire;
struct egress_stream {
    struct stream_setup setup;
    struct wire *wire; /* the thread's alone */
    /* the loop's alone */
    struct link link;
    struct egress *egress;
    tl_stream_fn *event;
    void *arg;
    struct link waiting; /* messages not told yet */
    size_t unsent_bytes;
    bool held, closed;
};

struct stream_message {
    struct link link;
    enum stream_verb verb;
    enum tl_stream_event event; /* TELL */
    struct egress_stream *stream;
    size_t n; /* of bytes; CREDIT, SENT: how many */
    char bytes[];
};
struct stream_message *stream_message_new(enum stream_verb verb, struct egress_stream *s,
                                          struct str bytes);

/* The thread's half. */
struct stream_thread;
struct stream_thread *stream_thread_new(struct loop *loop, struct transfer_queues *queues);
/* All connections end; nothing is told any more. */
void stream_thread_free(struct stream_thread *t);

#endif
