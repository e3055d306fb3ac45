/* cli/main.c - `touchline`: the table of commands, options, help. */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/version.h>

#include "cli/cli.h"

#define LIMIT                                                                                      \
    { "limit", "N", "at most so many (50)" }

const struct cli_command cli_commands[] = {
    {"status", "", "how the daemon is: spool, store, channels, queues", NULL, cli_status, {{0}}},
    {"send",
     "[FILE]\n--from IDENTITY --text TEXT ...",
     "push touchpoints: JSON or NDJSON from a file or from standard input, or one by options",
     NULL,
     cli_send_command,
     {{"from", "IDENTITY",
       "whose it is: email:jana@example.org, phone:+4930123, instagram:17, crm:4711"},
      {"from-name", "NAME", "the person's name; --name is the same"},
      {"name", "NAME", "the person's name"},
      {"channel", "CHANNEL", "letter, fax, visit, chat ... (other)"},
      {"kind", "KIND", "message, note, purchase ... (as the channel has it)"},
      {"direction", "WAY", "inbound or outbound (inbound)"},
      {"at", "TIME", "when it happened: 2026-11-20, 2026-11-20 14:30, RFC 3339 (now)"},
      {"subject", "TEXT", "its subject"},
      {"text", "TEXT", "its text"},
      {"attach", "FILE", "a scan, a photograph; may be given again"},
      {"thread", "NAME", "what it belongs to"},
      {"id", "ID", "your own id: the same again is the same touchpoint"}}},
    {"contact",
     "ID|IDENTITY|SEARCH\nmerge CONTACT OTHER\nsplit CONTACT IDENTITY...\nsuggestions CONTACT\n"
     "confirm|dismiss CONTACT N",
     "show or find contacts; make two one, or one two",
     "merge split suggestions confirm dismiss",
     cli_contact,
     {LIMIT}},
    {"timeline",
     "CONTACT",
     "what happened with a contact, newest first",
     NULL,
     cli_timeline,
     {LIMIT,
      {"channel", "CHANNEL", "of this channel only"},
      {"from", "TIME", "not before"},
      {"to", "TIME", "not after"}}},
    {"explain",
     "ID",
     "why a task is where it is",
     NULL,
     cli_explain,
     {{"language", "de|en", "of the sentences; absent: as the daemon is configured"}}},
    {"simulate",
     "--config FILE --from TIME --to TIME",
     "tries another configuration on recorded days",
     NULL,
     cli_simulate,
     {{"config", "FILE", "the configuration to try; secrets in it are not read"},
      {"from", "TIME", "begin of the span: a day or a time"},
      {"to", "TIME", "its end"},
      {"record", "FILE", "a record that --save wrote, instead of the daemon's"},
      {"save", "FILE", "keeps the record, to try again without the daemon"}}},
    {"task",
     "[list]\nID\naccept ID\nreject ID --offer N\ncomplete ID\ntransfer ID --to-queue|--to-agent "
     "ID\n"
     "release ID\nsnooze ID --until TIME",
     "show tasks and move them",
     "list accept reject complete transfer release snooze",
     cli_task,
     {LIMIT,
      {"queue", "ID", "list: of this queue"},
      {"state", "STATE", "list: waiting, offered, accepted, wrapup, snoozed, done"},
      {"agent", "ID", "list: of this agent"},
      {"offer", "N", "accept, reject: which offer"},
      {"reason", "TEXT", "reject, transfer, release: why"},
      {"disposition", "WORD", "complete: how it ended"},
      {"note", "TEXT", "complete: a note for the timeline"},
      {"to-queue", "ID", "transfer: to this queue"},
      {"to-agent", "ID", "transfer: to this agent"},
      {"until", "TIME", "snooze: RFC 3339"}}},
    {"agent",
     "[ID]\naway ID --reason TEXT\noffline ID --reason TEXT",
     "who is there, doing what; send one away",
     "away offline",
     cli_agent,
     {{"reason", "TEXT", "why; the agent sees it"}}},
    {"queue",
     "[ID]\npause ID\nresume ID",
     "what waits, and for how long; pause a queue",
     "pause resume",
     cli_queue,
     {{"reason", "TEXT", "why"}}},
    {"audit", "", "what supervisors and operators did", NULL, cli_audit, {LIMIT}},
    {"quarantine",
     "[list]\nretry ID...\ndrop ID...",
     "what could not be read or applied",
     "list retry drop",
     cli_quarantine,
     {LIMIT}},
    {"trace",
     "ID|MESSAGE-ID|CALL-ID",
     "what became of a touchpoint, step by step",
     NULL,
     cli_trace,
     {{0}}},
    {"export",
     "CONTACT",
     "all that is held about a person, one JSON document",
     NULL,
     cli_export,
     {{0}}},
    {"erase",
     "CONTACT",
     "erase a person; asks first",
     NULL,
     cli_erase,
     {{"dry-run", NULL, "count what would go, and stop"}, {"yes", NULL, "do not ask"}}},
    {"source",
     "",
     "what came of each source, and whether it lives",
     NULL,
     cli_source,
     {{"since", "TIME", "count from then on: 30d, 2026-11-01 (30d)"}}},
    {"reconcile",
     "SOURCE",
     "hold a mailbox, form, switch ... against what was taken in; 1: something is missing",
     NULL,
     cli_reconcile,
     {{"since", "TIME", "how far back: 30d, 2026-11-01, all (30d)"},
      {"anew", NULL, "from the beginning, though one was interrupted"}}},
    {"backfill",
     "SOURCE",
     "take in what a source had before",
     NULL,
     cli_backfill,
     {{"since", "TIME", "how far back: 30d, 2026-11-01, all"},
      {"anew", NULL, "from the beginning, though one was interrupted"}}},
    {"reindex", "", "build the search anew", NULL, cli_reindex, {{0}}},
    {"tail",
     "[CONTACT...]",
     "follow what happens: an agent's stream, or with an operator's token the tasks",
     NULL,
     cli_tail,
     {{0}}},
    {"password",
     "",
     "read a password from standard input and print its argon2id string",
     NULL,
     cli_password,
     {{0}}},
    {"completion", "bash", "print a script for the shell", "bash", cli_completion, {{0}}},
    {0},
};

