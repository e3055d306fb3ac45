/* store/store.h - Redis as a whole: open, state, who is told when it comes back.
 *
 * The shapes (embedded child, one server; later Sentinel and Cluster) are known in this room alone.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct buf;
struct loop;
struct store;

struct store_config { /* section `store`: embedded, or server */
    struct {
        bool present;
        int64_t maxmemory_bytes;
    } embedded;
    struct str server;   /* redis://user@host:6379, rediss://…, unix:PATH; absent: embedded */
    struct str password; /* secret */
    struct {
        struct str ca;
    } tls;
};
extern const struct tl_key store_keys[];

enum store_state { STORE_STARTING, STORE_UP, STORE_DOWN, STORE_RECOVER };

struct store_events {
    void *ctx;
    /* state or why changed; the store has logged it. DOWN's why begins with "refused:" where an
     * operator must act (a setting, a password, the fingerprint): fatal at start, tried again every
     * 30 s later. RECOVER: connected, the caller replays and then calls store_recovered. went_back:
     * the dataset is older than what was confirmed (epoch lower or missing, or another run_id):
     * replay the window. */
    void (*state)(void *ctx, enum store_state state, bool went_back, int64_t epoch,
                  const char *why);
};

/* url_override: REDIS_URL of the environment, or absent. dir: where the embedded server lives
 * (socket, AOF, flock). fingerprint: of secret, normaliser and region; another one in Redis is
 * fault STATE place "fingerprint" (exit 78), told through `state` DOWN, "refused: fingerprint…",
 * since it is found after the connection. Returns at once: whether the server can be used is told
 * by `state`. confirmed_epoch: from the spool. */
bool store_open(struct loop *loop, const struct store_config *config, struct str url_override,
                struct str dir, struct str fingerprint, int64_t confirmed_epoch,
                const struct store_events *events, struct store **out, struct fault *f) must_check;
/* Ends the embedded server after its last write (SIGTERM, waits up to 10 s). Calls that have no
 * answer yet are dropped without one: those who asked are gone by then. */
void store_close(struct store *s);
enum store_state store_state(const struct store *s);
const char *store_why(const struct store *s);
void store_recovered(struct store *s);
/* durable_fn is called once everything answered before the call is beyond the AOF horizon
 * (aof_last_write_status ok, nothing pending, 2 s later), or with false when the store went first:
 * ask again. store_epoch is the epoch (touchline:epoch, this daemon's field) that a dataset must
 * have to hold all that was told durable: inside durable_fn it is the one to be kept with what was
 * confirmed, and given back to store_open. */
int64_t store_epoch(const struct store *s);
void store_when_durable(struct store *s, void (*durable_fn)(void *arg, bool ok), void *arg);
/* Dataset went back further than the window: 0, or since when (ms). Routing waits until confirmed.
 */
int64_t store_loss_since(const struct store *s);
void store_confirm_loss(struct store *s);
void store_note_loss(struct store *s, int64_t since_ms);
/* {"state":"up","why":"","version":"7.0.15","memory":…} */
bool store_describe(const struct store *s, struct buf *out) must_check;

#endif
