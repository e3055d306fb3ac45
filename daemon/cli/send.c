/* cli/send.c - pushes touchpoints: what stands in a file, or one put together from options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

enum { BODY_MAX = 64 << 20 };

/* The networks that the API knows as such; any other word before the colon is an external system.
 */
static const char *const networks[] = {"telegram", "facebook", "threads", "messenger", "instagram",
                                       "line",     "viber",    "slack",   "discord",   "x",
                                       "twitter",  "mastodon", "signal",  "whatsapp"};

static json_t *sender(const char *identity, const char *name) {
    struct str rest = str_c(identity);
    struct str kind = str_cut(&rest, ':');
    json_t *from = json_object();
    if (name)
        json_object_set_new(from, "name", json_string(name));
    if (str_is(kind, "email") || str_is(kind, "phone")) {
        json_object_setn_new(from, kind.p, kind.n, jstr(rest));
        return from;
    }
    for (size_t i = 0; i < COUNT(networks); i++)
        if (str_is(kind, networks[i])) {
            json_object_set_new(from, "social",
                                json_pack("{s:o, s:o}", "network", jstr(kind), "id", jstr(rest)));
            return from;
        }
    json_t *external = json_object();
    json_object_setn_new(external, kind.p, kind.n, jstr(rest));
    json_object_set_new(from, "external", external);
    return from;
}

static json_t *touchpoint(struct cli *c, const char *from) {
    static const char *const members[] = {"id",      "kind", "direction", "at",
                                          "subject", "text", "thread"};
    const char *channel = cli_value(c, "channel");
    json_t *o = json_object();
    json_object_set_new(o, "channel", json_string(channel ? channel : "other"));
    json_object_set_new(o, "kind", json_string("message"));
    for (size_t i = 0; i < COUNT(members); i++)
        if (cli_value(c, members[i]))
            json_object_set_new(o, members[i], json_string(cli_value(c, members[i])));
    json_object_set_new(o, "from", sender(from, cli_value(c, "name")));
    return o;
}

/* All of a file; "-" is standard input. false: told. */
static bool input_read(const char *path, struct buf *out) {
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    bool fits = true;
    if (!f) {
        perror(path);
        return false;
    }
    while (fits && !feof(f) && !ferror(f)) {
        char chunk[65536];
        size_t n = fread(chunk, 1, sizeof chunk, f);
        fits = buf_add(out, str_make(chunk, n));
    }
    bool ok = fits && !ferror(f);
    if (!ok)
        fprintf(stderr, "touchline: %s: %s\n", path, fits ? "cannot be read" : "more than 64 MiB");
    if (f != stdin)
        fclose(f);
    return ok;
}

/* A document is JSON, several lines of them are NDJSON. */
static const char *type_of(struct str body) {
    struct fault f;
    json_t *whole = NULL;
    bool one = jread_parse(body, BODY_MAX, &whole, &f);
    json_decref(whole);
    return one ? "application/json" : "application/x-ndjson";
}

static void outcome_row(struct cli *c, struct cli_table *t, const json_t *o) {
    struct str detail = jget_str(o, "detail");
    int64_t status = jget_int(o, "status", 0);
    cli_table_cell(t, arena_strf(&c->arena, "%lld", (long long)status).p);
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "contact")));
    cli_table_cell(t, cli_text(c, jget_str(o, "task")));
    cli_table_cell(t, detail.n                           ? cli_text(c, detail)
                      : jget_bool(o, "duplicate", false) ? "known already"
                                                         : "-");
}

static enum cli_exit many_print(struct cli *c, const json_t *outcomes) {
    static const char *const heads[] = {"STATUS", "ID", "CONTACT", "TASK", "REMARK", NULL};
    enum cli_exit status = CLI_OK;
    size_t i;
    json_t *o;
    json_array_foreach(outcomes, i, o) if (jget_int(o, "status", 0) >= 400) status = CLI_REFUSED;
    if (c->json) {
        cli_print_json(outcomes);
        return status;
    }
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(outcomes, i, o) outcome_row(c, t, o);
    cli_table_print(t);
    return status;
}

static enum cli_exit one_print(struct cli *c, const json_t *o) {
    if (c->json) {
        cli_print_json(o);
        return CLI_OK;
    }
    cli_field("touchpoint", cli_text(c, jget_str(o, "id")));
    cli_field("contact", cli_text(c, jget_str(o, "contact")));
    cli_field("conversation", cli_text(c, jget_str(o, "conversation")));
    cli_field("task", cli_text(c, jget_str(o, "task")));
    if (jget_bool(o, "duplicate", false))
        cli_field("remark", "known already");
    else if (!jget_str(o, "contact").n)
        cli_field("remark", "kept; not on the timeline yet");
    return CLI_OK;
}

static enum cli_exit push(struct cli *c, const char *type, struct str body) {
    struct cli_answer a;
    enum cli_exit status = cli_send(c, "POST", "/v1/touchpoints", type, body, &a);
    if (status == CLI_OK)
        status = json_is_array(a.json) ? many_print(c, a.json) : one_print(c, a.json);
    cli_answer_clear(&a);
    return status;
}

enum cli_exit cli_send_command(struct cli *c) {
    const char *from = cli_value(c, "from");
    enum cli_exit status = CLI_USAGE;
    if (from && c->args_n)
        return cli_usage(c, "either a file or --from");
    if (from && !strchr(from, ':'))
        return cli_usage(c, "--from takes KIND:VALUE, like email:jana@example.org");
    if (c->args_n > 1)
        return cli_usage(c, "one file at a time");
    if (from) {
        json_t *o = touchpoint(c, from);
        char *text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        status = push(c, "application/json", str_c(text));
        free(text);
        return status;
    }
    struct buf body;
    buf_init(&body, BODY_MAX);
    if (input_read(c->args_n ? c->args[0] : "-", &body))
        status = push(c, type_of(buf_str(&body)), buf_str(&body));
    buf_clear(&body);
    return status;
}
