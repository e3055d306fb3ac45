/* cli/cli.h - the operator's tool `touchline`: what its commands share.
 *
 * A command is one row of the table in main.c and one function in its own file; usage, --help and
 * completion come from the row. Commands talk to the daemon by the contract's HTTP API alone and
 * hold nothing: they ask, print and end.
 *
 *   main.c ──options──► command's run() ──cli_call──► http.c ──► daemon
 *                            └──► print.c: tables, fields, local times
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,       /* the daemon refused it, or there is no such thing */
    CLI_USAGE = 2,         /* called wrongly */
    CLI_UNREACHABLE = 3,   /* no answer */
    CLI_INTERRUPTED = 130, /* by Ctrl-C, as a shell tells it */
};

enum { CLI_ARGS_MAX = 64, CLI_VALUES_MAX = 16, CLI_OPTIONS_MAX = 12 };

struct cli;

struct cli_option {
    const char *name;  /* "queue" for --queue */
    const char *value; /* what follows it, "ID"; NULL: nothing */
    const char *help;
};

struct cli_command {
    const char *name;
    const char *usage;   /* what follows the name, a line a form */
    const char *summary; /* one line */
    const char *words;   /* first arguments that completion offers, or NULL */
    enum cli_exit (*run)(struct cli *c);
    struct cli_option options[CLI_OPTIONS_MAX];
};

struct cli {
    struct arena arena; /* of this call; everything that lives until its end */
    const struct cli_command *command;
    const char *url, *token_file;
    bool json;
    bool quiet;                     /* no word of an answer that does not come */
    const char *prefer;             /* RFC 7240, of the requests from now on; NULL: nothing */
    const char *args[CLI_ARGS_MAX]; /* behind the command's name */
    size_t args_n;
    struct {
        const char *name, *value;
    } values[CLI_VALUES_MAX];
    size_t values_n;
};

/* main.c */
extern const struct cli_command cli_commands[]; /* ends with name == NULL */
/* The value of an option; NULL: not given. Of a switch "". */
const char *cli_value(const struct cli *c, const char *option);
/* Tells what is wrong and where to read on. */
enum cli_exit cli_usage(const struct cli *c, const char *format, ...) printf_like(2, 3);
/* A count from an option, within 1 to max; def where it is not given. false: told. */
bool cli_count(const struct cli *c, const char *option, size_t def, size_t max, size_t *out)
    must_check;

/* ---- http.c ---- */
struct cli_answer {
    long status;
    struct buf body;
    json_t *json; /* NULL: no body, or none in JSON */
};
/* Asks and waits. Anything but 2xx is told on stderr and becomes the exit status. body may be NULL.
 * The caller clears *out in any case. */
enum cli_exit cli_call(struct cli *c, const char *method, const char *path, const json_t *body,
                       struct cli_answer *out);
/* The same with bytes as they are. */
enum cli_exit cli_send(struct cli *c, const char *method, const char *path, const char *type,
                       struct str body, struct cli_answer *out);
/* The same without telling: the status is the caller's to judge. CLI_UNREACHABLE or CLI_OK. */
enum cli_exit cli_ask(struct cli *c, const char *path, struct cli_answer *out);
void cli_answer_clear(struct cli_answer *a);
/* Tells a problem+json. */
void cli_tell_problem(const struct cli_answer *a);
/* Calls line() for each line of a stream until the other side ends it or line returns false. */
enum cli_exit cli_stream(struct cli *c, const char *path, bool (*line)(void *arg, struct str line),
                         void *arg, long *out_status);

/* path with each %s percent-encoded. Arguments are C strings. In the arena. */
const char *cli_path(struct cli *c, const char *format, ...);
/* path with ?name=value or &name=value; value NULL leaves it as it is. */
const char *cli_query(struct cli *c, const char *path, const char *name, const char *value);
/* All items of a list up to limit, over its pages, as {"items": […], "next": …}. */
enum cli_exit cli_list(struct cli *c, const char *path, size_t limit, json_t **out);
/* The id of a contact given by id or by identity ("email:…"); NULL: told, *out_exit is set. */
const char *cli_contact_id(struct cli *c, const char *given, enum cli_exit *out_exit);

/* ---- operation.c ---- */
/* Begins a long work by POST, follows it to its end, prints what it found. REFUSED: it failed, or
 * something is missing. */
enum cli_exit cli_operate(struct cli *c, const char *path, const json_t *body);

/* ---- print.c ---- */
void cli_print_json(const json_t *v);
/* One cell's text: one line without controls; "-" where it is absent. In the arena. */
const char *cli_text(struct cli *c, struct str s);
/* An instant of the API in the local time zone; "-" where it is absent. */
const char *cli_time(struct cli *c, struct str rfc3339);
/* "45s", "12m", "3h", "5d" */
const char *cli_span(struct cli *c, int64_t seconds);
/* Names joined by ", ". */
const char *cli_names(struct cli *c, const json_t *strings);
/* "label  value"; nothing where value is NULL or "-". */
void cli_field(const char *label, const char *value);
struct cli_table;
/* heads ends with NULL. Cells come row by row; print frees. */
struct cli_table *cli_table_new(const char *const *heads);
void cli_table_cell(struct cli_table *t, const char *text);
void cli_table_print(struct cli_table *take_t);
/* Prints {"items"} as JSON, or each by row() under heads; "none" where empty. */
void cli_print_list(struct cli *c, const json_t *list, const char *const *heads,
                    void (*row)(struct cli *c, struct cli_table *t, const json_t *item));

/* ---- a file a command ---- */
enum cli_exit cli_status(struct cli *c);
enum cli_exit cli_send_command(struct cli *c);
enum cli_exit cli_contact(struct cli *c);
enum cli_exit cli_timeline(struct cli *c);
enum cli_exit cli_task(struct cli *c);
enum cli_exit cli_explain(struct cli *c);
enum cli_exit cli_simulate(struct cli *c);
enum cli_exit cli_agent(struct cli *c);
enum cli_exit cli_queue(struct cli *c);
enum cli_exit cli_audit(struct cli *c);
enum cli_exit cli_quarantine(struct cli *c);
enum cli_exit cli_trace(struct cli *c);
enum cli_exit cli_export(struct cli *c);
enum cli_exit cli_erase(struct cli *c);
enum cli_exit cli_source(struct cli *c);
enum cli_exit cli_reconcile(struct cli *c);
enum cli_exit cli_backfill(struct cli *c);
enum cli_exit cli_reindex(struct cli *c);
enum cli_exit cli_tail(struct cli *c);
enum cli_exit cli_password(struct cli *c);
enum cli_exit cli_completion(struct cli *c);

#endif
