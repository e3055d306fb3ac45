/* replay/record.c - lines of the archive into tasks and presences. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>

#include "replay/replay_priv.h"

void replay_record_init(struct replay_record *r, int64_t from_ms, int64_t to_ms) {
    *r = (struct replay_record){.from_ms = from_ms, .to_ms = to_ms};
    arena_init(&r->arena);
}

void replay_record_clear(struct replay_record *r) {
    map_clear(&r->by_id);
    map_clear(&r->agents);
    free(r->tasks);
    free(r->presences);
    arena_clear(&r->arena);
    *r = (struct replay_record){0};
}

static const char *keep(struct replay_record *r, struct str s) {
    return arena_str(&r->arena, s.p ? s : str_c("")).p;
}

static struct replay_agent *agent_of(struct replay_record *r, struct str id) {
    struct replay_agent *a = map_get(&r->agents, id);
    if (a)
        return a;
    a = arena_new(&r->arena, sizeof *a);
    *a = (struct replay_agent){.id = keep(r, id), .since_ms = r->from_ms};
    map_put(&r->agents, str_c(a->id), a);
    return a;
}

/* Time up to now goes to what he has been doing; only that within the span counts. */
static void passes(struct replay_record *r, struct replay_agent *a, int64_t at_ms) {
    int64_t from = a->since_ms > r->from_ms ? a->since_ms : r->from_ms;
    int64_t ms = at_ms - from;
    if (ms > 0 && a->open > 0)
        a->busy_ms += ms;
    else if (ms > 0 && a->presence == ROUTING_AVAILABLE && !a->lost)
        a->available_ms += ms;
    a->since_ms = at_ms;
}

static void take_presence(struct replay_record *r, const json_t *j, bool stream) {
    struct replay_agent *a = agent_of(r, jget_str(j, "agent"));
    int64_t at = jget_int(j, "at", 0);
    struct str state = jget_str(j, "state");
    passes(r, a, at);
    if (!stream)
        a->presence = str_is(state, "available")  ? ROUTING_AVAILABLE
                      : str_is(state, "draining") ? ROUTING_DRAINING
                      : str_is(state, "away")     ? ROUTING_AWAY
                                                  : ROUTING_OFFLINE;
    a->lost = jget_int(j, "lost", 0) != 0;
    if (r->presences_n == r->presences_room) {
        r->presences_room = r->presences_room ? r->presences_room * 2 : 64;
        r->presences = mem_grow(r->presences, r->presences_room * sizeof *r->presences);
    }
    r->presences[r->presences_n++] = (struct replay_presence){at, a->id, a->presence, a->lost};
}

static void take_needs(struct replay_record *r, struct replay_task *t, const json_t *skills) {
    const json_t *one;
    size_t i;
    json_array_foreach(skills, i, one) if (t->needs_n < REPLAY_NEEDS_MAX) t->needs[t->needs_n++] =
        (struct replay_need){keep(r, jget_str(one, "name")), jget_int(one, "min", 1)};
}

/* A task is known from the first time that it waits. NULL: it began before the span. */
static struct replay_task *task_new(struct replay_record *r, struct str id, const json_t *own) {
    int64_t created = jget_int(own, "created", 0);
    if (!own || created < r->from_ms || created >= r->to_ms)
        return NULL;
    struct replay_task *t = arena_new(&r->arena, sizeof *t);
    *t = (struct replay_task){.id = keep(r, id),
                              .queue = keep(r, jget_str(own, "queue")),
                              .channel = keep(r, jget_str(own, "channel")),
                              .wish = keep(r, jget_str(own, "wish")),
                              .wish_agent = keep(r, jget_str(own, "wish_agent")),
                              .deputy = keep(r, jget_str(own, "deputy")),
                              .priority = jget_int(own, "priority", 5),
                              .created_ms = created,
                              .wanted_ms = jget_int(own, "due", 0),
                              .wish_seen_ms = jget_int(own, "wish_seen", 0)};
    take_needs(r, t, json_object_get(own, "skills"));
    map_put(&r->by_id, str_c(t->id), t);
    if (r->tasks_n == r->tasks_room) {
        r->tasks_room = r->tasks_room ? r->tasks_room * 2 : 256;
        r->tasks = mem_grow(r->tasks, r->tasks_room * sizeof *r->tasks);
    }
    r->tasks[r->tasks_n++] = t;
    return t;
}

static void leaves(struct replay_record *r, const struct replay_task *t, int64_t at) {
    struct replay_agent *a = agent_of(r, str_c(t->taken_by));
    passes(r, a, at);
    a->open -= a->open > 0;
}

static void take_state(struct replay_record *r, struct replay_task *t, const json_t *j) {
    struct str state = jget_str(j, "task"), by = jget_str(j, "by");
    int64_t at = jget_int(j, "at", 0), replied = jget_int(j, "replied", 0);
    bool ends = str_is(state, "done") || str_is(state, "canceled");
    if (replied && !t->replied_ms)
        t->replied_ms = replied;
    if (str_is(state, "offered") && !t->taken_ms) {
        t->offered_ms = at;
    } else if (str_is(state, "accepted") && !t->taken_ms) {
        t->taken_ms = at;
        t->taken_by = keep(r, by);
        t->taken_queue = keep(r, jget_str(j, "queue"));
        struct replay_agent *a = agent_of(r, by);
        passes(r, a, at);
        a->open++;
    } else if (t->taken_ms && !t->ended_ms && (ends || str_is(state, "wrapup"))) {
        t->ended_ms = at;
        leaves(r, t, at);
    } else if (!t->taken_ms && ends) {
        t->left_ms = at;
    }
}

bool replay_record_line(struct replay_record *r, struct str line, struct fault *f) {
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(line, line.n, &j, f))
        return false;
    if (!json_is_object(j))
        return fault_set(f, FAULT_INPUT, "", "an entry of the archive is a JSON object");
    struct str type = jget_str(j, "type"), id = jget_str(j, "id");
    if (str_is(type, "presence") || str_is(type, "stream")) {
        take_presence(r, j, str_is(type, "stream"));
        return true;
    }
    struct replay_task *t = id.n ? map_get(&r->by_id, id) : NULL;
    if (!t && id.n)
        t = task_new(r, id, json_object_get(j, "own"));
    if (t)
        take_state(r, t, j);
    else
        r->ignored++;
    return true;
}

static int by_creation(const void *x, const void *y) {
    const struct replay_task *a = *(struct replay_task *const *)x,
                             *b = *(struct replay_task *const *)y;
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return strcmp(a->id, b->id);
}

void replay_record_end(struct replay_record *r) {
    size_t at = 0;
    for (struct replay_agent *a; (a = map_next(&r->agents, &at));)
        passes(r, a, r->to_ms);
    if (r->tasks_n)
        qsort(r->tasks, r->tasks_n, sizeof *r->tasks, by_creation);
}
