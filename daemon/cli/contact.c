/* cli/contact.c - contacts, their timelines, and what an operator does with whole persons. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "cli/cli.h"

/* ---- showing ---- */

static void contact_row(struct cli *c, struct cli_table *t, const json_t *o) {
    const json_t *counters = json_object_get(o, "counters");
    const json_t *first = json_array_get(json_object_get(o, "identities"), 0);
    struct str kind = jget_str(first, "kind"), value = jget_str(first, "value");
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "name")));
    cli_table_cell(
        t, kind.n ? cli_text(c, arena_strf(&c->arena, "%.*s:%.*s", STR_ARG(kind), STR_ARG(value)))
                  : "-");
    cli_table_cell(t, cli_time(c, jget_str(counters, "last_at")));
}

static void identities_print(struct cli *c, const json_t *identities) {
    static const char *const heads[] = {"IDENTITY", "STATUS", "EVIDENCE", "SINCE", NULL};
    size_t i;
    json_t *o;
    if (json_array_size(identities) == 0)
        return;
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(identities, i, o) {
        struct str kind = jget_str(o, "kind"), value = jget_str(o, "value");
        cli_table_cell(
            t, cli_text(c, arena_strf(&c->arena, "%.*s:%.*s", STR_ARG(kind), STR_ARG(value))));
        cli_table_cell(t, cli_text(c, jget_str(o, "status")));
        cli_table_cell(t, cli_text(c, jget_str(o, "evidence")));
        cli_table_cell(t, cli_time(c, jget_str(o, "since")));
    }
    putchar('\n');
    cli_table_print(t);
}

static void contact_print(struct cli *c, const json_t *o) {
    const json_t *counters = json_object_get(o, "counters");
    int64_t suggestions = jget_int(o, "suggestions", 0);
    cli_field("contact", cli_text(c, jget_str(o, "id")));
    cli_field("name", cli_text(c, jget_str(o, "name")));
    cli_field("language", cli_text(c, jget_str(o, "language")));
    cli_field("tags", cli_names(c, json_object_get(o, "tags")));
    cli_field("key account", cli_text(c, jget_str(o, "key_account")));
    if (jget_bool(o, "no_contact", false))
        cli_field("remark", "does not want to be contacted");
    cli_field("touchpoints",
              arena_strf(&c->arena, "%lld", (long long)jget_int(counters, "touchpoints", 0)).p);
    cli_field("first", cli_time(c, jget_str(counters, "first_at")));
    cli_field("last", cli_time(c, jget_str(counters, "last_at")));
    cli_field("open", cli_names(c, json_object_get(o, "conversations")));
    if (suggestions)
        cli_field("suggestions", arena_strf(&c->arena, "%lld", (long long)suggestions).p);
    identities_print(c, json_object_get(o, "identities"));
}

/* Asks once and prints the contact that is answered. */
static enum cli_exit contact_call(struct cli *c, const char *method, const char *path,
                                  json_t *take_body) {
    struct cli_answer a;
    enum cli_exit status = cli_call(c, method, path, take_body, &a);
    if (status == CLI_OK && c->json)
        cli_print_json(a.json);
    else if (status == CLI_OK && json_object_get(a.json, "identities"))
        contact_print(c, a.json);
    else if (status == CLI_OK)
        puts("done");
    json_decref(take_body);
    cli_answer_clear(&a);
    return status;
}

/* ---- finding, merging, splitting ---- */

static enum cli_exit contact_search(struct cli *c, const char *words) {
    static const char *const heads[] = {"ID", "NAME", "IDENTITY", "LAST", NULL};
    json_t *list;
    size_t limit;
    if (!cli_count(c, "limit", 50, 100000, &limit))
        return CLI_USAGE;
    enum cli_exit status = cli_list(c, cli_query(c, "/v1/contacts", "q", words), limit, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, contact_row);
    if (json_array_size(json_object_get(list, "items")) == 0)
        status = CLI_REFUSED;
    json_decref(list);
    return status;
}

static void suggestion_row(struct cli *c, struct cli_table *t, const json_t *o) {
    const json_t *n = json_object_get(o, "n"), *other = json_object_get(o, "contact");
    struct str id = json_is_object(other) ? jget_str(other, "id") : jget_str(o, "contact");
    cli_table_cell(t, json_is_integer(n)
                          ? arena_strf(&c->arena, "%lld", (long long)json_integer_value(n)).p
                          : cli_text(c, jget_str(o, "n")));
    cli_table_cell(t, cli_text(c, id));
    cli_table_cell(t, cli_text(c, jget_str(o, "evidence")));
    cli_table_cell(t, cli_time(c, jget_str(o, "at")));
}

static enum cli_exit suggestions(struct cli *c, const char *id) {
    static const char *const heads[] = {"N", "CONTACT", "EVIDENCE", "SINCE", NULL};
    json_t *list;
    enum cli_exit status = cli_list(c, cli_path(c, "/v1/contacts/%s/suggestions", id), 500, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, suggestion_row);
    json_decref(list);
    return status;
}

static enum cli_exit split(struct cli *c, const char *id) {
    json_t *identities = json_array();
    for (size_t i = 2; i < c->args_n; i++)
        json_array_append_new(identities, json_string(c->args[i]));
    return contact_call(c, "POST", cli_path(c, "/v1/contacts/%s/split", id),
                        json_pack("{s:o}", "identities", identities));
}

