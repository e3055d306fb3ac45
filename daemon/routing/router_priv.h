/* routing/router_priv.h - what the router's files share.
 *
 *   queue ──heads──► pool (of a class, one band) ──stands──► waiting tasks, in the queue's order
 *         └─ready──► members that could get something, lower tiers first, then by the strategy
 *
 * Tasks of a class (channel, weight, skills) differ only in who refused them, so an agent is held
 * against a class once, not against each task. A pool holds those of a class whose order time does
 * not change: by strict order, of one base priority (an older task never has the lower aged
 * priority, so ageing needs no timer: the heads are compared by what they are worth now). A queue's
 * pools stand in the order of their first tasks, so whoever frees meets the best one first. Both
 * trees sum up what their branches hold; a search leaves out branches where nothing can fit.
 *
 * Invariants between two calls of router_decide that returned less than its maximum
 *  (1) no waiting task that is not pending could go to a ready agent;
 *  (2) a task in a state with agents is in the work of each, and counts in his load, once;
 *  (3) a waiting task is in exactly one place: fresh, the pools of its queues, its wished agent's,
 *      or none while pending or put off.
 *
 *   router.c   the turn             agent.c  agents, what they have in hand    due.c    what time brings
 *   queue.c    queues, their rings  ready.c  who of a queue may have a task    step.c   a queue's steps
 *   class.c    classes and pools    order.c  which task stands before which    wish.c   who is waited for
 *   match.c    a task and an agent  task.c   taking in what is told            explain.c
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
    BAND_KEYED = 10, /* below it: strict order, by base priority */
    BANDS = 11,
    CHANNELS = 32,       /* names beyond share the last place */
    ABLE_COUNT_MAX = 50, /* counting who else could have had it stops here, … */
    LOOKS_MAX = 64,      /* … or after having looked at so many */
    RETRY_MS = 1000,
};

/* Small numbers for names, given in the order of first use. */
struct names {
    struct map map;
    char **text;
    size_t n;
};

struct need {
    size_t skill; /* number of the name; SKILL_UNKNOWN: nobody has it */
    int64_t min;
};
#define SKILL_UNKNOWN SIZE_MAX

/* What may be said of all in a branch of a queue's ready members: nobody there has more room. */
struct ready_sum {
    int64_t free;      /* units */
    uint32_t channels; /* bits: somebody has room for it */
    uint64_t skills;   /* routing_skill_bits of somebody */
};

/* An agent in a queue. */
struct member {
    struct tree_node node; /* in queue->ready */
    struct ready_sum sum;
    struct link of_queue;
    struct agent *agent;
    struct queue *queue;
    int64_t tier, weight;
    int64_t position; /* in the queue's ring: the order of joining */
    int64_t turn;     /* round robin: number of his last offer; weighted: his place in the row */
};

struct queue {
    char *id;
    bool known; /* in the configuration */
    struct routing_queue rule;
    struct routing_step *steps; /* rule.steps */
    struct tree ready, heads[BANDS];
    struct link members, classes;
    struct map class_by_key;
    size_t waiting;                        /* tasks at home here */
    size_t here;                           /* members who are available */
    size_t present[ROUTING_TIERS_MAX + 1]; /* members who are logged in, by tier */
    int64_t joined, cursor;                /* last position given; position of the last turn */
    int64_t turn;                          /* the highest */
    int64_t slack_at_ms, slack_ms;         /* open time from the router's base to then */
};

/* The tasks of a class in one band. */
struct pool {
    struct tree_node node; /* in queue->heads: by the first stand, taken out while that changes */
    struct tree stands;
    struct stand *first;
    struct class *class;
    /* Of this branch of the heads. */
    int64_t least_weight;
    uint32_t channels;
    uint64_t skills; /* bits that all ask for */
};

