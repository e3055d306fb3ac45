/* worker/worker.h - child processes for what blocks without bounds or can be attacked.
 *
 * fork and exec of ourselves (/proc/self/exe --worker), a socketpair, rlimits (address space, CPU,
 * files), a deadline per job. A child that dies or overruns is killed and replaced; its job fails
 * with the reason. Jobs: reading for a channel, work of a channel (sending mail), hashing a
 * password. One at a time a child.
 *
 *   wire: frames { u32 length, u8 type } both ways; types in worker/wire.h
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct loop;
struct worker_pool;

/* kind of pool: their children are apart, so that slow SMTP cannot starve reading. */
enum worker_pool_kind { WORKER_READ, WORKER_SEND, WORKER_PASSWORD, WORKER_POOLS };

struct worker_answer {
    /* in the order emitted; for WORKER_READ */
    struct worker_item {
        enum { WORKER_TOUCHPOINT = 1, WORKER_BLOB, WORKER_BAD, WORKER_ANSWER } type;
        struct str ref_or_reason; /* BLOB: ref; BAD: reason */
        struct str bytes;         /* JSON, blob, bad piece, answer */
    } const *items;
    size_t n;
    bool ok;     /* what the function returned; false also when the child died */
    bool killed; /* by deadline, rlimit or signal */
    const char *reason;
};
/* Once a job, on the loop. Views are valid inside the call. */
typedef void worker_done_fn(void *arg, const struct worker_answer *answer);

/* plugin_folders: where the child finds NAME.so. max: children of each pool (at least 1; started on
 * demand, ended after 60 s without work). */
bool worker_open(struct loop *loop, const struct tl_strs *plugin_folders, uint32_t max,
                 struct worker_pool **out, struct fault *f) must_check;
/* Kills the children; what waits or is under way fails by its done, called in here. Not from a
 * done. */
void worker_close(struct worker_pool *p);

/* Runs plugin->read in a child. false (BUSY): the queue of 4096 jobs is full. */
bool worker_read(struct worker_pool *p, struct str plugin, const struct tl_read *in,
                 uint32_t deadline_ms, worker_done_fn *done, void *arg, struct fault *f) must_check;
/* Runs plugin->work. */
bool worker_work(struct worker_pool *p, struct str plugin, struct str kind, struct str payload,
                 uint32_t deadline_ms, worker_done_fn *done, void *arg, struct fault *f) must_check;
/* Argon2id in a child: verify (ok = matches) or make a PHC string (one ANSWER item). */
bool worker_password_verify(struct worker_pool *p, struct str phc, struct str password,
                            worker_done_fn *done, void *arg, struct fault *f) must_check;
bool worker_password_hash(struct worker_pool *p, struct str password, worker_done_fn *done,
                          void *arg, struct fault *f) must_check;

/* Entry of the child: main.c calls it when argv says --worker; returns the exit code. fd 3 is the
 * socket. */
int worker_child_main(int argc, char **argv);

#endif
