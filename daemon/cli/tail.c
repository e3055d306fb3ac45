/* cli/tail.c - follows what happens.
 *
 * With an agent's token his stream of events (text/event-stream). An operator has none: with his
 * token the tasks are asked for each second, and what is new in their histories is told.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "cli/cli.h"

/* What a touchpoint says, in one cell. */
static const char *words_of(struct cli *c, const json_t *tp) {
    enum { SHOWN_MAX = 160 };
    struct str s = jget_str(tp, jget_str(tp, "subject").n ? "subject" : "text");
    return cli_text(c, utf8_upto(s, SHOWN_MAX));
}

/* ---- an agent's stream ---- */

struct stream {
    struct cli *c;
    char event[32];
    struct buf data;
};

static void task_line(struct cli *c, const char *what, const json_t *task, const char *more) {
    printf("%-9s %s  %s  %s  %s%s\n", what, cli_text(c, jget_str(task, "id")),
           cli_text(c, jget_str(task, "queue")), cli_text(c, jget_str(task, "state")),
           cli_text(c, jget_str(task, "subject")), more);
}

static void event_print(struct cli *c, const char *event, const json_t *o) {
    const json_t *tp = json_object_get(o, "touchpoint");
    const char *reason = cli_text(c, jget_str(o, "reason"));
    if (strcmp(event, "offer") == 0)
        task_line(c, event, json_object_get(o, "task"),
                  arena_strf(&c->arena, "  until %s", cli_time(c, jget_str(o, "expires_at"))).p);
    else if (strcmp(event, "task") == 0)
        task_line(c, event, o, "");
    else if (strcmp(event, "revoke") == 0)
        printf("%-9s %s  %s\n", event, cli_text(c, jget_str(o, "task")), reason);
    else if (strcmp(event, "presence") == 0)
        printf("%-9s %s  %s  %s\n", event, cli_text(c, jget_str(o, "agent")),
               cli_text(c, jget_str(o, "state")), reason);
    else if (strcmp(event, "timeline") == 0)
        printf("%-9s %s  %s  %s\n", event, cli_text(c, jget_str(o, "contact")),
               cli_text(c, jget_str(tp, "channel")), words_of(c, tp));
    else if (strcmp(event, "snapshot") == 0)
        printf("%-9s %zu tasks, %zu offers\n", event, json_array_size(json_object_get(o, "tasks")),
               json_array_size(json_object_get(o, "offers")));
}

static void event_end(struct stream *s) {
    json_t *o = NULL;
    struct fault f;
    if (!s->data.n || !jread_parse(buf_str(&s->data), 16 << 20, &o, &f))
        return;
    if (s->c->json) {
        json_t *line = json_pack("{s:s, s:O}", "event", s->event, "data", o);
        cli_print_json(line);
        json_decref(line);
    } else {
        event_print(s->c, s->event, o);
    }
    json_decref(o);
    fflush(stdout);
    arena_clear(&s->c->arena); /* nothing of an event outlives it */
}

static bool line_take(void *arg, struct str line) {
    struct stream *s = arg;
    struct str value = line;
    line = str_cut(&value, ':');
    value = str_trim(value);
    if (line.n == 0 && !value.p) {
        event_end(s);
        buf_reset(&s->data);
        s->event[0] = '\0';
    } else if (str_is(line, "event")) {
        snprintf(s->event, sizeof s->event, "%.*s", STR_ARG(value));
    } else if (str_is(line, "data")) {
        return buf_add(&s->data, value);
    }
    return !ferror(stdout);
}

/* ---- an operator, by asking again and again ---- */

enum { TASKS_SHOWN = 500, TIMELINE_SHOWN = 50, EVERY_S = 1 };

static void said(struct cli *c, const json_t *o, const char *what) {
    if (c->json)
        cli_print_json(o);
    else
        puts(what);
}

