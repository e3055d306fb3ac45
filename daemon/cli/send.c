/* cli/send.c - pushes touchpoints: what stands in a file, or one put together from options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/jread.h>

#include "cli/cli.h"

enum { BODY_MAX = 64 << 20, FILE_MAX = 22 << 20 /* as base64 within what a request may hold */ };

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

/* "2026-11-20" and "2026-11-20 14:30" are local, a day is its noon; anything else is the API's to
 * judge. */
static const char *time_of(struct cli *c, const char *text) {
    static const char *const forms[] = {"%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct tm t = {.tm_hour = 12, .tm_isdst = -1};
        struct tm utc;
        char out[40];
        const char *end = strptime(text, forms[i], &t);
        time_t at = end && !*end ? mktime(&t) : (time_t)-1;
        if (at == (time_t)-1 || !gmtime_r(&at, &utc))
            continue;
        strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc);
        return arena_str(&c->arena, str_c(out)).p;
    }
    return text;
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

static const char *type_by_name(struct str name) {
    static const char *const types[][2] = {{".pdf", "application/pdf"}, {".png", "image/png"},
                                           {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"},
                                           {".tif", "image/tiff"},      {".tiff", "image/tiff"},
                                           {".txt", "text/plain"},      {".csv", "text/csv"}};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct str end = str_c(types[i][0]);
        if (name.n > end.n && str_eq_nocase(str_from(name, name.n - end.n), end))
            return types[i][1];
    }
    return "application/octet-stream";
}

/* A scan, a photograph. false: told. */
static bool attach(json_t *list, const char *path) {
    cleanup(buf_clear) struct buf bytes, text;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    buf_init(&bytes, FILE_MAX);
    buf_init(&text, BODY_MAX);
    if (!input_read(path, &bytes) || !base64_encode(&text, buf_str(&bytes)))
        return false;
    json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", name, "type",
                                          type_by_name(str_c(name)), "data",
                                          jstr(text.n ? buf_str(&text) : str_c(""))));
    return true;
}

/* NULL: told. */
static json_t *touchpoint(struct cli *c, const char *from) {
    static const char *const members[] = {"id", "kind", "direction", "subject", "text", "thread"};
    const char *channel = cli_value(c, "channel"), *at = cli_value(c, "at");
    const char *name = cli_value(c, "from-name");
    json_t *o = json_object(), *attachments = json_array();
    bool ok = true;
    json_object_set_new(o, "channel", json_string(channel ? channel : "other"));
    for (size_t i = 0; i < COUNT(members); i++)
        if (cli_value(c, members[i]))
            json_object_set_new(o, members[i], json_string(cli_value(c, members[i])));
    if (at)
        json_object_set_new(o, "at", json_string(time_of(c, at)));
    json_object_set_new(o, "from", sender(from, name ? name : cli_value(c, "name")));
    for (size_t i = 0; i < c->values_n && ok; i++)
        if (strcmp(c->values[i].name, "attach") == 0)
            ok = attach(attachments, c->values[i].value);
    if (json_array_size(attachments))
        json_object_set(o, "attachments", attachments);
    json_decref(attachments);
    if (ok)
        return o;
    json_decref(o);
    return NULL;
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
    if (!from && (cli_value(c, "text") || cli_value(c, "channel") || cli_value(c, "from-name") ||
                  cli_value(c, "name") || cli_value(c, "attach")))
        return cli_usage(c, "whose is it? --from email:jana@example.org, phone:+4930123, crm:4711");
    if (from && c->args_n)
        return cli_usage(c, "either a file or --from");
    if (from && !strchr(from, ':'))
        return cli_usage(c, "--from takes KIND:VALUE, like email:jana@example.org");
    if (c->args_n > 1)
        return cli_usage(c, "one file at a time");
    if (from) {
        json_t *o = touchpoint(c, from);
        if (!o)
            return CLI_USAGE;
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
