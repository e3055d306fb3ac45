/* config/people.h - what several rooms read of the file: tokens, agents, queues, skills, units.
 *
 * The structs that the tables in people.c fill. Rooms take from here and keep their own copies of
 * what they need across a reload.
 */
#ifndef CONFIG_PEOPLE_H
#define CONFIG_PEOPLE_H

#include <stdint.h>

#include <touchline/plugin.h>

enum role { ROLE_NONE, ROLE_ADAPTER, ROLE_AGENT, ROLE_SUPERVISOR, ROLE_OPERATOR };

/* tokens: */
struct token_config {
    struct str name;
    int64_t role;  /* index in "adapter|operator": see token_role() */
    int64_t trust; /* index in "claimed|verified" */
    struct str token;
    struct tl_strs channels; /* of an adapter: what it may push; empty: all */
};
enum role token_role(const struct token_config *t);

/* agents: */
struct agent_config {
    struct str id, name, email;
    struct str password; /* argon2id string (PHC), absent: no login */
    struct str token;    /* absent: none */
    int64_t role;        /* index in "agent|supervisor" */
    struct tl_strs queues;
    struct tl_ints skills;   /* name -> level 1..10 */
    struct tl_ints capacity; /* "units" -> in all, CHANNEL -> tasks of it; absent channel: units only */
    int64_t lost_after_ms;
    bool takes_tasks;        /* false when queues are only watched: a supervisor */
};

/* queues: */
struct queue_config {
    struct str id, name;
    int64_t strategy; /* index in "longest-idle|least-load" */
    struct {
        int64_t every_ms, by, cap;
    } ageing;
    struct {
        int64_t timeout_ms, call_ms /* 0: as timeout */, missed_limit, missed_holdoff_ms, reject_holdoff_ms;
    } offer;
    struct {
        int64_t default_ms, call_ms; /* call -1: as default */
    } wrapup;
    struct {
        int64_t window_ms, wait_ms;
    } sticky;
};

extern const struct tl_key token_keys[], agent_keys[], queue_keys[];
/* units: a TL_KEY_INTMAP, weight of one task by channel; "default" where a channel is not named.
 * skills: TL_KEY_STRS. */
int64_t units_of(const struct tl_ints *units, struct str channel);

#endif
