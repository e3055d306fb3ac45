/* config/queues.c - tables of queues, their steps, blocks and key accounts, and what no table can
 * say of them. */
#include "config/config_priv.h"
#include "config/people.h"

#define AT(type, member) offsetof(struct type, member)

enum { ID_MAX = 64, STEP_MIN_MS = 1000 };

static const struct tl_key ageing_keys[] = {
    {.name = "every",
     .type = TL_KEY_DURATION,
     .offset = 0,
     .min = 1000,
     .max = INT64_C(365) * 86400000,
     .preset = "10m",
     .help = "a waiting task gains after each such time"},
    {.name = "by",
     .type = TL_KEY_INT,
     .offset = 8,
     .max = 10,
     .preset = "1",
     .help = "so much priority; 0: it stays as it is"},
    {.name = "cap",
     .type = TL_KEY_INT,
     .offset = 16,
     .min = 1,
     .max = 10,
     .preset = "8",
     .help = "but not above this"},
    {0},
};

#define OFFER(member) (AT(queue_config, offer.member) - AT(queue_config, offer))
static const struct tl_key offer_keys[] = {
    {.name = "timeout",
     .type = TL_KEY_DURATION,
     .offset = OFFER(timeout_ms),
     .min = 1000,
     .max = 86400000,
     .preset = "120s",
     .help = "an offer that nobody answers ends after this"},
    {.name = "call",
     .type = TL_KEY_DURATION,
     .offset = OFFER(call_ms),
     .min = 1000,
     .max = 86400000,
     .help = "the same for calls; absent: as timeout"},
    {.name = "to",
     .type = TL_KEY_INT,
     .offset = OFFER(to),
     .min = 1,
     .max = QUEUE_OFFERS_MAX,
     .help =
         "agents that are offered a task at a time, of whom the first to accept has it; absent: "
         "1, with the strategy broadcast 50"},
    {.name = "missed_limit",
     .type = TL_KEY_INT,
     .offset = OFFER(missed_limit),
     .min = 1,
     .max = 1000,
     .preset = "3",
     .help = "missed offers in a row after which the agent is away"},
    {.name = "missed_holdoff",
     .type = TL_KEY_DURATION,
     .offset = OFFER(missed_holdoff_ms),
     .max = 86400000,
     .preset = "2m",
     .help = "a missed task is not offered again to the same agent for so long"},
    {.name = "reject_holdoff",
     .type = TL_KEY_DURATION,
     .offset = OFFER(reject_holdoff_ms),
     .max = 86400000,
     .preset = "10m",
     .help = "a rejected task likewise"},
    {.name = "start_by",
     .type = TL_KEY_DURATION,
     .offset = OFFER(start_by_ms),
     .max = INT64_C(30) * 86400000,
     .preset = "0s",
     .help = "an accepted task of which nothing was done by then comes back; 0: never"},
    {.name = "penalise_reject",
     .type = TL_KEY_BOOL,
     .offset = OFFER(penalise_reject),
     .preset = "no",
     .help = "who rejects or misses an offer counts as idle from then on only"},
    {0},
};

static const struct tl_key wrapup_keys[] = {
    {.name = "default",
     .type = TL_KEY_DURATION,
     .offset = 0,
     .max = 86400000,
     .preset = "0s",
     .help = "time for notes after a task is completed"},
    {.name = "call",
     .type = TL_KEY_DURATION,
     .offset = 8,
     .max = 86400000,
     .preset = "#-1",
     .help = "the same for calls; absent: as default"},
    {0},
};

static const struct tl_key handle_keys[] = {
    {.name = "default",
     .type = TL_KEY_DURATION,
     .offset = 0,
     .max = INT64_C(30) * 86400000,
     .preset = "0s",
     .help = "time that a task is expected to take"},
    {.name = "call",
     .type = TL_KEY_DURATION,
     .offset = 8,
     .max = INT64_C(30) * 86400000,
     .preset = "#-1",
     .help = "the same for calls; absent: as default"},
    {0},
};

