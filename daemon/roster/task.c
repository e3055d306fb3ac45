/* roster/task.c - a task as the store keeps it (its own JSON, store/route.h), as the router takes
 * it.
 */
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>

#include "roster/roster.h"

static enum routing_state state_of(struct str s) {
    static const struct {
        const char *name;
        enum routing_state state;
    } names[] = {{"waiting", ROUTING_WAITING},
                 {"offered", ROUTING_OFFERED},
                 {"accepted", ROUTING_ACCEPTED},
                 {"wrapup", ROUTING_WRAPUP},
                 {"snoozed", ROUTING_SNOOZED}};
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(s, names[i].name))
            return names[i].state;
    return ROUTING_GONE; /* done, canceled */
}

static enum routing_wish wish_of(struct str s) {
    return str_is(s, "last")       ? ROUTING_WISH_LAST
           : str_is(s, "transfer") ? ROUTING_WISH_TRANSFER
           : str_is(s, "snooze")   ? ROUTING_WISH_SNOOZE
           : str_is(s, "key")      ? ROUTING_WISH_KEY
           : str_is(s, "key-hard") ? ROUTING_WISH_KEY_HARD
                                   : ROUTING_WISH_NONE;
}

static size_t needs_of(const json_t *list, struct routing_need out[ROSTER_NEEDS_MAX]) {
    size_t n = 0, i;
    const json_t *one;
    json_array_foreach(list, i, one) if (n < ROSTER_NEEDS_MAX) out[n++] =
        (struct routing_need){.skill = jget_str(one, "name"), .min = jget_int(one, "min", 1)};
    return n;
}

static size_t excluded_of(json_t *x, struct routing_excluded out[ROSTER_EXCLUDED_MAX]) {
    size_t n = 0;
    const char *agent;
    json_t *until;
    json_object_foreach(x, agent, until) if (n < ROSTER_EXCLUDED_MAX) out[n++] =
        (struct routing_excluded){.agent = str_c(agent),
                                  .until_ms = (int64_t)json_number_value(until)};
    return n;
}

static size_t names_of(const json_t *list, struct str *out, size_t max) {
    size_t n = 0, i;
    const json_t *one;
    json_array_foreach(list, i, one) if (n < max && json_is_string(one)) out[n++] =
        str_make(json_string_value(one), json_string_length(one));
    return n;
}

struct service_facts roster_facts(const json_t *own) {
    struct service_facts f = {.created_ms = jget_int(own, "created", 0),
                              .asked_ms = jget_int(own, "asked", 0),
                              .replied_ms = jget_int(own, "replied", 0),
                              .last_reply_ms = jget_int(own, "last_reply", 0),
                              .taken_ms = jget_int(own, "taken", 0),
                              .wanted_ms = jget_int(own, "due", 0),
                              .paused_from_ms = jget_int(own, "paused_from", 0)};
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(own, "pauses"), i, one) {
        if (f.pauses_n == SERVICE_PAUSES_MAX)
            break;
        f.pauses[f.pauses_n].from_ms = (int64_t)json_number_value(json_array_get(one, 0));
        f.pauses[f.pauses_n++].to_ms = (int64_t)json_number_value(json_array_get(one, 1));
    }
    return f;
}

void roster_task_read(const json_t *own, const struct people *p, const struct times *t,
                      int64_t now_ms, struct roster_task *out) {
    struct service_facts facts = roster_facts(own);
    struct routing_task *k = &out->task;
    *k = (struct routing_task){.id = jget_str(own, "id"),
                               .queue = jget_str(own, "queue"),
                               .channel = jget_str(own, "channel"),
                               .rev = jget_int(own, "rev", 0),
                               .state = state_of(jget_str(own, "state")),
                               .weight = jget_int(own, "weight", 0),
                               .priority = jget_int(own, "priority", 5),
                               .created_ms = jget_int(own, "created", 0),
                               .entered_ms = jget_int(own, "entered", 0),
                               .steps = (uint32_t)jget_int(own, "steps", 0),
                               .needs = out->needs,
                               .added = out->added,
                               .agent = jget_str(own, "agent"),
                               .more = out->more,
                               .offer = jget_int(own, "n", 0),
                               .until_ms = jget_int(own, "till", 0),
                               .excluded = out->excluded,
                               .wish = wish_of(jget_str(own, "wish")),
                               .wish_agent = jget_str(own, "wish_agent"),
                               .deputy = jget_str(own, "deputy"),
                               .wish_seen_ms = jget_int(own, "wish_seen", 0),
                               .wish_from_ms = jget_int(own, "wish_from", 0)};
    k->needs_n = needs_of(json_object_get(own, "skills"), out->needs);
    k->excluded_n = excluded_of(json_object_get(own, "x"), out->excluded);
    k->added_n = names_of(json_object_get(own, "added"), out->added, COUNT(out->added));
    k->more_n = names_of(json_object_get(own, "more"), out->more, COUNT(out->more));
    k->due_ms = service_next(times_level(t, p, k->queue), &facts, now_ms, &k->due_from_ms);
    bool held =
        k->state == ROUTING_OFFERED || k->state == ROUTING_ACCEPTED || k->state == ROUTING_WRAPUP;
    if (!held) /* nobody holds it: it weighs what the configuration says today */
        k->weight = units_of(&p->units, k->channel);
}