struct class {
    struct link of_queue; /* or, with a holder, in holder->held */
    char *key;
    struct queue *queue;
    struct agent *holder; /* the tasks wait for him alone; NULL: for whoever may have them */
    size_t users;         /* stands of waiting tasks, wherever those are */
    size_t channel;
    int64_t weight;
    struct need *needs;
    size_t needs_n;
    uint64_t skills; /* routing_skill_bits of the needs */
    struct pool *pools[BANDS];
    size_t n;
    bool starved; /* nobody at all was found: not looked for before somebody becomes able */
};

/* A waiting task in one queue. */
struct stand {
    struct tree_node node;
    struct task *task;
    struct class *class;
    int64_t key; /* smaller first */
    size_t band;
};

struct agent {
    char *id;
    struct link of_router; /* in the order in which they became known */
    bool known;
    struct member *members;
    size_t members_n;
    int64_t *levels; /* by number of the skill */
    size_t levels_n;
    int64_t units_max, lost_after_ms, channel_max[CHANNELS];

    enum routing_presence presence;
    int64_t missed, lost_ms;
    int64_t idle_since_ms; /* later of: last end of work or wrap-up, last entry into available */
    bool counted_here, counted_present; /* in his queues */

    int64_t units;
    size_t open[CHANNELS], wrapping;
    uint32_t blocked; /* channels that what he has keeps away */
    struct link work; /* struct hold: tasks offered to him, accepted, in wrap-up */
    size_t work_n;
    struct link held; /* classes that wait for him */

    bool ready; /* stands in the trees of his queues */
    struct ready_sum can;
    struct link dirty;   /* in router->dirty: may have become abler */
    struct link resting; /* in router->resting: missed too many, or has drained */
};

/* A task in an agent's hands. */
struct hold {
    struct link of_agent;
    struct agent *agent;
    struct task *task;
};

enum place { PLACE_NONE, PLACE_FRESH, PLACE_POOL, PLACE_HELD };

struct excluded {
    struct agent *agent;
    int64_t until_ms;
};

struct task {
    char *id;
    struct link of_router; /* in the order in which they became known */
    int64_t rev;
    enum routing_state state;
    bool pending;     /* a decision is under way */
    bool supposed;    /* state OFFERED is our decision, not yet confirmed */
    bool ask_again;   /* exclusions were dropped since all had refused */
    bool all_refused; /* … and the next step is due with that */
    struct queue *queue;
    size_t channel;
    bool is_call;
    int64_t weight, priority, created_ms, entered_ms, offer, until_ms, due_ms, due_from_ms;
    struct need_text {
        char *skill;
        int64_t min;
    } * needs;
    size_t needs_n;
    struct queue *added[ROUTING_ADDED_MAX];
    size_t added_n;
    uint32_t steps;
    size_t came_as; /* has just come, as the how many-th that waits; 0: steps have looked at it */
    struct hold *holds;
    size_t holds_n;
    struct routing_offered *offered; /* of the decision under way */
    struct agent **missed;           /* the decision under way: they let the offer pass */
    size_t missed_n;
    struct excluded *excluded;
    size_t excluded_n;
    struct agent *wish, *deputy;
    enum routing_wish wish_kind;
    bool wish_deputy; /* the manager's time is over: wish is the deputy */
    int64_t wish_seen_ms, wish_from_ms;
    int64_t waits_since_ms; /* in this stay in the queue */
    int64_t put_off_ms;     /* refused: nothing before */
    enum place place;
    struct stand home;  /* its class is known while waiting */
    struct stand *more; /* one for each of added; classes while in PLACE_POOL */
    struct stand held;
    struct link fresh; /* in router->fresh or ->untried */
    struct timer timer;
};

struct router {
    int64_t now_ms;
    int64_t base_ms;  /* open time is counted from here */
    int64_t began_ms; /* what came before has been counted by another */
    struct map agents, queues, tasks;
    struct link all, everybody; /* tasks; agents */
    struct names skills, channels;
    uint32_t blocks[CHANNELS]; /* holding one keeps these away */
    int64_t hard_wait_ms;
    struct timers timers;
    struct link fresh, untried; /* waiting tasks: to be settled; settled, to be tried once */
    struct link dirty, resting;
};