static const struct tl_key step_keys[] = {
    {.name = "after",
     .type = TL_KEY_STR,
     .offset = AT(step_config, after),
     .min = 1,
     .max = 32,
     .help = "when: so long after the task came into the queue (5m), or once this share of its "
             "running service level is over (80%)"},
    {.name = "waiting",
     .type = TL_KEY_INT,
     .offset = AT(step_config, waiting),
     .min = 1,
     .max = 10000000,
     .help = "or, for the task that made it so: once so many wait"},
    {.name = "skip_if_none_available",
     .type = TL_KEY_BOOL,
     .offset = AT(step_config, skip_if_none_available),
     .preset = "no",
     .help = "do not wait for `after` while no agent of the queue is available"},
    {.name = "relax",
     .type = TL_KEY_INTMAP,
     .offset = AT(step_config, relax),
     .max = 10,
     .choices = "skills",
     .help = "smallest level of skills from now on; 0 drops the skill"},
    {.name = "add_queues",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = AT(step_config, add_queues),
     .max = QUEUE_ADDED_MAX,
     .choices = "queues",
     .help = "agents of these queues may have it too"},
    {.name = "raise",
     .type = TL_KEY_INT,
     .offset = AT(step_config, raise),
     .min = 1,
     .max = 9,
     .help = "priority by so much, up to 10"},
    {.name = "move_to",
     .type = TL_KEY_REF,
     .offset = AT(step_config, move_to),
     .choices = "queues",
     .help = "into this queue, whose steps then begin"},
    {.name = "notify",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = AT(step_config, notify),
     .choices = "supervisors|",
     .help = "supervisors of the queue are told"},
    {0},
};

static const struct tl_key sticky_keys[] = {
    {.name = "window",
     .type = TL_KEY_DURATION,
     .offset = 0,
     .max = INT64_C(365) * 86400000,
     .preset = "0s",
     .help = "who served the contact within this is asked first; 0: nobody"},
    {.name = "wait",
     .type = TL_KEY_DURATION,
     .offset = 8,
     .max = INT64_C(7) * 86400000,
     .preset = "10m",
     .help = "for so long, where he is present"},
    {0},
};

#define PART(member)                                                                               \
    .offset = AT(queue_config, member), .sub_bytes = sizeof(((struct queue_config *)0)->member)
const struct tl_key queue_keys[] = {
    {.name = "id",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = AT(queue_config, id),
     .min = 1,
     .max = ID_MAX,
     .help = "what rules, agents and tasks call the queue"},
    {.name = "name",
     .type = TL_KEY_STR,
     .offset = AT(queue_config, name),
     .min = 1,
     .max = 200,
     .help = "shown to people; absent: the id"},
    {.name = "strategy",
     .type = TL_KEY_CHOICE,
     .offset = AT(queue_config, strategy),
     .choices = "longest-idle|least-load|round-robin|weighted|broadcast|best-skill|enough-skill",
     .preset = "longest-idle",
     .help = "who of those able is asked"},
    {.name = "order",
     .type = TL_KEY_CHOICE,
     .offset = AT(queue_config, order),
     .choices = "strict|score|slack|lifo",
     .preset = "strict",
     .help = "which task is next: strict by priority with ageing, then age; score by priority plus "
             "what ageing gives for the time waited, without steps and cap; slack by least open "
             "time to the deadline, less handle_time; lifo the newest"},
    {.name = "weight",
     .type = TL_KEY_INT,
     .offset = AT(queue_config, weight),
     .min = 1,
     .max = 1000,
     .preset = "1",
     .help = "between queues of one agent: tasks of the higher one go first"},
    {.name = "tier_wait",
     .type = TL_KEY_DURATION,
     .offset = AT(queue_config, tier_wait_ms),
     .max = INT64_C(30) * 86400000,
     .preset = "0s",
     .help =
         "agents of tier n are asked after n - 1 times this, or while nobody of a lower tier is "
         "logged in; 0: all at once, lower tiers first"},
    {.name = "ageing",
     .type = TL_KEY_MAP,
     .sub = ageing_keys,
     PART(ageing),
     .help = "waiting raises priority"},
    {.name = "offer",
     .type = TL_KEY_MAP,
     .sub = offer_keys,
     PART(offer),
     .help = "how a task is offered"},
    {.name = "wrapup",
     .type = TL_KEY_MAP,
     .sub = wrapup_keys,
     PART(wrapup),
     .help = "time after a task"},
    {.name = "handle_time",
     .type = TL_KEY_MAP,
     .sub = handle_keys,
     PART(handle_time),
     .help = "how long tasks are expected to take, for the order slack"},
    {.name = "steps",
     .type = TL_KEY_LIST,
     .sub = step_keys,
     .sub_bytes = sizeof(struct step_config),
     .max = QUEUE_STEPS_MAX,
     .offset = AT(queue_config, steps),
     .help = "what happens to a task that waits, each once, with its reason in the history"},
    {.name = "sticky",
     .type = TL_KEY_MAP,
     .sub = sticky_keys,
     PART(sticky),
     .help = "the agent who knows the contact"},
    {.name = "service_level",
     .type = TL_KEY_REF,
     .offset = AT(queue_config, service_level),
     .choices = "service_levels",
     .help = "what its tasks are promised; absent: nothing"},
    {0},
};

