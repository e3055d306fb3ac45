/* sip/follow.c - one followed file of an input: a log that grows (tail), or a table that is written
 * anew as a whole each time.
 *
 * A table is read from its first byte whenever it has changed; rows that it had before are passed
 * over. It keeps no cursor: after a restart its rows are told again, which is nothing new.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>

#include "notice.h"
#include "sip.h"

enum {
    STEP_BYTES = 512 * 1024,
    STEPS_MAX = 8,
    TABLE_MAX = 64 * 1024 * 1024,
    ROWS_MAX = 1000 * 1000,
    LINE_MAX_BYTES = TAIL_LINE_MAX,
};

/* The rows of a table by their hashes, sorted. */
struct rows {
    uint64_t *hashes;
    size_t n, room;
};

struct follow {
    struct link link; /* first: an input's list holds these */
    struct input *input;
    struct str path, cursor; /* own copies */
    size_t origin;
    struct buf header;
    struct tail tail; /* of a log */
    struct {
        struct stat at; /* as it was read */
        struct rows rows;
    } table;
};

/* ---- lines ---- */

static void keep_line(struct follow *f, struct str line, const struct tail_place *place,
                      const char *why) {
    char text[TAIL_PLACE_MAX], id[TAIL_PLACE_MAX + 8];
    struct str at = tail_place_write(place, text);
    int n = snprintf(id, sizeof id, "at:%.*s", STR_ARG(at));
    source_keep_piece(f->input, line, str_make(id, (size_t)n), why, NULL);
}

static void take_header(struct follow *f, struct str line) {
    buf_reset(&f->header);
    (void)!buf_add(&f->header, line); /* a line fits */
}

static void on_line(void *arg, struct str line, const struct tail_place *place, bool cut) {
    struct follow *f = arg;
    cleanup(arena_clear) struct arena a;
    struct call_line said;
    const char *why = "a line above 64 KiB";
    arena_init(&a);
    struct format_in in = input_in(f->input, &a);
    in.header = f->header.n ? buf_str(&f->header) : STR_NONE;
    in.name = f->path;
    enum format_verdict v = cut ? FORMAT_BAD : f->input->format->read(&in, line, &said, &why);
    if (v == FORMAT_BAD)
        keep_line(f, line, place, why);
    else if (v == FORMAT_HEADER)
        take_header(f, line);
    else if (v == FORMAT_LINE)
        (void)source_add(f->input->source, &said, line, (struct call_origin){f->origin, place});
}

static void on_event(void *arg, enum tail_event what) {
    static const struct {
        const char *text, *label;
    } events[] = {
        [TAIL_TRUNCATED] = {"what=truncated next=first_byte lines_may_be_lost=yes", "truncated"},
        [TAIL_TRUNCATED_COPIED] = {"what=truncated next=rest_of_copy lines_may_be_lost=few",
                                   "truncated"},
        [TAIL_LOST] = {"what=rotated_file_gone next=first_byte lines_may_be_lost=yes", "lost"},
        [TAIL_REFUSED] = {"what=no_regular_file next=waits", "refused"},
    };
    struct follow *f = arg;
    struct sip *s = f->input->source->sip;
    s->host->log(s->channel, TL_WARN, "sip.log", events[what].text);
    s->host->count(s->channel, "log_events", events[what].label, 1);
    buf_reset(&f->header);
}

/* ---- tables ---- */

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool has_row(const struct rows *rows, uint64_t h) {
    return rows->n && bsearch(&h, rows->hashes, rows->n, sizeof h, by_value);
}

static void add_row(struct rows *rows, uint64_t h) {
    if (rows->n == ROWS_MAX)
        return;
    if (rows->n == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 256;
        uint64_t *more = mem_new(room * sizeof *more);
        if (rows->n)
            memcpy(more, rows->hashes, rows->n * sizeof *more);
        free(rows->hashes);
        rows->hashes = more;
        rows->room = room;
    }
    rows->hashes[rows->n++] = h;
}

