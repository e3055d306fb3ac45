/* routing/router_priv.h - what the router's files share.
 *
 *   queue ──classes──► class (channel, weight, skills) ──pool──► waiting tasks, ten bands by base
 * priority, oldest first └────ready─────► members that could get something, best first by the
 * queue's strategy
 *
 * Tasks of a class differ only in who refused them, so an agent is held against a class once, not
 * against each task. Within a band the older task never has the lower aged priority, so ageing
 * needs no timer: the heads of the bands are compared by what they are worth now.
 *
 * Invariants between two calls of router_decide that returned less than its maximum
 *  (1) no waiting task that is not pending could go to a ready agent;
 *  (2) a task in a state with an agent is in that agent's work, and counts in his load, once;
 *  (3) a waiting task is in exactly one place: fresh, its class's pool, its wished agent's, or none
 * while pending or put off.
 */
#ifndef ROUTING_ROUTER_PRIV_H
#define ROUTING_ROUTER_PRIV_H

#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "routing/explain.h"
#include "routing/router.h"
#include "routing/timers.h"
#include "routing/tree.h"

enum {
    BANDS = 10,
    CHANNELS = 32,       /* names beyond share the last place */
    ABLE_COUNT_MAX = 50, /* counting who else could have had it stops here */
    RETRY_MS = 1000,
};

/* Small numbers for names, given in the order of first use. */
struct names {
    struct map map;
    char **text;
    size_t n;
};

struct pool {
    struct tree band[BANDS];
    size_t n;
};

struct need {
    size_t skill; /* number of the name; SKILL_UNKNOWN: nobody has it */
    int64_t min;
};
#define SKILL_UNKNOWN SIZE_MAX

/* An agent in a queue. */
struct member {
    struct tree_node node; /* in queue->ready */
    struct link of_queue;
    struct agent *agent;
    struct queue *queue;
};

struct queue {
    char *id;
    bool known; /* in the configuration */
    struct routing_queue rule;
    struct tree ready;
    struct link members, classes;
    struct map class_by_key;
    uint64_t changes; /* counts whenever a member became abler */
};

struct class {
    struct link of_queue;
    char *key;
    struct queue *queue;
    size_t users; /* waiting tasks, wherever they stand */
    size_t channel;
    int64_t weight;
    struct need *needs;
    size_t needs_n;
    struct pool pool;
    uint64_t starved_at; /* queue->changes when nobody at all could be found; UINT64_MAX: not so */
};

struct agent {
    char *id;
    bool known;
    struct member *members;
    size_t members_n;
    int64_t *levels; /* by number of the skill */
    size_t levels_n;
    int64_t units_max, lost_after_ms, channel_max[CHANNELS];

    enum routing_presence presence;
    int64_t missed, lost_ms;
    int64_t idle_since_ms; /* later of: last end of work or wrap-up, last entry into available */

    int64_t units;
    size_t open[CHANNELS], wrapping;
    struct link work; /* tasks offered to him, accepted, in wrap-up */
    size_t work_n;
    struct pool held; /* waiting tasks that wish for him */

    bool ready;          /* stands in the trees of his queues */
    struct link dirty;   /* in router->dirty: may have become abler */
    struct link resting; /* in router->resting: missed too many */
};

enum place { PLACE_NONE, PLACE_FRESH, PLACE_POOL, PLACE_HELD };

struct excluded {
    struct agent *agent;
    int64_t until_ms;
};

struct task {
    char *id;
    int64_t rev;
    enum routing_state state;
    bool pending;            /* a decision is under way */
    bool supposed;           /* state OFFERED is our decision, not yet confirmed */
    bool ask_again;          /* exclusions were dropped since all had refused */
    struct agent *missed_by; /* the decision under way: he let the offer pass */
    struct queue *queue;
    struct class *class; /* while waiting */
    size_t channel;
    bool is_call;
    int64_t weight, priority, created_ms, offer, until_ms;
    struct need_text {
        char *skill;
        int64_t min;
    } * needs;
    size_t needs_n;
    struct agent *agent;
    struct link of_agent;
    struct excluded *excluded;
    size_t excluded_n;
    struct agent *wish;
    enum routing_wish wish_kind;
    int64_t wish_seen_ms, wish_from_ms;
    int64_t waits_since_ms; /* in this stay in the queue */
    int64_t put_off_ms;     /* refused: nothing before */
    enum place place;
    size_t band;
    struct tree_node node;
    struct link fresh; /* in router->fresh or ->untried */
    struct timer timer;
    struct routing_offered offered; /* of the decision under way */
};