/* router.c */
size_t routing_names_number(struct names *n, struct str name, size_t max);

/* queue.c */
struct strategy {
    const char *name, *word; /* as configured; as told: "longest idle of 2 able" */
    bool (*before)(const struct member *a, const struct member *b);
    /* What a class asks for decides first, the lower the better. NULL: it does not. */
    int64_t (*cost)(const struct agent *a, const struct class *c);
    bool ring; /* begins after the queue's cursor */
    bool turns;
};
extern const struct strategy routing_strategies[];
const struct strategy *routing_queue_strategy(const struct queue *q);
struct queue *routing_queue_get(struct router *r, struct str id); /* made when it is not there */
void routing_queue_free(struct queue *q);
bool routing_queue_offers(const struct queue *q);
/* Of its available and logged in members one came or went. */
void routing_queue_presence(struct router *r, struct member *m, int here, int present);
/* The highest tier that may have the task now. */
int64_t routing_queue_tier(const struct queue *q, const struct task *t, int64_t now_ms);
int64_t routing_queue_next_tier_ms(const struct queue *q, const struct task *t, int64_t now_ms);
void routing_queue_join(struct queue *q, struct member *m);
/* An offer goes to him by the strategy: his turn is over. */
void routing_queue_turn(struct member *m);

/* strategy_*.c */
bool routing_longest_idle_before(const struct member *a, const struct member *b);
bool routing_least_load_before(const struct member *a, const struct member *b);
bool routing_round_robin_before(const struct member *a, const struct member *b);
bool routing_weighted_before(const struct member *a, const struct member *b);
int64_t routing_best_skill_cost(const struct agent *a, const struct class *c);
int64_t routing_enough_skill_cost(const struct agent *a, const struct class *c);
bool routing_agent_id_before(const struct agent *a, const struct agent *b);

/* class.c */
uint64_t routing_skill_bits(size_t skill, int64_t level);
struct class *routing_class_take(struct router *r, struct task *t, struct queue *q,
                                 struct agent *holder);
void routing_class_release(struct class *c);
void routing_stand_enter(struct router *r, struct stand *s); /* the pool of its class */
void routing_stand_leave(struct stand *s);                   /* twice is harmless */
void routing_heads_init(struct queue *q);
struct task *routing_class_first(const struct class *c); /* one that waits in it */

/* order.c */
/* What a waiting task is worth now in a queue, ageing included. */
int64_t routing_task_worth(const struct task *t, const struct queue *q, int64_t now_ms);
void routing_stand_rank(struct router *r, struct stand *s);             /* sets key and band */
bool routing_stand_older(const struct stand *a, const struct stand *b); /* within a band */
bool routing_stand_before(struct router *r, const struct stand *a, const struct stand *b);
/* Open time from now to its deadline, less the expected handle time; INT64_MAX: no deadline. */
int64_t routing_stand_slack_ms(struct router *r, const struct stand *s);

/* agent.c */
struct agent *routing_agent_get(struct router *r, struct str id);
void routing_agent_free(struct agent *a);
void routing_agent_out(struct agent *a); /* of all trees, before its order changes */
void routing_agent_in(struct router *r, struct agent *a, bool abler); /* again, where it is ready */
bool routing_agent_fits(const struct agent *a, const struct class *c);
bool routing_agent_skilled(const struct agent *a, const struct class *c);
bool routing_agent_here(const struct agent *a); /* available and connected */
const struct member *routing_agent_member(const struct agent *a, const struct queue *q);
/* What fits, skilled and here ask; explain.c tells their answer. NOT: nothing speaks against him.
 */