static void take_rows(struct follow *f, struct str text) {
    struct rows before = f->table.rows;
    struct tail_place place = {.file.device = (uint64_t)f->table.at.st_dev,
                               .file.inode = (uint64_t)f->table.at.st_ino};
    f->table.rows = (struct rows){0};
    for (ptrdiff_t lf; (lf = str_find(text, '\n')) >= 0; text = str_from(text, (size_t)lf + 1)) {
        struct str line = str_upto(text, (size_t)lf);
        uint64_t h = hash64(line);
        bool header = !f->table.rows.n;
        add_row(&f->table.rows, h);
        if (header || !has_row(&before, h)) {
            place.file.head = h; /* rows move: their content is their place */
            on_line(f, str_upto(line, LINE_MAX_BYTES), &place, line.n > LINE_MAX_BYTES);
        }
    }
    if (f->table.rows.n)
        qsort(f->table.rows.hashes, f->table.rows.n, sizeof(uint64_t), by_value);
    free(before.hashes);
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void look_table(struct follow *f) {
    struct stat st;
    cleanup(mem_freep) char *path = mem_dup(f->path.p, f->path.n), *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !is_same(&st, &f->table.at)) {
        size_t max = st.st_size < TABLE_MAX ? (size_t)st.st_size : TABLE_MAX, n = 0;
        ssize_t got;
        text = mem_new(max + 1);
        while (n < max && (got = pread(fd, text + n, max - n, (off_t)n)) > 0)
            n += (size_t)got;
        f->table.at = st;
        take_rows(f, str_make(text, n));
    }
    close(fd);
}

/* ---- life ---- */

static size_t free_origin(const struct source *source) {
    for (size_t i = 0; i < ORIGINS_MAX; i++) {
        bool taken = false;
        list_each (it, &source->inputs)
            list_each (at, &container_of(it, struct input, link)->follows)
                taken |= ((const struct follow *)(const void *)at)->origin == i;
        if (!taken)
            return i;
    }
    return ORIGINS_MAX; /* beyond: its places are not held back */
}

struct follow *follow_new(struct input *input, struct str path, struct str cursor) {
    struct follow *f = NEW(struct follow);
    struct sip *s = input->source->sip;
    char value[CURSOR_MAX];
    size_t n = 0;
    f->input = input;
    f->path = str_make(mem_dup(path.p, path.n), path.n);
    f->cursor = str_make(mem_dup(cursor.p, cursor.n), cursor.n);
    f->origin = free_origin(input->source);
    buf_init(&f->header, LINE_MAX_BYTES);
    list_push(&input->follows, &f->link);
    notice_file(s->notice, f->path);
    if (input->format->rewritten)
        return f;
    bool known = s->host->cursor(s->channel, f->cursor, value, sizeof value, &n);
    tail_open(&f->tail, f->path, known ? str_make(value, n) : STR_NONE, f, on_line, on_event);
    return f;
}

void follow_free(struct follow *f) {
    if (!f)
        return;
    link_remove(&f->link);
    calls_drop_origin(f->input->source->calls, f->origin);
    if (!f->input->format->rewritten)
        tail_clear(&f->tail);
    buf_clear(&f->header);
    free(f->table.rows.hashes);
    free((char *)f->path.p);
    free((char *)f->cursor.p);
    free(f);
}

void follow_look(struct follow *f) {
    if (f->input->format->rewritten) {
        look_table(f);
        return;
    }
    size_t steps = 0;
    while (tail_step(&f->tail, STEP_BYTES, f->input->source->sip->host->mono_ms()) &&
           ++steps < STEPS_MAX) {
    }
}

struct str follow_path(const struct follow *f) {
    return f->path;
}

/* ---- cursors ---- */

static struct follow *follow_at(struct source *source, size_t index) {
    size_t i = 0;
    list_each (it, &source->inputs) {
        struct input *input = container_of(it, struct input, link);
        if (input->format->rewritten)
            continue;
        list_each (at, &input->follows)
            if (i++ == index)
                return (struct follow *)(void *)at;
    }
    return NULL;
}

bool follow_cursor(struct source *source, struct str *out_name, char out_place[TAIL_PLACE_MAX],
                   struct str *out_value) {
    struct follow *f = follow_at(source, source->turn);
    if (!f)
        f = follow_at(source, source->turn = 0);
    if (!f)
        return false;
    source->turn++;
    const struct tail_place *needed = calls_needed(source->calls, f->origin);
    struct tail_place here = tail_here(&f->tail);
    *out_name = f->cursor;
    *out_value = tail_place_write(needed ? needed : &here, out_place);
    return true;
}
