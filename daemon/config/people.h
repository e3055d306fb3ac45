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

struct config_check;

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
    struct str id, name, email; /* name: the id where none is given */
    struct str password;        /* argon2id string (PHC), absent: no login */
    struct str token;           /* absent: none */
    int64_t role;               /* index in "agent|supervisor" */
    struct tl_strs queues;
    struct tl_ints skills;   /* name -> level 1..10 */
    struct tl_ints capacity; /* as written: see agent_units() and agent_tasks_max() */
    struct tl_strs notify;   /* "stream" */
    int64_t lost_after_ms;
    bool takes_tasks; /* false when queues are only watched: a supervisor without capacity */
};
/* Units in all; 10 where nothing is said. */
int64_t agent_units(const struct agent_config *a);
/* Tasks of one channel at a time; INT64_MAX where only units count. */
int64_t agent_tasks_max(const struct agent_config *a, struct str channel);

/* queues: */
enum { QUEUE_LONGEST_IDLE, QUEUE_LEAST_LOAD };
struct queue_config {
    struct str id, name;
    struct str service_level; /* absent: none */
    int64_t strategy;         /* index in "longest-idle|least-load" */
    int64_t order;            /* index in "strict" */
    struct {
        int64_t every_ms, by, cap;
    } ageing;
    struct {
        int64_t timeout_ms, call_ms /* 0: as timeout */, to, missed_limit, missed_holdoff_ms,
            reject_holdoff_ms;
    } offer;
    struct {
        int64_t default_ms, call_ms; /* call -1: as default */
    } wrapup;
    struct {
        int64_t window_ms /* 0: nobody sticks */, wait_ms;
    } sticky;
};

extern const struct tl_key token_keys[], agent_keys[], queue_keys[], skills_keys[], units_keys[];
/* units: a TL_KEY_INTMAP, weight of one task by channel; "default" where a channel is not named.
 * skills: TL_KEY_STRS. */
int64_t units_of(const struct tl_ints *units, struct str channel);

/* The checks of their sections. agents_check also completes name and takes_tasks. */
void tokens_check(const void *tokens, struct config_check *c);
void agents_check(const void *agents, struct config_check *c);
void queues_check(const void *queues, struct config_check *c);
void skills_check(const void *skills, struct config_check *c);

#endif