enum routing_why routing_agent_full(const struct agent *a, const struct class *c);
const struct need *routing_agent_lacks(const struct agent *a, const struct class *c);
int64_t routing_agent_level(const struct agent *a, size_t skill);
enum routing_why routing_agent_absent(const struct agent *a);
/* Away or offline, by our own decision. */
void routing_agent_set(struct router *r, struct agent *a, enum routing_presence p);
void routing_agent_load(struct router *r, struct hold *h);
void routing_agent_unload(struct router *r, struct hold *h, bool ended);
void routing_agent_idle_now(struct router *r, struct agent *a);

/* ready.c */
void routing_ready_sum(struct tree_node *n);
struct picks {
    struct pick {
        struct agent *agent;
        struct member *member; /* NULL: he was waited for, whatever he serves */
    } items[ROUTING_OFFERS_MAX];
    size_t n, want, able;
    bool more; /* than able: counting stopped */
    bool fit;  /* somebody fits who may not have it now: refused it, or his tier is not open */
};
/* The best of a queue's ready members for a task by its class there. */
void routing_ready_pick(struct router *r, const struct task *t, const struct class *c,
                        struct picks *out);

/* The order in which they are asked, where both fit. */
bool routing_ready_before(const struct class *c, const struct member *a, const struct member *b);

/* wish.c */
/* He is worth waiting for; until when. */
bool routing_wish_holds(const struct router *r, const struct task *t);
int64_t routing_wish_until_ms(const struct router *r, const struct task *t);
bool routing_wish_is_over(const struct router *r, const struct task *t); /* held, and long enough */
void routing_wish_next(struct task *t);                                  /* the deputy, or nobody */
const char *routing_wish_word(const struct task *t);

/* step.c */
/* The next step of a waiting task by time; INT64_MAX: none. */
int64_t routing_step_next_ms(const struct task *t, size_t *out_step);
bool routing_step_counts(const struct queue *q); /* it has steps by the number of those that wait */
/* One that is due; true: *out is a decision. */
bool routing_step_due(struct router *r, struct task *t, struct routing_decision *out);

/* task.c */
void routing_task_free(struct task *t);
void routing_task_enter(struct router *r,
                        struct task *t); /* into waiting, or wherever its state puts it */
void routing_task_leave(struct router *r, struct task *t);
void routing_task_settle(struct router *r, struct task *t);    /* of those fresh: to its pools */
void routing_task_set_aside(struct router *r, struct task *t); /* pending: of no pool */
void routing_task_arm(struct router *r, struct task *t);
/* The same, but what is due already is not put off. */
void routing_task_arm_sooner(struct router *r, struct task *t);
bool routing_task_excludes(const struct task *t, const struct agent *a, int64_t now_ms);
/* 0: he is not. */
int64_t routing_task_excluded_until_ms(const struct task *t, const struct agent *a, int64_t now_ms);
void routing_task_refresh(struct router *r, struct task *t); /* to be settled again */
bool routing_task_is_held_by(const struct task *t, const struct agent *a);
/* Offered, as far as we are concerned; the answer tells. */
void routing_task_suppose(struct router *r, struct task *t, const struct picks *to,
                          int64_t until_ms);
void routing_task_missed(struct task *t); /* all who have the offer */

/* match.c */
struct match {
    struct task *task;
    struct stand *by; /* the queue whose members are asked */
    struct picks to;
};
bool routing_match_from_task(struct router *r, struct task *t, struct match *out);
bool routing_match_from_agent(struct router *r, struct agent *a, struct match *out);
/* Everybody present who could do it has refused it. */
bool routing_match_all_refused(const struct router *r, const struct task *t);

/* due.c */
/* What has come due for a task; true: *out is a decision. */
bool routing_task_due(struct router *r, struct task *t, struct routing_decision *out);
void routing_decision_of(const struct task *t, enum routing_what what,
                         struct routing_decision *out); /* task, rev, offer */

#endif
