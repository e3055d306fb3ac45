/* cli/operation.c - long work: begun, followed with a line of progress on a terminal, ended by
 * Ctrl-C, told when it is done.
 *
 * The daemon does the work and keeps where it was left. So whatever becomes of this program or of
 * the daemon meanwhile, the same command goes on; here a daemon that was started again is simply
 * asked once more.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <touchline/kit/jread.h>

#include "cli/cli.h"

enum { LOOK_FIRST_MS = 50, LOOK_MS = 500, AWAY_MS = 60000, CANCEL_MS = 10000, ITEMS_PAGE = 500 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

static void watch_interrupt(void) {
    struct sigaction act = {.sa_handler = on_interrupt};
    sigemptyset(&act.sa_mask);
    interrupted = 0;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One under way. */
struct following {
    struct cli *c;
    const char *path; /* of the request that began it */
    const json_t *body;
    const char *id, *shown; /* shown: the line that stands on the terminal, or NULL */
    int64_t away_since, cancelled_at;
    bool terminal;
};

static enum cli_exit begin(struct following *f) {
    struct cli_answer a;
    char *text = f->body ? json_dumps(f->body, JSON_COMPACT) : NULL;
    enum cli_exit status = cli_send(f->c, "POST", f->path, text ? "application/json" : NULL,
                                    text ? str_c(text) : STR_NONE, &a);
    free(text);
    struct str id = jget_str(a.json, "id");
    if (status == CLI_OK)
        f->id = arena_str(&f->c->arena, id).p;
    cli_answer_clear(&a);
    return status;
}

static void progress_clear(struct following *f) {
    if (f->shown)
        fprintf(stderr, "\r%*s\r", (int)strlen(f->shown), "");
    f->shown = NULL;
}

static void progress_show(struct following *f, const json_t *o) {
    int64_t done = jget_int(o, "done", 0), total = jget_int(o, "total", 0);
    struct str kind = jget_str(o, "kind");
    if (!f->terminal)
        return;
    progress_clear(f);
    f->shown = total > 0 ? arena_strf(&f->c->arena, "%.*s: %lld of %lld (%d %%)", STR_ARG(kind),
                                      (long long)done, (long long)total,
                                      (int)(done < total ? done * 100 / total : 100))
                               .p
                         : arena_strf(&f->c->arena, "%.*s: %lld", STR_ARG(kind), (long long)done).p;
    fprintf(stderr, "\r%s", f->shown);
}

static void cancel(struct following *f) {
    struct cli_answer a;
    bool quiet = f->c->quiet;
    f->cancelled_at = now_ms();
    f->c->quiet = true;
    (void)cli_call(f->c, "DELETE", cli_path(f->c, "/v1/operations/%s", f->id), NULL, &a);
    f->c->quiet = quiet;
    cli_answer_clear(&a);
}

/* How it stands; true: look again. */
static bool look(struct following *f, json_t **out, enum cli_exit *out_status) {
    struct cli_answer a;
    const char *limit = cli_query(f->c, cli_path(f->c, "/v1/operations/%s", f->id), "limit", "1");
    f->c->quiet = true;
    enum cli_exit status = cli_ask(f->c, limit, &a);
    f->c->quiet = false;
    bool again = true;
    if (status != CLI_OK || a.status >= 500) {
        f->away_since = f->away_since ? f->away_since : now_ms();
        again = now_ms() - f->away_since < AWAY_MS && !f->cancelled_at;
        *out_status = CLI_UNREACHABLE;
    } else if (a.status == 404 && !f->cancelled_at) { /* the daemon was started again */
        f->away_since = 0;
        *out_status = begin(f);
        again = *out_status == CLI_OK;
    } else if (a.status != 200) {
        if (!f->cancelled_at)
            cli_tell_problem(&a);
        *out_status = CLI_REFUSED;
        again = false;
    } else {
        f->away_since = 0;
        progress_show(f, a.json);
        again = str_is(jget_str(a.json, "state"), "running");
        *out = again ? NULL : json_incref(a.json);
        *out_status = CLI_OK;
    }
    cli_answer_clear(&a);
    return again;
}

