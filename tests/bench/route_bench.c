/* bench/route: what one decision of the router takes, at 10,000 agents and 100,000 waiting tasks.
 *
 * route_bench [AGENTS TASKS ROUNDS]. Agents have 20 skills at random levels and serve three of 20
 * queues; tasks ask for none to two skills. The world is filled, then in each round one of what a
 * day brings happens: somebody frees (a task ends), a task comes, an offer is accepted. What is
 * measured is the event and the decisions that follow from it, each by itself, in microseconds.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <touchline/kit/own.h>

#include "routing/router.h"

enum { SKILLS = 20, QUEUES = 20, OF_AGENT = 3, CHANNELS = 3 };

struct job {
    char id[16];
    int64_t rev, created, priority, offer;
    int queue, channel, agent;
    struct routing_need needs[2];
    size_t needs_n;
    enum routing_state state;
};

struct bench {
    struct router *r;
    int64_t now;
    int agents, n, accepted_n;
    struct job *jobs;
    int *accepted; /* jobs that somebody has */
    char names[SKILLS + QUEUES][8];
    float *times[3];
    size_t times_n[3];
};

static const char *const channels[CHANNELS] = {"email", "chat", "call"};
static const int64_t weights[CHANNELS] = {1, 3, 10};

static uint32_t state = 1;
static uint32_t roll(uint32_t n) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void tell(struct bench *b, struct job *j) {
    char agent[16] = "";
    if (j->agent >= 0)
        snprintf(agent, sizeof agent, "a%d", j->agent);
    const struct routing_task t = {.id = str_c(j->id),
                                   .queue = str_c(b->names[SKILLS + j->queue]),
                                   .channel = str_c(channels[j->channel]),
                                   .rev = ++j->rev,
                                   .state = j->state,
                                   .weight = weights[j->channel],
                                   .priority = j->priority,
                                   .created_ms = j->created,
                                   .needs = j->needs,
                                   .needs_n = j->needs_n,
                                   .agent = str_c(agent),
                                   .offer = j->offer,
                                   .until_ms = j->state == ROUTING_OFFERED ? b->now + 120000 : 0};
    router_task(b->r, &t, b->now);
}

static void carry(struct bench *b, const struct routing_decision *d) {
    if (d->what != ROUTING_OFFER)
        return;
    struct job *j = &b->jobs[atoi(d->task.p + 1)];
    j->agent = atoi(d->agent.p + 1);
    j->offer++;
    j->state = ROUTING_OFFERED;
    tell(b, j);
    router_answer(b->r, str_c(j->id), ROUTING_DONE, b->now);
    j->state = ROUTING_ACCEPTED;
    tell(b, j);
    b->accepted[b->accepted_n++] = (int)(j - b->jobs);
}

/* All that follows; each decision's time is kept, the carrying out is not counted. */
static void decide(struct bench *b, int kind, double spent) {
    struct routing_decision d;
    for (;;) {
        double began = now_us();
        size_t n = router_decide(b->r, b->now, &d, 1);
        spent += now_us() - began;
        if (kind >= 0)
            b->times[kind][b->times_n[kind]++] = (float)spent;
        if (!n)
            return;
        spent = 0;
        carry(b, &d);
    }
}

static void task_comes(struct bench *b, int kind) {
    struct job *j = &b->jobs[b->n];
    *j = (struct job){.created = b->now,
                      .priority = 1 + roll(10),
                      .queue = (int)roll(QUEUES),
                      .channel = (int)roll(CHANNELS),
                      .agent = -1};
    snprintf(j->id, sizeof j->id, "t%d", b->n++);
    j->needs_n = roll(3);
    for (size_t i = 0; i < j->needs_n; i++)
        j->needs[i] = (struct routing_need){str_c(b->names[roll(SKILLS)]), 1 + 2 * roll(4)};
    double began = now_us();
    tell(b, j);
    decide(b, kind, now_us() - began);
}

static void task_ends(struct bench *b, int kind) {
    if (!b->accepted_n)
        return;
    int at = (int)roll((uint32_t)b->accepted_n);
    struct job *j = &b->jobs[b->accepted[at]];
    b->accepted[at] = b->accepted[--b->accepted_n];
    double began = now_us();
    router_task_gone(b->r, str_c(j->id), b->now);
    decide(b, kind, now_us() - began);
}

