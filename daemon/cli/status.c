/* cli/status.c - how the daemon is. */
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

static const char *state_of(struct cli *c, const json_t *v) {
    return json_is_object(v) ? cli_text(c, jget_str(v, "state"))
                             : cli_text(c, str_c(json_string_value(v)));
}

static void channels_print(struct cli *c, json_t *channels) {
    static const char *const heads[] = {"CHANNEL", "PART", "STATE", "DETAIL", NULL};
    const char *name, *part;
    json_t *channel, *p;
    if (json_object_size(channels) == 0)
        return;
    struct cli_table *t = cli_table_new(heads);
    json_object_foreach(channels, name, channel) {
        cli_table_cell(t, cli_text(c, str_c(name)));
        cli_table_cell(t, "");
        cli_table_cell(t, state_of(c, channel));
        cli_table_cell(t, cli_text(c, jget_str(channel, "detail")));
        json_object_foreach(json_object_get(channel, "parts"), part, p) {
            cli_table_cell(t, "");
            cli_table_cell(t, cli_text(c, str_c(part)));
            cli_table_cell(t, state_of(c, p));
            cli_table_cell(t, cli_text(c, jget_str(p, "detail")));
        }
    }
    putchar('\n');
    cli_table_print(t);
}

static const char *number(struct cli *c, const json_t *o, const char *key) {
    if (!json_is_integer(json_object_get(o, key)))
        return "-";
    return arena_strf(&c->arena, "%lld", (long long)jget_int(o, key, 0)).p;
}

enum cli_exit cli_status(struct cli *c) {
    struct cli_answer a;
    if (c->args_n)
        return cli_usage(c, "status takes no arguments");
    enum cli_exit status = cli_ask(c, "/readyz", &a);
    if (status == CLI_OK && !json_is_object(a.json)) {
        cli_tell_problem(&a);
        status = CLI_REFUSED;
    } else if (status == CLI_OK) {
        const json_t *spool = json_object_get(a.json, "spool");
        if (a.status != 200)
            status = CLI_REFUSED;
        if (c->json) {
            cli_print_json(a.json);
        } else {
            cli_field("daemon", cli_text(c, jget_str(a.json, "status")));
            cli_field("spool", state_of(c, spool));
            cli_field("  pending", number(c, spool, "pending"));
            cli_field("  quarantined", number(c, spool, "quarantined"));
            cli_field("  to be sent", number(c, spool, "outbox"));
            cli_field("  bytes", number(c, spool, "bytes"));
            cli_field("store", state_of(c, json_object_get(a.json, "store")));
            cli_field("  because", cli_text(c, jget_str(a.json, "store_reason")));
            cli_field("backlog", number(c, a.json, "backlog"));
            cli_field("data lost since", cli_time(c, jget_str(a.json, "data_loss_since")));
            channels_print(c, json_object_get(a.json, "channels"));
        }
    }
    cli_answer_clear(&a);
    return status;
}
