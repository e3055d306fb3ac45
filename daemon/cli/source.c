/* cli/source.c - the sources: what came of each; holding one against what was taken in, taking in
 * what it had before; the search built anew. */
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

static const char *count_of(struct cli *c, const json_t *o, const char *key) {
    return arena_strf(&c->arena, "%lld", (long long)jget_int(o, key, 0)).p;
}

static void source_row(struct cli *c, struct cli_table *t, const json_t *o) {
    cli_table_cell(t, cli_text(c, jget_str(o, "source")));
    cli_table_cell(t, count_of(c, o, "received"));
    cli_table_cell(t, count_of(c, o, "kept"));
    cli_table_cell(t, count_of(c, o, "duplicate"));
    cli_table_cell(t, count_of(c, o, "quarantined"));
    cli_table_cell(t, cli_time(c, jget_str(o, "last_received_at")));
    cli_table_cell(t,
                   jget_bool(o, "silent", false) ? "silent" : cli_text(c, jget_str(o, "health")));
    cli_table_cell(t, cli_text(c, jget_str(o, "detail")));
}

enum cli_exit cli_source(struct cli *c) {
    static const char *const heads[] = {"SOURCE", "RECEIVED", "KEPT",   "DUPLICATE", "QUARANTINED",
                                        "LAST",   "STATE",    "DETAIL", NULL};
    struct cli_answer a;
    if (c->args_n)
        return cli_usage(c, "source takes no arguments");
    enum cli_exit status =
        cli_call(c, "GET", cli_query(c, "/v1/sources", "since", cli_value(c, "since")), NULL, &a);
    if (status == CLI_OK)
        cli_print_list(c, a.json, heads, source_row);
    cli_answer_clear(&a);
    return status;
}

static enum cli_exit operate(struct cli *c, const char *kind, const char *since) {
    if (c->args_n != 1)
        return cli_usage(c, "which source? `touchline source` lists them");
    if (!since)
        return cli_usage(c, "--since says how far back: 30d, 2026-11-01, all");
    json_t *body = json_pack("{s:s, s:b}", "since", since, "anew", cli_value(c, "anew") != NULL);
    enum cli_exit status = cli_operate(c, cli_path(c, "/v1/sources/%s/%s", c->args[0], kind), body);
    json_decref(body);
    return status;
}

enum cli_exit cli_reconcile(struct cli *c) {
    const char *since = cli_value(c, "since");
    return operate(c, "reconcile", since ? since : "30d");
}

enum cli_exit cli_backfill(struct cli *c) {
    return operate(c, "backfill", cli_value(c, "since"));
}

enum cli_exit cli_reindex(struct cli *c) {
    if (c->args_n)
        return cli_usage(c, "reindex takes no arguments");
    c->prefer = "respond-async";
    return cli_operate(c, "/v1/reindex", NULL);
}