static const struct cli_option globals[] = {
    {"url", "URL", "the daemon, also unix:PATH (TOUCHLINE_URL, http://127.0.0.1:8480)"},
    {"token-file", "FILE", "a file with the bearer token (TOUCHLINE_TOKEN)"},
    {"json", NULL, "print what the daemon answers, for programs"},
    {"help", NULL, "this text"},
};

static void options_print(const struct cli_option *options, size_t n) {
    for (size_t i = 0; i < n && options[i].name; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        printf("  %-22s %s\n", left, options[i].help);
    }
}

static enum cli_exit help_all(FILE *to) {
    fputs("Usage: touchline COMMAND [ARGUMENT...] [OPTION...]\n\n", to);
    for (const struct cli_command *k = cli_commands; k->name; k++)
        fprintf(to, "  %-12s %s\n", k->name, k->summary);
    fputs("\n`touchline COMMAND --help` tells more. The token is taken from TOUCHLINE_TOKEN or\n"
          "--token-file, the daemon's address from TOUCHLINE_URL or --url.\n"
          "Exit status: 0 done, 1 refused or not found, 2 called wrongly, 3 no answer,\n"
          "130 interrupted.\n",
          to);
    return to == stdout ? CLI_OK : CLI_USAGE;
}

static enum cli_exit help_command(const struct cli_command *k) {
    struct str rest = str_c(k->usage);
    const char *lead = "Usage:";
    do {
        struct str form = str_cut(&rest, '\n');
        printf("%s touchline %s %.*s\n", lead, k->name, STR_ARG(form));
        lead = "      ";
    } while (rest.p);
    printf("\n%s\n\n", k->summary);
    options_print(k->options, CLI_OPTIONS_MAX);
    options_print(globals, COUNT(globals));
    puts("\nExit status: 0 done, 1 refused or not found, 2 called wrongly, 3 no answer.");
    return CLI_OK;
}

