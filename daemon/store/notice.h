/* store/notice.h - what agents without a stream are to be told by mail or webhook, kept in the slot
 * {r} (functions/task_notice.lua) beside the offers that it tells of, and as durable.
 *
 * A notice is made once by whichever daemon looks, and is one daemon's at a time; it stays until it
 * is said to be done. Called by delivery/.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/str.h>

struct store;

enum { NOTICE_KEY_MAX = 64, NOTICE_CLAIM_MS = 20000 };

/* Who is told how: ways " mail ", " webhook ", " mail webhook ". */
struct notice_told {
    struct str agent, ways;
};
/* ok false: no answer. more: there are further entries to look at. dropped: too many for an agent.
 */
typedef void notice_scanned_fn(void *arg, bool ok, bool more, int64_t made, int64_t dropped);
/* Looks at what the log says since the last look of any daemon, and makes notices of it. */
void store_notice_scan(struct store *s, const struct notice_told *told, size_t n,
                       notice_scanned_fn *done, void *arg);

struct notice {
    struct str key; /* "webhook 1700000000000-0": the way, and the log's entry it tells of */
    struct str agent, way;
    struct str type; /* offer revoke task */
    struct str task; /* its id */
    struct str json; /* the event's data; for mail the task */
    int64_t offer;   /* 0: none */
    int64_t tries;   /* this one counted */
    bool over;       /* the offer has ended: dropped already, nothing is to be sent */
};
/* ok false: no answer; what was taken is another's after NOTICE_CLAIM_MS. */
typedef void notice_taken_fn(void *arg, bool ok, const struct notice *list, size_t n);
/* Those that are due, at most max; each is the caller's for NOTICE_CLAIM_MS. */
void store_notice_take(struct store *s, size_t max, notice_taken_fn *done, void *arg);
/* Due again in so long: the next attempt, or mine for longer. Nobody waits for it. */
void store_notice_later(struct store *s, int64_t in_ms, const struct str *keys, size_t n);
void store_notice_done(struct store *s, struct str key);

#endif
