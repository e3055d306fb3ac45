/* store/store_priv.h - what the files of this room share.
 *
 *   store.c      opens and closes the room
 *   address.c    where the server is: redis://, rediss://, unix:
 *   embedded.c   the private redis-server child
 *   conn.c       one connection: connect, TLS, AUTH, bytes out, replies in
 *   client.c     calls over the main connection: queue, window, errors mapped
 *   handshake.c  what is asked of a server before it is trusted; settings.c judges its settings,
 *                library.c brings our functions
 *   health.c     the states, the heartbeat, the back-off
 *   horizon.c    the epoch, and when writes are surely on the server's disk
 *
 *   tail.c, subscription.c  streams and channels, each on a connection of its own, that follow the
 * state
 *
 * All of it lives on the loop thread.
 */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/kit/list.h>

#include "store/client.h"
#include "store/store.h"

struct evdns_base;
struct loop_timer;
struct redisReader;
struct ssl_ctx_st;

#define STORE_LIBRARY "tl2" /* version of the function library; part of every function's name */

enum {
    STORE_SILENCE_MS = 2000, /* oldest call unanswered and nothing read: DOWN */
    STORE_CONNECT_MS = 2000,
    STORE_BEAT_MS = 250,
};

/* ---- address.c ---- */
struct store_address {
    bool is_unix, tls, loopback;
    char *path; /* unix */
    char *host; /* else */
    uint16_t port;
    char *user, *password; /* NULL: none */
};
/* redis://[user[:password]@]host[:port][/0], rediss://…, unix:PATH. password may be absent. Fault
 * INPUT. */
bool store_address_parse(struct store_address *a, struct str url, struct str password,
                         struct fault *f) must_check;
void store_address_clear(struct store_address *a);

/* ---- reply.c ---- */
/* A reader that builds struct store_reply; each reply is freed by store_reply_free. */
struct redisReader *store_reader_new(void);
void store_reply_free(void *reply);

/* ---- conn.c ---- */
struct store_conn;
struct store_conn_events {
    void *ctx;
    void (*open)(void *ctx); /* connected and authenticated */
    void (*reply)(void *ctx, const struct store_reply *reply);
    /* Once, not after store_conn_close; the connection is gone. A wrong password begins with
     * "refused:". */
    void (*closed)(void *ctx, const char *why);
};
struct store_conn *store_conn_new(struct store *s, const struct store_conn_events *events);
void store_conn_send(struct store_conn *c, struct str wire);
/* Writes what was sent to the system, waiting at most so long; not over TLS. Shutdown only. */
void store_conn_flush(struct store_conn *c, int64_t ms);
void store_conn_close(struct store_conn *take_c);
/* RESP text of a command; the caller frees. NULL: larger than a command may be. */
char *store_wire(const struct str *argv, size_t n, size_t *out_n);

/* ---- embedded.c ---- */
struct store_embedded;
struct store_embedded *store_embedded_new(struct str dir, int64_t maxmemory_bytes);
/* Starts the server where none of ours runs. false, BUSY: the lock is held by another one still;
 * STATE: it cannot be started at all (why to show the operator). */
bool store_embedded_ensure(struct store_embedded *e, struct fault *f) must_check;
/* Started less than 5 s ago: worth trying again soon. */
bool store_embedded_is_young(const struct store_embedded *e);
/* The last one ended by itself with an error (a broken AOF, no memory), and none has answered
 * since. */
bool store_embedded_failed(const struct store_embedded *e);
void store_embedded_works(struct store_embedded *e);
/* Path of the socket, short whatever the directory's name. */
const char *store_embedded_socket(const struct store_embedded *e);
int64_t store_embedded_pid(const struct store_embedded *e); /* 0: none runs */
/* Ends the server; waits up to 10 s for its last write. */
void store_embedded_free(struct store_embedded *e);

/* ---- settings.c ---- */
/* A field of INFO's text ("aof_enabled"); absent when it is not there. */
struct str store_info(struct str info, const char *field);
int64_t store_info_int(struct str info, const char *field, int64_t otherwise);
/* Judges INFO and CONFIG GET (may be an error where CONFIG is denied). false: f says which setting
 * and what it must be; warn is called for each that should be otherwise. */
bool store_settings_check(struct str info, const struct store_reply *config,
                          void (*warn)(void *ctx, const char *setting, const char *reason),
                          void *ctx, struct fault *f) must_check;
/* The names for CONFIG GET, NULL at the end. */
extern const char *const store_settings_asked[];

/* ---- client.c ---- */
struct store_call;
/* As store_command, but also before the store is up, and ahead of what waits; error replies are
 * left to the caller to judge. */
void store_client_now(struct store *s, const struct str *argv, size_t n, store_reply_fn *done,
                      void *arg);