/* All items of one that has ended, into it. */
static enum cli_exit items_take(struct cli *c, const char *id, json_t *o) {
    json_t *items = json_array();
    const char *cursor = "0";
    enum cli_exit status = CLI_OK;
    while (status == CLI_OK && cursor) {
        struct cli_answer a;
        const char *path = cli_query(c, cli_path(c, "/v1/operations/%s", id), "limit", "500");
        status = cli_call(c, "GET", cli_query(c, path, "cursor", cursor), NULL, &a);
        json_array_extend(items, json_object_get(a.json, "items"));
        struct str next = jget_str(a.json, "next");
        cursor = next.n ? arena_str(&c->arena, next).p : NULL;
        cli_answer_clear(&a);
    }
    json_object_set_new(o, "items", items);
    json_object_set_new(o, "next", json_null());
    return status;
}

static enum cli_exit follow(struct following *f, json_t **out) {
    enum cli_exit status = begin(f);
    int wait_ms = LOOK_FIRST_MS;
    bool again = status == CLI_OK;
    while (again) {
        if (interrupted && !f->cancelled_at)
            cancel(f);
        again = look(f, out, &status);
        if (f->cancelled_at && now_ms() - f->cancelled_at > CANCEL_MS)
            again = false;
        if (again)
            poll(NULL, 0, wait_ms);
        wait_ms = wait_ms * 2 < LOOK_MS ? wait_ms * 2 : LOOK_MS;
    }
    progress_clear(f);
    if (f->cancelled_at) {
        fprintf(stderr, "touchline: interrupted; the same command goes on where it was left\n");
        return CLI_INTERRUPTED;
    }
    if (status == CLI_UNREACHABLE)
        fprintf(stderr, "touchline: %s: no answer any more\n", f->c->url);
    return status;
}

/* ---- telling ---- */

static void item_row(struct cli *c, struct cli_table *t, const json_t *o) {
    cli_table_cell(t, cli_text(c, jget_str(o, "place")));
    cli_table_cell(t, cli_text(c, jget_str(o, "id")));
    cli_table_cell(t, cli_text(c, jget_str(o, "reason")));
}

static void print(struct cli *c, json_t *o) {
    static const char *const heads[] = {"PLACE", "ID", "REASON", NULL};
    json_t *items = json_object_get(o, "items"), *summary = json_object_get(o, "summary");
    const char *name;
    json_t *v, *item;
    size_t i;
    cli_field("source", cli_text(c, jget_str(o, "source")));
    cli_field("since", cli_time(c, jget_str(o, "since")));
    json_object_foreach(summary, name, v) {
        if (json_is_integer(v))
            cli_field(cli_text(c, str_c(name)),
                      arena_strf(&c->arena, "%lld", (long long)json_integer_value(v)).p);
        else if (json_is_string(v))
            cli_field(cli_text(c, str_c(name)), cli_text(c, str_c(json_string_value(v))));
    }
    if (!json_array_size(items))
        return;
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(items, i, item) item_row(c, t, item);
    putchar('\n');
    cli_table_print(t);
    if (jget_int(o, "items_not_kept", 0) > 0)
        printf("and %lld more\n", (long long)jget_int(o, "items_not_kept", 0));
}

static enum cli_exit outcome_of(const json_t *o) {
    if (!str_is(jget_str(o, "state"), "done")) {
        struct str reason = jget_str(o, "reason");
        fprintf(stderr, "touchline: %.*s: %.*s\n", STR_ARG(jget_str(o, "state")), STR_ARG(reason));
        return CLI_REFUSED;
    }
    return jget_int(json_object_get(o, "summary"), "missing", 0) > 0 ? CLI_REFUSED : CLI_OK;
}

enum cli_exit cli_operate(struct cli *c, const char *path, const json_t *body) {
    struct following f = {.c = c, .path = path, .body = body, .terminal = isatty(STDERR_FILENO)};
    json_t *o = NULL;
    watch_interrupt();
    enum cli_exit status = follow(&f, &o);
    if (status == CLI_OK && o)
        status = items_take(c, f.id, o);
    if (status == CLI_OK && o) {
        if (c->json)
            cli_print_json(o);
        else
            print(c, o);
        status = outcome_of(o);
    }
    json_decref(o);
    return status;
}