enum cli_exit cli_contact(struct cli *c) {
    enum cli_exit status = CLI_USAGE;
    const char *verb = c->args_n ? c->args[0] : "", *id = NULL, *other;
    bool merge = strcmp(verb, "merge") == 0, apart = strcmp(verb, "split") == 0;
    bool decide = strcmp(verb, "confirm") == 0 || strcmp(verb, "dismiss") == 0;
    bool list = strcmp(verb, "suggestions") == 0;
    if (!c->args_n)
        return cli_usage(c, "which contact?");
    if (merge || apart || decide || list) {
        size_t need = list ? 2 : 3;
        if (c->args_n < need || (c->args_n > need && !apart))
            return cli_usage(c, "contact %s takes %s", verb,
                             list    ? "a contact"
                             : merge ? "two contacts"
                             : apart ? "a contact and "
                                       "identities"
                                     : "a contact and the suggestion's number");
        if (!(id = cli_contact_id(c, c->args[1], &status)))
            return status;
    }
    if (list)
        return suggestions(c, id);
    if (apart)
        return split(c, id);
    if (decide)
        return contact_call(c, "POST",
                            cli_path(c, "/v1/contacts/%s/suggestions/%s/%s", id, c->args[2], verb),
                            NULL);
    if (merge) {
        if (!(other = cli_contact_id(c, c->args[2], &status)))
            return status;
        return contact_call(c, "POST", cli_path(c, "/v1/contacts/%s/merge", id),
                            json_pack("{s:s}", "from", other));
    }
    if (c->args_n > 1)
        return cli_usage(c, "one contact at a time");
    if (strchr(verb, ':'))
        return contact_call(c, "GET", cli_query(c, "/v1/contacts", "identity", verb), NULL);
    if (strncmp(verb, "c_", 2) == 0)
        return contact_call(c, "GET", cli_path(c, "/v1/contacts/%s", verb), NULL);
    return contact_search(c, verb);
}

/* ---- timeline ---- */

static void touchpoint_row(struct cli *c, struct cli_table *t, const json_t *o) {
    struct str words = jget_str(o, "subject");
    const json_t *call = json_object_get(o, "call"), *delivery = json_object_get(o, "delivery");
    if (!words.n)
        words = jget_str(o, "reply_text");
    if (!words.n)
        words = jget_str(o, "text");
    if (!words.n)
        words = jget_str(call, "disposition");
    if (!words.n)
        words = jget_str(delivery, "state");
    cli_table_cell(t, cli_time(c, jget_str(o, "at")));
    cli_table_cell(t, cli_text(c, jget_str(o, "channel")));
    cli_table_cell(t, cli_text(c, jget_str(o, "kind")));
    cli_table_cell(t, str_is(jget_str(o, "direction"), "outbound") ? "out" : "in");
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, utf8_upto(words, 200)));
}

enum cli_exit cli_timeline(struct cli *c) {
    static const char *const heads[] = {"AT", "CHANNEL", "KIND", "WAY", "ID", "WHAT", NULL};
    static const char *const filters[] = {"channel", "from", "to"};
    enum cli_exit status = CLI_USAGE;
    json_t *list;
    size_t limit;
    if (c->args_n != 1)
        return cli_usage(c, "which contact?");
    if (!cli_count(c, "limit", 50, 100000, &limit))
        return CLI_USAGE;
    const char *id = cli_contact_id(c, c->args[0], &status);
    if (!id)
        return status;
    const char *path = cli_path(c, "/v1/contacts/%s/timeline", id);
    for (size_t i = 0; i < COUNT(filters); i++)
        path = cli_query(c, path, filters[i], cli_value(c, filters[i]));
    status = cli_list(c, path, limit, &list);
    if (status != CLI_OK)
        return status;
    cli_print_list(c, list, heads, touchpoint_row);
    json_decref(list);
    return status;
}

/* ---- whole persons ---- */

enum cli_exit cli_export(struct cli *c) {
    struct cli_answer a;
    enum cli_exit status = CLI_USAGE;
    if (c->args_n != 1)
        return cli_usage(c, "which contact?");
    const char *id = cli_contact_id(c, c->args[0], &status);
    if (!id)
        return status;
    status = cli_call(c, "GET", cli_path(c, "/v1/contacts/%s/export", id), NULL, &a);
    if (status == CLI_OK && c->json)
        cli_print_json(a.json);
    else if (status == CLI_OK && json_dumpf(a.json, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    cli_answer_clear(&a);
    return status;
}

/* Only a yes typed by a person counts. */
static bool confirmed(const char *id) {
    char line[16];
    if (!isatty(STDIN_FILENO)) {
        fputs("touchline: erasing needs --yes where nobody can be asked\n", stderr);
        return false;
    }
    fprintf(stderr, "Erase all that is held about %s? It cannot be undone. Type yes: ", id);
    return fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0;
}

enum cli_exit cli_erase(struct cli *c) {
    struct cli_answer a;
    enum cli_exit status = CLI_USAGE;
    bool dry = cli_value(c, "dry-run") != NULL;
    if (c->args_n != 1)
        return cli_usage(c, "which contact?");
    const char *id = cli_contact_id(c, c->args[0], &status);
    if (!id)
        return status;
    if (!dry && !cli_value(c, "yes") && !confirmed(id))
        return CLI_USAGE;
    const char *path = cli_path(c, "/v1/contacts/%s", id);
    status = cli_call(c, "DELETE", cli_query(c, path, "dry_run", dry ? "1" : NULL), NULL, &a);
    if (status == CLI_OK && (c->json || dry))
        cli_print_json(a.json);
    else if (status == CLI_OK)
        printf("under way; `touchline trace %s` tells when every daemon has confirmed\n",
               cli_text(c, jget_str(a.json, "id")));
    cli_answer_clear(&a);
    return status;
}
