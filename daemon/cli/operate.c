/* cli/operate.c - what an operator looks after: quarantine, traces of single touchpoints. */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

/* ---- quarantine ---- */

static void quarantine_row(struct cli *c, struct cli_table *t, const json_t *o) {
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "source")));
    cli_table_cell(t, cli_time(c, jget_str(o, "received_at")));
    cli_table_cell(t, arena_strf(&c->arena, "%lld", (long long)jget_int(o, "size", 0)).p);
    cli_table_cell(t, cli_text(c, jget_str(o, "reason")));
}

static enum cli_exit quarantine_list(struct cli *c) {
    static const char *const heads[] = {"ID", "SOURCE", "RECEIVED", "BYTES", "REASON", NULL};
    json_t *list;
    size_t limit;
    if (!cli_count(c, "limit", 50, 100000, &limit))
        return CLI_USAGE;
    enum cli_exit status = cli_list(c, "/v1/quarantine", limit, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, quarantine_row);
    json_decref(list);
    return status;
}

enum cli_exit cli_quarantine(struct cli *c) {
    const char *verb = c->args_n ? c->args[0] : "list";
    enum cli_exit worst = CLI_OK;
    if (strcmp(verb, "list") == 0)
        return c->args_n > 1 ? cli_usage(c, "quarantine list takes no arguments")
                             : quarantine_list(c);
    if (strcmp(verb, "retry") != 0 && strcmp(verb, "drop") != 0)
        return cli_usage(c, "quarantine takes list, retry or drop");
    if (c->args_n < 2)
        return cli_usage(c, "quarantine %s takes ids", verb);
    for (size_t i = 1; i < c->args_n; i++) {
        struct cli_answer a;
        enum cli_exit status =
            cli_call(c, "POST", cli_path(c, "/v1/quarantine/%s/%s", c->args[i], verb), NULL, &a);
        cli_answer_clear(&a);
        if (status == CLI_OK && !c->json)
            printf("%s: %s\n", c->args[i], *verb == 'r' ? "tried again" : "dropped");
        if (status > worst)
            worst = status;
    }
    return worst;
}

/* ---- trace ---- */

static void receipt_print(struct cli *c, const json_t *o) {
    static const char *const heads[] = {"AT", "STEP", "DETAIL", NULL};
    size_t i;
    json_t *step;
    cli_field("touchpoint", cli_text(c, jget_str(o, "id")));
    cli_field("state", cli_text(c, jget_str(o, "state")));
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(json_object_get(o, "steps"), i, step) {
        cli_table_cell(t, cli_time(c, jget_str(step, "at")));
        cli_table_cell(t, cli_text(c, jget_str(step, "step")));
        cli_table_cell(t, cli_text(c, jget_str(step, "detail")));
    }
    putchar('\n');
    cli_table_print(t);
}

static enum cli_exit trace_one(struct cli *c, const char *id) {
    struct cli_answer a;
    enum cli_exit status = cli_call(c, "GET", cli_path(c, "/v1/receipts/%s", id), NULL, &a);
    if (status == CLI_OK && c->json)
        cli_print_json(a.json);
    else if (status == CLI_OK)
        receipt_print(c, a.json);
    cli_answer_clear(&a);
    return status;
}

/* A Message-ID or call id may stand for several touchpoints, each at its mailbox. */
enum cli_exit cli_trace(struct cli *c) {
    struct cli_answer a;
    if (c->args_n != 1)
        return cli_usage(c, "which touchpoint?");
    const char *what = c->args[0];
    if (strlen(what) == 28 && what[1] == '_')
        return trace_one(c, what);
    enum cli_exit status = cli_call(c, "GET", cli_query(c, "/v1/receipts", "ref", what), NULL, &a);
    const json_t *ids = json_object_get(a.json, "ids");
    size_t i;
    json_t *id;
    if (status == CLI_OK && json_array_size(ids) == 0)
        status = CLI_REFUSED;
    json_array_foreach(ids, i, id) {
        if (i && !c->json)
            putchar('\n');
        if (status == CLI_OK && json_is_string(id))
            status = trace_one(c, json_string_value(id));
    }
    cli_answer_clear(&a);
    return status;
}
