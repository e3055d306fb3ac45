/* cli/agent.c - agents and queues: who is doing what, what waits; what a supervisor says to them.
 */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

static const char *number(struct cli *c, const json_t *o, const char *key) {
    if (!json_is_integer(json_object_get(o, key)))
        return "-";
    return arena_strf(&c->arena, "%lld", (long long)jget_int(o, key, 0)).p;
}

static void agent_row(struct cli *c, struct cli_table *t, const json_t *o) {
    const json_t *presence = json_object_get(o, "presence"), *load = json_object_get(o, "load");
    struct str reason = jget_str(presence, "reason");
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "name")));
    cli_table_cell(
        t, reason.n ? cli_text(c, arena_strf(&c->arena, "%.*s (%.*s)",
                                             STR_ARG(jget_str(presence, "state")), STR_ARG(reason)))
                    : cli_text(c, jget_str(presence, "state")));
    cli_table_cell(t, cli_time(c, jget_str(presence, "since")));
    cli_table_cell(
        t, arena_strf(&c->arena, "%s/%s", number(c, load, "units"), number(c, load, "capacity")).p);
    cli_table_cell(t, cli_names(c, json_object_get(o, "queues")));
    cli_table_cell(t, cli_names(c, json_object_get(o, "tasks")));
}

static const char *service_level(struct cli *c, const json_t *o) {
    const json_t *sl = json_object_get(json_object_get(o, "service_level"), "sl");
    if (!json_is_number(sl))
        return "-";
    return arena_strf(&c->arena, "%.0f%%", json_number_value(sl) * 100).p;
}

static void queue_row(struct cli *c, struct cli_table *t, const json_t *o) {
    const json_t *agents = json_object_get(o, "agents");
    const json_t *wait = json_object_get(o, "longest_wait_s");
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, number(c, o, "waiting"));
    cli_table_cell(t, number(c, o, "offered"));
    cli_table_cell(t, number(c, o, "accepted"));
    cli_table_cell(t, json_is_number(wait) ? cli_span(c, (int64_t)json_number_value(wait)) : "-");
    cli_table_cell(t, number(c, agents, "available"));
    cli_table_cell(t, number(c, agents, "busy"));
    cli_table_cell(t, number(c, agents, "away"));
    cli_table_cell(t, number(c, agents, "offline"));
    cli_table_cell(t, service_level(c, o));
    cli_table_cell(t, cli_time(c, jget_str(json_object_get(o, "paused"), "since")));
}

/* Keeps of a list what has this id. */
static json_t *only(json_t *take_list, const char *id) {
    json_t *items = json_array(), *all = json_object_get(take_list, "items"), *o;
    size_t i;
    json_array_foreach(all, i, o) if (str_is(jget_str(o, "id"), id)) json_array_append(items, o);
    json_object_set_new(take_list, "items", items);
    return take_list;
}

static enum cli_exit list_print(struct cli *c, const char *path, const char *const *heads,
                                void (*row)(struct cli *, struct cli_table *, const json_t *)) {
    json_t *list;
    if (c->args_n > 1)
        return cli_usage(c, "one id at a time");
    enum cli_exit status = cli_list(c, path, 100000, &list);
    if (status != CLI_OK)
        return status;
    if (c->args_n) {
        list = only(list, c->args[0]);
        if (json_array_size(json_object_get(list, "items")) == 0)
            status = CLI_REFUSED;
    }
    cli_print_list(c, list, heads, row);
    json_decref(list);
    return status;
}

/* Asks with a body, and prints the one that came of it as a list does. */
static enum cli_exit say(struct cli *c, const char *method, const char *path, json_t *take_body,
                         const char *const *heads,
                         void (*row)(struct cli *, struct cli_table *, const json_t *)) {
    struct cli_answer a;
    enum cli_exit status = cli_call(c, method, path, take_body, &a);
    json_decref(take_body);
    if (status == CLI_OK && c->json) {
        cli_print_json(a.json);
    } else if (status == CLI_OK) {
        struct cli_table *t = cli_table_new(heads);
        row(c, t, a.json);
        cli_table_print(t);
    }
    cli_answer_clear(&a);
    return status;
}

static bool is_verb(const struct cli *c, const char *a, const char *b) {
    return c->args_n == 2 && (strcmp(c->args[0], a) == 0 || strcmp(c->args[0], b) == 0);
}

enum cli_exit cli_agent(struct cli *c) {
    static const char *const heads[] = {"ID",   "NAME",   "PRESENCE", "SINCE",
                                        "LOAD", "QUEUES", "TASKS",    NULL};
    const char *reason = cli_value(c, "reason");
    if (!is_verb(c, "away", "offline"))
        return list_print(c, "/v1/agents", heads, agent_row);
    if (!reason)
        return cli_usage(c, "agent %s needs --reason", c->args[0]);
    return say(c, "PUT", cli_path(c, "/v1/agents/%s/presence", c->args[1]),
               json_pack("{s:s,s:s}", "state", c->args[0], "reason", reason), heads, agent_row);
}

enum cli_exit cli_queue(struct cli *c) {
    static const char *const heads[] = {"ID",      "WAITING",       "OFFERED", "ACCEPTED",
                                        "LONGEST", "FREE",          "BUSY",    "AWAY",
                                        "OFFLINE", "SERVICE LEVEL", "PAUSED",  NULL};
    if (!is_verb(c, "pause", "resume"))
        return list_print(c, "/v1/queues", heads, queue_row);
    return say(c, "PATCH", cli_path(c, "/v1/queues/%s", c->args[1]),
               json_pack("{s:b,s:s?}", "paused", strcmp(c->args[0], "pause") == 0, "reason",
                         cli_value(c, "reason")),
               heads, queue_row);
}

static void audit_row(struct cli *c, struct cli_table *t, const json_t *o) {
    static const char *const fields[] = {"who", "what", "agent", "task"};
    cli_table_cell(t, cli_time(c, jget_str(o, "at")));
    for (size_t i = 0; i < COUNT(fields); i++)
        cli_table_cell(t, cli_text(c, jget_str(o, fields[i])));
    cli_table_cell(t, cli_names(c, json_object_get(o, "queues")));
    cli_table_cell(t, cli_text(c, jget_str(o, "why")));
}

enum cli_exit cli_audit(struct cli *c) {
    static const char *const heads[] = {"AT",   "WHO",    "WHAT", "AGENT",
                                        "TASK", "QUEUES", "WHY",  NULL};
    json_t *list;
    size_t limit;
    if (c->args_n)
        return cli_usage(c, "audit takes no arguments");
    if (!cli_count(c, "limit", 50, 100000, &limit))
        return CLI_USAGE;
    enum cli_exit status = cli_list(c, "/v1/audit", limit, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, audit_row);
    json_decref(list);
    return status;
}