/* Tells what a task's history has beyond what was seen of it. */
static void task_news(struct cli *c, const json_t *task, size_t known) {
    const json_t *history = json_object_get(task, "history");
    for (size_t i = known; i < json_array_size(history); i++) {
        const json_t *h = json_array_get(history, i);
        said(c, task,
             arena_strf(&c->arena, "%s  %s  %s  %s -> %s  %s  %s", cli_time(c, jget_str(h, "at")),
                        cli_text(c, jget_str(task, "id")), cli_text(c, jget_str(task, "queue")),
                        cli_text(c, jget_str(h, "from")), cli_text(c, jget_str(h, "to")),
                        cli_text(c, jget_str(h, "agent")), cli_text(c, jget_str(h, "reason")))
                 .p);
    }
}

static void touchpoint_news(struct cli *c, const json_t *tp, size_t known) {
    if (!known)
        said(c, tp,
             arena_strf(&c->arena, "%s  %s  %s  %s  %s", cli_time(c, jget_str(tp, "at")),
                        cli_text(c, jget_str(tp, "contact")), cli_text(c, jget_str(tp, "channel")),
                        cli_text(c, jget_str(tp, "id")), words_of(c, tp))
                 .p);
}

/* Asks for a list and tells what is new in it. *seen keeps, by id, how much of an item is known;
 * what has left the list is forgotten. The first time nothing is told. */
static enum cli_exit news(struct cli *c, const char *path, size_t limit, json_t **seen,
                          void (*tell)(struct cli *c, const json_t *item, size_t known)) {
    json_t *list, *now = json_object();
    enum cli_exit status = cli_list(c, path, limit, &list);
    if (status != CLI_OK) {
        json_decref(now);
        return status;
    }
    const json_t *items = json_object_get(list, "items");
    for (size_t i = json_array_size(items); i-- > 0;) { /* newest come first */
        const json_t *item = json_array_get(items, i);
        const char *id = json_string_value(json_object_get(item, "id"));
        const json_t *history = json_object_get(item, "history");
        size_t size = history ? json_array_size(history) : 1;
        if (!id)
            continue;
        if (*seen)
            tell(c, item, (size_t)jget_int(*seen, id, 0));
        json_object_set_new(now, id, json_integer((json_int_t)size));
    }
    json_decref(list);
    json_decref(*seen);
    *seen = now;
    return CLI_OK;
}

static enum cli_exit poll_all(struct cli *c) {
    json_t *seen[CLI_ARGS_MAX + 1] = {0};
    const char *ids[CLI_ARGS_MAX];
    struct arena outer = {0};
    enum cli_exit status = CLI_OK;
    for (size_t i = 0; i < c->args_n; i++) {
        const char *id = cli_contact_id(c, c->args[i], &status);
        if (!id)
            return status;
        ids[i] = arena_str(&outer, str_c(id)).p;
    }
    while (status == CLI_OK && !ferror(stdout)) {
        if (c->args_n == 0)
            status = news(c, "/v1/tasks", TASKS_SHOWN, &seen[0], task_news);
        for (size_t i = 0; status == CLI_OK && i < c->args_n; i++)
            status = news(c, cli_path(c, "/v1/contacts/%s/timeline", ids[i]), TIMELINE_SHOWN,
                          &seen[i + 1], touchpoint_news);
        fflush(stdout);
        arena_clear(&c->arena);
        if (status == CLI_OK)
            sleep(EVERY_S);
    }
    for (size_t i = 0; i < COUNT(seen); i++)
        json_decref(seen[i]);
    arena_clear(&outer);
    return status;
}

enum cli_exit cli_tail(struct cli *c) {
    struct stream s = {.c = c};
    enum cli_exit status = CLI_OK;
    long http = 0;
    const char *path = "/v1/me/events";
    for (size_t i = 0; i < c->args_n; i++) {
        const char *id = cli_contact_id(c, c->args[i], &status);
        if (!id)
            return status;
        path = cli_query(c, path, "contact", id);
    }
    buf_init(&s.data, 16 << 20);
    status = cli_stream(c, path, line_take, &s, &http);
    buf_clear(&s.data);
    if (status != CLI_OK || http == 200)
        return status;
    if (http == 403)
        return poll_all(c);
    fprintf(stderr, "touchline: %ld from %s\n", http, c->url);
    return CLI_REFUSED;
}
