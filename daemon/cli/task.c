/* cli/task.c - tasks: listing, showing with their history, and the moves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

/* What a move takes: options of ours and what they are called in its body. */
struct move {
    const char *name;
    struct {
        const char *option, *member;
        bool number, required;
    } takes[3];
};
static const struct move moves[] = {
    {"accept", {{"offer", "offer", true, false}}},
    {"reject", {{"offer", "offer", true, true}, {"reason", "reason", false, false}}},
    {"complete", {{"disposition", "disposition", false, false}, {"note", "note", false, false}}},
    {"transfer",
     {{"to-queue", "queue", false, false},
      {"to-agent", "agent", false, false},
      {"reason", "reason", false, false}}},
    {"release", {{"reason", "reason", false, false}}},
    {"snooze", {{"until", "until", false, true}}},
};

static void task_row(struct cli *c, struct cli_table *t, const json_t *o) {
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "queue")));
    cli_table_cell(t, cli_text(c, jget_str(o, "state")));
    cli_table_cell(t, cli_text(c, jget_str(o, "agent")));
    cli_table_cell(t, arena_strf(&c->arena, "%lld", (long long)jget_int(o, "priority", 0)).p);
    cli_table_cell(t, cli_text(c, jget_str(o, "channel")));
    cli_table_cell(t, cli_time(c, jget_str(o, "created_at")));
    cli_table_cell(t, cli_text(c, jget_str(o, "subject")));
}

static void history_print(struct cli *c, const json_t *history) {
    static const char *const heads[] = {"AT", "FROM", "TO", "AGENT", "REASON", NULL};
    size_t i;
    json_t *o;
    if (json_array_size(history) == 0)
        return;
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(history, i, o) {
        cli_table_cell(t, cli_time(c, jget_str(o, "at")));
        cli_table_cell(t, cli_text(c, jget_str(o, "from")));
        cli_table_cell(t, cli_text(c, jget_str(o, "to")));
        cli_table_cell(t, cli_text(c, jget_str(o, "agent")));
        cli_table_cell(t, cli_text(c, jget_str(o, "reason")));
    }
    putchar('\n');
    cli_table_print(t);
}

static const char *skills(struct cli *c, const json_t *list) {
    const char *out = "-";
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o) {
        const char *name = cli_text(c, jget_str(o, "name"));
        out = arena_strf(&c->arena, "%s%s%s %lld", i ? out : "", i ? ", " : "", name,
                         (long long)jget_int(o, "min", 0))
                  .p;
    }
    return out;
}

static void task_print(struct cli *c, const json_t *o) {
    const json_t *offer = json_object_get(o, "offer");
    static const char *const labels[] = {"queue",        "state",    "agent",
                                         "channel",      "subject",  "contact",
                                         "conversation", "previous", "disposition"};
    cli_field("task", cli_text(c, jget_str(o, "id")));
    for (size_t i = 0; i < COUNT(labels); i++)
        cli_field(labels[i], cli_text(c, jget_str(o, labels[i])));
    cli_field("priority", arena_strf(&c->arena, "%lld", (long long)jget_int(o, "priority", 0)).p);
    cli_field("skills", skills(c, json_object_get(o, "skills")));
    cli_field("tags", cli_names(c, json_object_get(o, "tags")));
    if (json_is_object(offer))
        cli_field("offer",
                  arena_strf(&c->arena, "%lld, until %s", (long long)jget_int(offer, "n", 0),
                             cli_time(c, jget_str(offer, "expires_at")))
                      .p);
    cli_field("created", cli_time(c, jget_str(o, "created_at")));
    cli_field("due", cli_time(c, jget_str(json_object_get(o, "due"), "first_response")));
    cli_field("snoozed until", cli_time(c, jget_str(o, "snoozed_until")));
    history_print(c, json_object_get(o, "history"));
}

static enum cli_exit list_all(struct cli *c) {
    static const char *const heads[] = {"ID",      "QUEUE",   "STATE",   "AGENT", "PRIORITY",
                                        "CHANNEL", "CREATED", "SUBJECT", NULL};
    static const char *const filters[] = {"queue", "state", "agent"};
    const char *path = "/v1/tasks";
    json_t *list;
    size_t limit;
    if (!cli_count(c, "limit", 50, 100000, &limit))
        return CLI_USAGE;
    for (size_t i = 0; i < COUNT(filters); i++)
        path = cli_query(c, path, filters[i], cli_value(c, filters[i]));
    enum cli_exit status = cli_list(c, path, limit, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, task_row);
    json_decref(list);
    return status;
}

static enum cli_exit task_call(struct cli *c, const char *method, const char *path,
                               const json_t *body) {
    struct cli_answer a;
    enum cli_exit status = cli_call(c, method, path, body, &a);
    if (status == CLI_OK && c->json)
        cli_print_json(a.json);
    else if (status == CLI_OK)
        task_print(c, a.json);
    cli_answer_clear(&a);
    return status;
}

static enum cli_exit task_move(struct cli *c, const struct move *m) {
    json_t *body = json_object();
    enum cli_exit status = CLI_OK;
    for (size_t i = 0; i < COUNT(m->takes) && m->takes[i].option; i++) {
        const char *value = cli_value(c, m->takes[i].option);
        size_t n = 0;
        if (!value && m->takes[i].required)
            status = cli_usage(c, "task %s needs --%s", m->name, m->takes[i].option);
        else if (value && m->takes[i].number && !cli_count(c, m->takes[i].option, 0, 1 << 30, &n))
            status = CLI_USAGE;
        else if (value)
            json_object_set_new(body, m->takes[i].member,
                                n ? json_integer((json_int_t)n) : json_string(value));
    }
    if (strcmp(m->name, "transfer") == 0 &&
        !json_object_get(body, "queue") == !json_object_get(body, "agent"))
        status = cli_usage(c, "task transfer needs --to-queue or --to-agent");
    if (status == CLI_OK)
        status = task_call(c, "POST", cli_path(c, "/v1/tasks/%s/%s", c->args[1], m->name), body);
    json_decref(body);
    return status;
}

enum cli_exit cli_task(struct cli *c) {
    const char *verb = c->args_n ? c->args[0] : "list";
    if (strcmp(verb, "list") == 0)
        return c->args_n > 1 ? cli_usage(c, "task list takes no arguments") : list_all(c);
    for (size_t i = 0; i < COUNT(moves); i++)
        if (strcmp(verb, moves[i].name) == 0)
            return c->args_n == 2 ? task_move(c, &moves[i])
                                  : cli_usage(c, "task %s takes one task's id", verb);
    if (c->args_n > 1 || strncmp(verb, "t_", 2) != 0)
        return cli_usage(c, "%s is neither a move nor the id of a task", verb);
    return task_call(c, "GET", cli_path(c, "/v1/tasks/%s", verb), NULL);
}
