/* cli/explain.c - why a task is where it is, in sentences. */
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

static void print(struct cli *c, const json_t *o) {
    static const char *const heads[] = {"AGENT", "FITS", "WHY", NULL};
    const json_t *candidates = json_object_get(o, "candidates"), *one;
    size_t i;
    printf("%s\n", cli_text(c, jget_str(o, "summary")));
    json_array_foreach(json_object_get(o, "reasons"), i, one) {
        if (i > 0 || !str_eq(jget_str(one, "text"), jget_str(o, "summary")))
            printf("  - %s\n", cli_text(c, jget_str(one, "text")));
    }
    if (json_array_size(candidates) == 0)
        return;
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(candidates, i, one) {
        cli_table_cell(t, cli_text(c, jget_str(one, "agent")));
        cli_table_cell(t, jget_bool(one, "fits", false) ? "+" : "-");
        cli_table_cell(t, cli_text(c, jget_str(one, "text")));
    }
    putchar('\n');
    cli_table_print(t);
}

enum cli_exit cli_explain(struct cli *c) {
    struct cli_answer a;
    if (c->args_n != 1)
        return cli_usage(c, "explain takes one task's id");
    const char *path = cli_query(c, cli_path(c, "/v1/tasks/%s/explain", c->args[0]), "language",
                                 cli_value(c, "language"));
    enum cli_exit status = cli_call(c, "GET", path, NULL, &a);
    if (status == CLI_OK && c->json)
        cli_print_json(a.json);
    else if (status == CLI_OK)
        print(c, a.json);
    cli_answer_clear(&a);
    return status;
}
