/* config/people.h - what several rooms read of the file: tokens, agents, queues, skills, units.
 *
 * The structs that the tables in people.c and queues.c fill. Rooms take from here and keep their
 * own copies of what they need across a reload.
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
struct membership_config {
    struct str id; /* of the queue */
    int64_t tier, weight;
};
struct agent_config {
    struct str id, name, email;  /* name: the id where none is given */
    struct str password;         /* argon2id string (PHC), absent: no login */
    struct str token;            /* absent: none */
    int64_t role;                /* index in "agent|supervisor" */
    struct tl_items memberships; /* struct membership_config, as written */
    struct tl_strs queues;       /* their ids */
    struct tl_ints skills;       /* name -> level 1..10 */
    struct tl_ints capacity;     /* as written: see agent_units() and agent_tasks_max() */
    struct tl_strs notify;       /* "stream", "mail", "webhook": see notices.h */
    struct {
        struct str url, secret; /* absent: none */
    } webhook;
    int64_t lost_after_ms;
    bool takes_tasks; /* false when queues are only watched: a supervisor without capacity */
};
/* Units in all; 10 where nothing is said. */
int64_t agent_units(const struct agent_config *a);
/* Tasks of one channel at a time; INT64_MAX where only units count. */
int64_t agent_tasks_max(const struct agent_config *a, struct str channel);

/* queues: */
enum {
    QUEUE_STEPS_MAX = 32,
    QUEUE_ADDED_MAX = 8,
    QUEUE_TIERS_MAX = 10,
    QUEUE_OFFERS_MAX = 50,
};
/* One trigger, and what is done then. */
struct step_config {
    struct str after;      /* as written: a duration or a share */
    int64_t after_ms;      /* -1: not by age */
    int64_t after_percent; /* of the running service level; 0: not so */
    int64_t waiting;       /* so many wait; 0: not so */
    bool skip_if_none_available;
    struct tl_ints relax; /* skill -> smallest level from now on, 0: not asked for */
    struct tl_strs add_queues;
    int64_t raise; /* priority by so much */
    struct str move_to;
    struct tl_strs notify; /* "supervisors" */
};
struct queue_config {
    struct str id, name;
    struct str service_level; /* absent: none */
    int64_t strategy;         /* index in QUEUE_STRATEGIES */
    int64_t order;            /* index in "strict|score|slack|lifo" */
    int64_t weight;           /* between queues of one agent */
    int64_t tier_wait_ms;
    struct {
        int64_t every_ms, by, cap;
    } ageing;
    struct {
        int64_t timeout_ms, call_ms /* 0: as timeout */, to /* 0: 1, all with broadcast */,
            missed_limit, missed_holdoff_ms, reject_holdoff_ms, start_by_ms /* 0: never */;
        bool penalise_reject;
    } offer;
    struct {
        int64_t default_ms, call_ms; /* call -1: as default */
    } wrapup, handle_time;
    struct {
        int64_t window_ms /* 0: nobody sticks */, wait_ms;
    } sticky;
    struct tl_items steps; /* struct step_config */
};

/* blocks: by the channel that is held, in the order of blocks_keys; "all", "none" or channels. */
enum { CHANNELS_KNOWN = 11 };
struct blocks_config {
    struct tl_strs by[CHANNELS_KNOWN];
};
const char *channel_name(size_t i); /* NULL: no more */

/* key_accounts: */
struct key_accounts_config {
    int64_t hard_wait_ms;
};

extern const struct tl_key token_keys[], agent_keys[], queue_keys[], skills_keys[], units_keys[],
    blocks_keys[], key_accounts_keys[];
/* units: a TL_KEY_INTMAP, weight of one task by channel; "default" where a channel is not named.
 * skills: TL_KEY_STRS. */
int64_t units_of(const struct tl_ints *units, struct str channel);

/* The checks of their sections. agents_check also completes name and takes_tasks. */
void tokens_check(const void *tokens, struct config_check *c);
void agents_check(const void *agents, struct config_check *c);
/* Also completes name and the triggers of steps. */
void queues_check(const void *queues, struct config_check *c);
void blocks_check(const void *blocks, struct config_check *c);
void skills_check(const void *skills, struct config_check *c);

#endif
