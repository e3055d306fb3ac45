/* store/client.h - the connection to Redis: pipelined calls, answers on the loop, states.
 *
 * hiredis formats and reads the protocol (RESP2); the connection is ours on bufferevents (unix,
 * TCP, TLS; AUTH; deadlines; back-off). Every atomic step is one FCALL of a function whose keys
 * share one slot. Only store/ includes this header.
 *
 *   UP ──refused, EOF, silence for 2 s, MISCONF, OOM──► DOWN ──PING, ROLE, settings, library──► RECOVER ──► UP
 */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>

#include "store/store.h"

struct store_reply {
    enum { STORE_NIL, STORE_STR, STORE_INT, STORE_ARRAY, STORE_STATUS, STORE_ERROR } type;
    struct str str; /* STR, STATUS, ERROR */
    int64_t integer;
    const struct store_reply *items; /* ARRAY */
    size_t n;
};
/* Once a call, on the loop, never from inside. fault: no answer was had (BUSY: the effect is
 * unknown; the caller repeats, which must be harmless) or the server refused (STATE). Views are
 * valid inside the call. */
typedef void store_reply_fn(void *arg, const struct store_reply *reply, const struct fault *fault);

/* Any command, argv[0] its name; for the few that are no functions (ZRANGE, HMGET, XREAD …).
 * key_at: index of the key that gives the slot, 0: none. */
void store_command(struct store *s, const struct str *argv, size_t n, size_t key_at,
                   store_reply_fn *done, void *arg);
/* FCALL (ro: FCALL_RO) of tl<version>_<name>. All keys share one slot. */
void store_function(struct store *s, const char *name, bool ro, const struct str *keys,
                    size_t keys_n, const struct str *args, size_t args_n, store_reply_fn *done,
                    void *arg);
/* Text of an integer in the caller's small buffer. */
struct str store_int(int64_t v, char out[24]);

/* A stream read by a connection of its own (XREAD BLOCK): each entry in order, from after `from`
 * ("$": new ones). Reconnects and goes on by itself; `reset` is told when entries may have been
 * missed. */
struct store_tail;
typedef void store_tail_fn(void *arg, struct str entry_id, const struct store_reply *fields);
struct store_tail *store_tail_new(struct store *s, struct str key, struct str from,
                                  store_tail_fn *entry, void (*reset)(void *arg), void *arg);
void store_tail_free(struct store_tail *t);
/* Sharded subscription, on one more connection shared by all. */
struct store_subscription;
typedef void store_message_fn(void *arg, struct str channel, struct str payload);
struct store_subscription *store_subscribe(struct store *s, struct str channel,
                                           store_message_fn *message, void *arg);
void store_unsubscribe(struct store_subscription *take_sub);

#endif