struct router {
    int64_t now_ms;
    struct map agents, queues, tasks;
    struct names skills, channels;
    struct timers timers;
    struct link fresh, untried; /* waiting tasks: to be settled; settled, to be tried once */
    struct link dirty, resting;
};

/* router.c */
size_t routing_names_number(struct names *n, struct str name, size_t max);

/* queue.c */
struct strategy {
    const char *name, *word; /* as configured; as told: "longest idle of 2 able" */
    bool (*before)(const struct agent *a, const struct agent *b);
};
extern const struct strategy routing_strategies[];
const struct strategy *routing_queue_strategy(const struct queue *q);
struct queue *routing_queue_get(struct router *r, struct str id); /* made when it is not there */
void routing_queue_free(struct queue *q);
bool routing_queue_offers(const struct queue *q);
void routing_pool_init(struct pool *p);
void routing_pool_add(struct pool *p, struct task *t);
void routing_pool_drop(struct pool *p, struct task *t);
struct class *routing_class_take(struct router *r, struct task *t);
void routing_class_release(struct class *c);
/* What a waiting task is worth now, ageing included. */
int64_t routing_task_worth(const struct task *t, int64_t now_ms);
bool routing_task_before(const struct task *a, const struct task *b, int64_t now_ms);

/* strategy_*.c */
bool routing_longest_idle_before(const struct agent *a, const struct agent *b);
bool routing_least_load_before(const struct agent *a, const struct agent *b);
bool routing_agent_id_before(const struct agent *a, const struct agent *b);

/* agent.c */
struct agent *routing_agent_get(struct router *r, struct str id);
void routing_agent_free(struct agent *a);
void routing_agent_out(struct agent *a); /* of all trees, before its order changes */
void routing_agent_in(struct router *r, struct agent *a, bool abler); /* again, where it is ready */
bool routing_agent_fits(const struct agent *a, const struct class *c);
bool routing_agent_skilled(const struct agent *a, const struct class *c);
bool routing_agent_here(const struct agent *a); /* available and connected */
/* What fits, skilled and here ask; explain.c tells their answer. NOT: nothing speaks against him.
 */
enum routing_why routing_agent_full(const struct agent *a, const struct class *c);
const struct need *routing_agent_lacks(const struct agent *a, const struct class *c);
int64_t routing_agent_level(const struct agent *a, size_t skill);
enum routing_why routing_agent_absent(const struct agent *a);
void routing_agent_rest(struct router *r, struct agent *a); /* away, by our own decision */
void routing_agent_load(struct router *r, struct task *t);
void routing_agent_unload(struct router *r, struct task *t, bool ended);

/* task.c */
void routing_task_free(struct task *t);
void routing_task_enter(struct router *r,
                        struct task *t); /* into waiting, or wherever its state puts it */
void routing_task_leave(struct router *r, struct task *t);
void routing_task_settle(struct router *r, struct task *t); /* of those fresh: to its pool */
bool routing_task_waited_enough(const struct router *r,
                                const struct task *t); /* for the agent it wishes for */
void routing_task_arm(struct router *r, struct task *t);
bool routing_task_excludes(const struct task *t, const struct agent *a, int64_t now_ms);
/* 0: he is not. */
int64_t routing_task_excluded_until_ms(const struct task *t, const struct agent *a, int64_t now_ms);
/* He is worth waiting for; until when. */
bool routing_task_wish_holds(const struct router *r, const struct task *t);
int64_t routing_task_wish_until_ms(const struct task *t);
void routing_task_refresh(struct router *r, struct task *t,
                          bool forget_wish); /* to be settled again */
/* Offered, as far as we are concerned; the answer tells. */
void routing_task_suppose(struct router *r, struct task *t, struct agent *a, int64_t until_ms);

/* match.c */
struct match {
    struct task *task;
    struct agent *agent;
    size_t able;
};
bool routing_match_from_task(struct router *r, struct task *t, struct match *out);
bool routing_match_from_agent(struct router *r, struct agent *a, struct match *out);
/* Everybody present who could do it has refused it. */
bool routing_match_all_refused(const struct router *r, const struct task *t);

/* due.c */
/* What has come due for a task; true: *out is a decision. */
bool routing_task_due(struct router *r, struct task *t, struct routing_decision *out);

#endif