static void agent_comes(struct bench *b, int i) {
    struct routing_membership queues[OF_AGENT];
    struct tl_named_int skills[SKILLS];
    char id[16];
    snprintf(id, sizeof id, "a%d", i);
    for (int k = 0; k < OF_AGENT; k++)
        queues[k] = (struct routing_membership){str_c(b->names[SKILLS + (i + k * 7) % QUEUES]), 1,
                                                1 + roll(5)};
    for (int k = 0; k < SKILLS; k++)
        skills[k] = (struct tl_named_int){str_c(b->names[k]), 1 + roll(10)};
    const struct routing_agent a = {.id = str_c(id),
                                    .queues = queues,
                                    .queues_n = OF_AGENT,
                                    .skills = {skills, SKILLS},
                                    .units = 10,
                                    .lost_after_ms = 1800000};
    router_set_agent(b->r, &a, b->now);
    router_presence(b->r,
                    &(struct routing_presence_news){.agent = str_c(id),
                                                    .presence = ROUTING_AVAILABLE,
                                                    .since_ms = b->now - roll(1000000)},
                    b->now);
}

static int by_time(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static void show(const char *what, const char *strategy, float *times, size_t n) {
    qsort(times, n, sizeof *times, by_time);
    printf("%-14s %-22s %8zu decisions  p50 %7.2f  p99 %7.2f  p99.9 %8.2f  max %8.2f us\n",
           strategy, what, n, (double)times[n / 2], (double)times[n * 99 / 100],
           (double)times[n * 999 / 1000], (double)times[n - 1]);
}

static void run(enum routing_strategy strategy, enum routing_order order, int agents, int tasks,
                int rounds) {
    static const char *const what[] = {"an agent frees", "a task comes, full",
                                       "a task comes, idle"};
    struct bench b = {.r = router_new(), .now = 1800000000000, .agents = agents};
    b.jobs = calloc((size_t)(tasks + 16 * agents + 4 * rounds), sizeof *b.jobs);
    b.accepted = calloc((size_t)(tasks + 16 * agents + 4 * rounds), sizeof *b.accepted);
    for (int i = 0; i < 3; i++)
        b.times[i] = calloc((size_t)(rounds * 8 + 64), sizeof(float));
    for (int i = 0; i < SKILLS + QUEUES; i++)
        snprintf(b.names[i], sizeof b.names[i], "%c%d", i < SKILLS ? 's' : 'q', i);
    for (int q = 0; q < QUEUES; q++)
        router_set_queue(b.r,
                         &(struct routing_queue){.id = str_c(b.names[SKILLS + q]),
                                                 .strategy = strategy,
                                                 .order = order,
                                                 .weight = 1,
                                                 .ageing_every_ms = 600000,
                                                 .ageing_by = 1,
                                                 .ageing_cap = 8,
                                                 .offer_ms = 120000},
                         b.now);
    for (int i = 0; i < agents; i++)
        agent_comes(&b, i);
    decide(&b, -1, 0);
    for (int i = 0; i < rounds; i++, b.now += 5) /* few have anything yet */
        task_comes(&b, 2);
    while (b.n - b.accepted_n < tasks) {
        b.now += 5;
        task_comes(&b, -1);
    }
    for (int i = 0; i < rounds; i++, b.now += 20) {
        task_ends(&b, 0);
        task_comes(&b, 1);
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    for (int i = 2; i >= 0; i--)
        show(what[i], router_strategy(strategy), b.times[i], b.times_n[i]);
    printf("%-14s %d agents, %zu tasks known, order %s, resident at most %ld MB\n",
           router_strategy(strategy), agents, router_tasks(b.r), router_order(order),
           use.ru_maxrss / 1024);
    router_free(b.r);
    for (int i = 0; i < 3; i++)
        free(b.times[i]);
    free(b.jobs);
    free(b.accepted);
}

int main(int argc, char **argv) {
    int agents = argc > 1 ? atoi(argv[1]) : 10000, tasks = argc > 2 ? atoi(argv[2]) : 100000;
    int rounds = argc > 3 ? atoi(argv[3]) : 20000;
    if (agents < 1 || tasks < 1 || rounds < 1)
        return 2;
    for (int s = 0; s < ROUTING_STRATEGIES; s++)
        if (s != ROUTING_BROADCAST)
            run((enum routing_strategy)s, ROUTING_STRICT, agents, tasks, rounds);
    run(ROUTING_LONGEST_IDLE, ROUTING_SLACK, agents, tasks, rounds);
    run(ROUTING_LONGEST_IDLE, ROUTING_SCORE, agents, tasks, rounds);
    return 0;
}
