/* cli/print.c - what people read: tables, fields, local times. Nothing from outside reaches the
 * terminal raw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "cli/cli.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 60 };

struct cli_table {
    const char *const *heads;
    size_t columns;
    const char **cells; /* row by row, borrowed from the arena */
    size_t n, room;
};

void cli_print_json(const json_t *v) {
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    puts(text ? text : "null");
    free(text);
}

const char *cli_text(struct cli *c, struct str s) {
    if (!s.p || !s.n)
        return "-";
    struct buf line, mended;
    const char *out = "-";
    buf_init(&line, 1 << 20);
    buf_init(&mended, 1 << 20);
    if (utf8_mend(&mended, s) && utf8_one_line(&line, buf_str(&mended)))
        out = arena_str(&c->arena, buf_str(&line)).p;
    buf_clear(&mended);
    buf_clear(&line);
    return out;
}

const char *cli_time(struct cli *c, struct str rfc3339) {
    int64_t ms;
    struct tm tm;
    char text[32];
    if (!rfc3339.p || !date_parse(rfc3339, &ms))
        return cli_text(c, rfc3339);
    time_t at = (time_t)(ms / 1000);
    if (!localtime_r(&at, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
        return "-";
    return arena_str(&c->arena, str_c(text)).p;
}

const char *cli_span(struct cli *c, int64_t seconds) {
    if (seconds < 120)
        return arena_strf(&c->arena, "%llds", (long long)seconds).p;
    if (seconds < 120 * 60)
        return arena_strf(&c->arena, "%lldm", (long long)(seconds / 60)).p;
    if (seconds < 48 * 3600)
        return arena_strf(&c->arena, "%lldh", (long long)(seconds / 3600)).p;
    return arena_strf(&c->arena, "%lldd", (long long)(seconds / 86400)).p;
}

const char *cli_names(struct cli *c, const json_t *strings) {
    struct buf b;
    size_t i;
    json_t *s;
    buf_init(&b, 1 << 16);
    json_array_foreach(strings, i, s) {
        struct str one = str_c(json_string_value(s));
        if (!one.p || (b.n && !buf_add_c(&b, ", ")) || !buf_add(&b, one))
            continue;
    }
    const char *out = cli_text(c, buf_str(&b));
    buf_clear(&b);
    return out;
}

void cli_field(const char *label, const char *value) {
    if (value && strcmp(value, "-") != 0)
        printf("%-14s %s\n", label, value);
}

struct cli_table *cli_table_new(const char *const *heads) {
    struct cli_table *t = NEW(struct cli_table);
    t->heads = heads;
    while (heads[t->columns])
        t->columns++;
    assert(t->columns <= COLUMNS_MAX);
    return t;
}

void cli_table_cell(struct cli_table *t, const char *text) {
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->cells = mem_grow(t->cells, t->room * sizeof *t->cells);
    }
    t->cells[t->n++] = text;
}

/* Characters, as a terminal counts them for the scripts we expect. */
static size_t width(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

static void cell_print(const char *text, size_t room, bool last) {
    size_t shown = 0, n = width(text);
    bool cut = !last && n > room;
    for (const char *p = text; *p; p++) {
        if ((*p & 0xC0) != 0x80 && cut && ++shown == room) {
            fputs("…", stdout);
            break;
        }
        putchar(*p);
    }
    for (size_t i = cut ? room : n; !last && i < room + 2; i++)
        putchar(' ');
}

static void row_print(const char *const *cells, size_t columns, const size_t *widths) {
    for (size_t i = 0; i < columns; i++)
        cell_print(cells[i], widths[i], i + 1 == columns);
    putchar('\n');
}

void cli_table_print(struct cli_table *take_t) {
    struct cli_table *t = take_t;
    size_t widths[COLUMNS_MAX];
    for (size_t i = 0; i < t->columns; i++)
        widths[i] = width(t->heads[i]);
    for (size_t i = 0; i < t->n; i++) {
        size_t w = width(t->cells[i]);
        size_t *widest = &widths[i % t->columns];
        if (w > *widest)
            *widest = w < CELL_MAX ? w : CELL_MAX;
    }
    row_print(t->heads, t->columns, widths);
    for (size_t i = 0; i + t->columns <= t->n; i += t->columns)
        row_print(t->cells + i, t->columns, widths);
    free(t->cells);
    free(t);
}

void cli_print_list(struct cli *c, const json_t *list, const char *const *heads,
                    void (*row)(struct cli *c, struct cli_table *t, const json_t *item)) {
    const json_t *items = json_object_get(list, "items");
    size_t i;
    json_t *item;
    if (c->json) {
        cli_print_json(list);
        return;
    }
    if (json_array_size(items) == 0) {
        puts("none");
        return;
    }
    struct cli_table *t = cli_table_new(heads);
    json_array_foreach(items, i, item) row(c, t, item);
    cli_table_print(t);
    if (jget_str(list, "next").n)
        puts("there are more: --limit N shows them");
}