const char *cli_value(const struct cli *c, const char *option) {
    for (size_t i = 0; i < c->values_n; i++)
        if (strcmp(c->values[i].name, option) == 0)
            return c->values[i].value;
    return NULL;
}

enum cli_exit cli_usage(const struct cli *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("touchline: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (c->command)
        fprintf(stderr, "touchline: `touchline %s --help` tells more\n", c->command->name);
    else
        fputs("touchline: `touchline --help` tells more\n", stderr);
    return CLI_USAGE;
}

bool cli_count(const struct cli *c, const char *option, size_t def, size_t max, size_t *out) {
    const char *value = cli_value(c, option);
    char *end;
    *out = def;
    if (!value)
        return true;
    unsigned long n = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || n < 1 || n > max) {
        cli_usage(c, "--%s takes a number from 1 to %zu", option, max);
        return false;
    }
    *out = n;
    return true;
}

static const struct cli_option *option_find(const struct cli_option *options, size_t n,
                                            struct str name) {
    for (size_t i = 0; i < n && options[i].name; i++)
        if (str_is(name, options[i].name))
            return &options[i];
    return NULL;
}

/* One option with its value, which may be the next argument. false: told. */
static bool option_take(struct cli *c, char **argv, int argc, int *at) {
    struct str value = str_c(argv[*at] + 2);
    struct str name = str_cut(&value, '=');
    const struct cli_option *o = option_find(globals, COUNT(globals), name);
    if (!o && c->command)
        o = option_find(c->command->options, CLI_OPTIONS_MAX, name);
    if (!o) {
        cli_usage(c, "unknown option %s", argv[*at]);
        return false;
    }
    if (!o->value && value.p) {
        cli_usage(c, "--%s takes no value", o->name);
        return false;
    }
    if (o->value && !value.p && *at + 1 >= argc) {
        cli_usage(c, "--%s needs %s", o->name, o->value);
        return false;
    }
    const char *text = !o->value ? "" : value.p ? value.p : argv[++*at];
    if (c->values_n == CLI_VALUES_MAX) {
        cli_usage(c, "too many options");
        return false;
    }
    c->values[c->values_n].name = o->name;
    c->values[c->values_n++].value = text;
    return true;
}

static const struct cli_command *command_find(const char *name) {
    for (const struct cli_command *k = cli_commands; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

/* Options may stand anywhere; behind `--` nothing is one. */
static bool arguments_take(struct cli *c, int argc, char **argv) {
    bool options = true;
    for (int i = 1; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            if (!option_take(c, argv, argc, &i))
                return false;
        } else if (options && strcmp(argv[i], "-h") == 0) {
            c->values[0].name = "help";
            c->values[0].value = "";
            c->values_n = c->values_n ? c->values_n : 1;
        } else if (!c->command) {
            c->command = command_find(argv[i]);
            if (!c->command) {
                cli_usage(c, "unknown command %s", argv[i]);
                return false;
            }
        } else if (c->args_n == CLI_ARGS_MAX) {
            cli_usage(c, "too many arguments");
            return false;
        } else {
            c->args[c->args_n++] = argv[i];
        }
    }
    return true;
}

static enum cli_exit run(struct cli *c, int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("touchline " TOUCHLINE_VERSION);
        return CLI_OK;
    }
    if (!arguments_take(c, argc, argv))
        return CLI_USAGE;
    if (cli_value(c, "help"))
        return c->command ? help_command(c->command) : help_all(stdout);
    if (!c->command)
        return help_all(stderr);
    const char *url = cli_value(c, "url");
    if (!url)
        url = getenv("TOUCHLINE_URL");
    c->url = url && *url ? url : "http://127.0.0.1:8480";
    c->token_file = cli_value(c, "token-file");
    c->json = cli_value(c, "json") != NULL;
    return c->command->run(c);
}

int main(int argc, char **argv) {
    struct cli c = {0};
    setlocale(LC_TIME, "");
    arena_init(&c.arena);
    enum cli_exit status = run(&c, argc, argv);
    arena_clear(&c.arena);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("touchline: standard output");
        return CLI_REFUSED;
    }
    return (int)status;
}