void store_client_reply(struct store *s, const struct store_reply *reply);
/* Sends what waits, as far as the window allows. */
void store_client_push(struct store *s);
/* Answers those that were refused. */
void store_client_soon(struct store *s);
/* Every call that has no answer gets a BUSY fault; why is its reason. */
void store_client_fail(struct store *s, const char *why);
/* Forgets them without a word: the room closes. */
void store_client_drop(struct store *s);
/* False where nothing was answered for too long. */
bool store_client_is_alive(const struct store *s);
/* What an error reply says of the server. */
enum store_trouble {
    TROUBLE_CALL,    /* of this call alone */
    TROUBLE_SOFT,    /* the server cannot serve now */
    TROUBLE_ROLE,    /* it is no master any more */
    TROUBLE_CONFIG,  /* an operator must act */
    TROUBLE_LIBRARY, /* our functions are not there */
};
enum store_trouble store_trouble_of(struct str error);
/* DOWN where the error tells of the server. true: it does. */
bool store_client_judge(struct store *s, struct str error);

/* ---- library.c ---- */
/* SHA-256 of the text, in hex; tl1_digest of a server answers it when this very text is loaded. */
void store_library_digest(char out[65]);
/* Loads the library, then runs done, unless the connection goes first. */
void store_library_load(struct store *s, void (*done)(struct store *s, bool ok, const char *why));

/* ---- handshake.c ---- */
/* Asks what must be known, step by step; ends in store_health_ready or store_health_down. */
void store_handshake_begin(struct store *s);
/* Settings again, every 60 s. */
void store_handshake_again(struct store *s);

/* ---- health.c ---- */
enum store_retry { RETRY_HARD, RETRY_SOFT, RETRY_CONFIG, RETRY_LOCK };
void store_health_start(struct store *s); /* begins to connect */
void store_health_stop(struct store *s);
const char *store_state_name(enum store_state state);
void store_health_ready(struct store *s); /* the handshake is through */
void store_health_down(struct store *s, enum store_retry retry, const char *format, ...)
    printf_like(3, 4);
/* A connection of another kind (tail, subscription) may be made, or must go. */
struct store_follower {
    struct link link;
    void *ctx;
    void (*follow)(void *ctx, bool up);
};
void store_follow(struct store *s, struct store_follower *fo);
void store_unfollow(struct store_follower *fo);

/* ---- horizon.c ---- */
/* Every beat while ready: moves the round along. */
void store_horizon_beat(struct store *s);
/* The server went: whoever waits learns that nothing is sure. */
void store_horizon_fail(struct store *s);
void store_horizon_drop(struct store *s);
/* Raises touchline:epoch by one; done may be NULL. */
void store_epoch_raise(struct store *s, void (*done)(struct store *s));
/* After a replay of what went back: above all that was confirmed before. */
void store_epoch_heal(struct store *s);

/* ---- subscription.c ---- */
struct store_hub;
void store_hub_free(struct store_hub *h);

struct store {
    struct loop *loop;
    struct store_events events;
    struct store_address address;
    struct ssl_ctx_st *tls;
    struct evdns_base *dns;
    struct store_embedded *embedded; /* NULL: a server of the operator's */
    char *fingerprint;
    char node[33]; /* this daemon's field in touchline:epoch */

    /* client.c: every call is in exactly one list */
    struct store_conn *conn;
    bool open;            /* conn is connected */
    bool ready;           /* the handshake is through: calls may be sent */
    struct link flying;   /* sent, oldest first */
    struct link waiting;  /* beyond the window */
    struct link homeless; /* wait for the library */
    struct link refused;  /* will be answered in the next turn */
    size_t flying_n, waiting_n, bytes;
    int64_t heard_ms; /* last reply, monotonic */
    bool loading;     /* the library is being loaded */

    /* health.c */
    enum store_state state;
    char why[FAULT_REASON_MAX];
    enum store_retry retry;
    struct loop_timer *retry_timer, *beat_timer;
    struct loop_timer *soon_timer; /* answers that must not come from inside a call */
    uint32_t failures, beats;
    struct link followers;
    bool went_back, closing;
    int64_t epoch, epoch_durable;          /* newest; newest that is surely on disk */
    struct link durable_next, durable_now; /* waiters of the next and of the running round */
    int64_t round_ms, round_epoch;         /* running round: raised when, to what (0: not yet) */
    bool round_runs, round_asked;          /* asked: INFO is under way */
    int64_t loss_since_ms;

    /* handshake.c */
    int step;
    char *info;         /* INFO's text as last read */
    bool settings_told; /* warnings were logged for this run_id */
    char run_id[41], version[24];
    int64_t memory_bytes, memory_max_bytes;

    struct store_hub *hub; /* subscription.c; made with the first subscription */
};

#endif