#define BLOCK(i, channel, preset_)                                                                 \
    {                                                                                              \
        .name = channel, .type = TL_KEY_STRS, .flags = TL_KEY_UNIQUE,                              \
        .offset = AT(blocks_config, by) + (i) * sizeof(struct tl_strs),                            \
        .choices = "all|none|" CHANNELS, .preset = preset_,                                        \
        .help =                                                                                    \
            "channels of which an agent is offered nothing while he has a task of this one: all, " \
            "none or a list"                                                                       \
    }
const struct tl_key blocks_keys[] = {
    BLOCK(0, "email", "none"),  BLOCK(1, "call", "all"),    BLOCK(2, "form", "none"),
    BLOCK(3, "social", "none"), BLOCK(4, "chat", "none"),   BLOCK(5, "sms", "none"),
    BLOCK(6, "letter", "none"), BLOCK(7, "fax", "none"),    BLOCK(8, "visit", "none"),
    BLOCK(9, "web", "none"),    BLOCK(10, "other", "none"), {0},
};

const char *channel_name(size_t i) {
    return i < CHANNELS_KNOWN ? blocks_keys[i].name : NULL;
}

const struct tl_key key_accounts_keys[] = {
    {.name = "hard_wait",
     .type = TL_KEY_DURATION,
     .offset = AT(key_accounts_config, hard_wait_ms),
     .max = INT64_C(7) * 86400000,
     .preset = "15m",
     .help = "a task of a key account that insists on its manager waits for him so long, there or "
             "not; then for the deputy, then for anybody"},
    {0},
};

/* ---- checks ---- */

static bool does_something(const struct step_config *s) {
    return s->relax.n || s->add_queues.n || s->raise || s->move_to.p || s->notify.n;
}

/* A duration or a share: what the table has read as a text. */
static void after_read(struct config_check *c, struct step_config *s) {
    s->after_ms = -1;
    if (!s->after.p)
        return;
    if (config_read_duration(s->after, &s->after_ms)) {
        if (s->after_ms < STEP_MIN_MS)
            config_check_fault(c, &s->after, "a step comes after 1s at the earliest");
        return;
    }
    if (!config_read_share(s->after, &s->after_percent) || s->after_percent < 1)
        config_check_fault(c, &s->after,
                           "no time and no share; allowed are durations like 5m and shares like "
                           "80%%");
}

static void step_check(struct config_check *c, const struct queue_config *q,
                       struct step_config *s) {
    after_read(c, s);
    if (!s->after.p == !s->waiting)
        config_check_fault(c, s, "a step has one trigger: after or waiting");
    if (s->skip_if_none_available && !s->after.p)
        config_check_fault(c, &s->skip_if_none_available,
                           "only a step with `after` need not wait for it");
    if (!does_something(s))
        config_check_fault(c, s,
                           "this step does nothing; allowed: relax, add_queues, raise, move_to, "
                           "notify");
    if (s->move_to.p && str_eq(s->move_to, q->id))
        config_check_fault(c, &s->move_to, "it is in this queue already");
    for (size_t i = 0; i < s->add_queues.n; i++)
        if (str_eq(s->add_queues.items[i], q->id))
            config_check_fault(c, &s->add_queues, "its own queue need not be added");
}

void queues_check(const void *queues, struct config_check *c) {
    const struct tl_items *list = queues;
    struct queue_config *q = (struct queue_config *)(uintptr_t)list->items; /* as in agents_check */
    for (size_t i = 0; i < list->n; i++) {
        struct step_config *steps = (struct step_config *)(uintptr_t)q[i].steps.items;
        config_check_name(c, &q[i].id);
        if (!q[i].name.p)
            q[i].name = q[i].id;
        for (size_t k = 0; k < q[i].steps.n; k++)
            step_check(c, &q[i], &steps[k]);
    }
}

void blocks_check(const void *blocks, struct config_check *c) {
    const struct blocks_config *b = blocks;
    for (size_t i = 0; i < CHANNELS_KNOWN; i++)
        for (size_t k = 0; k < b->by[i].n && b->by[i].n > 1; k++)
            if (str_is(b->by[i].items[k], "all") || str_is(b->by[i].items[k], "none"))
                config_check_fault(c, &b->by[i], "all and none stand alone");
}
