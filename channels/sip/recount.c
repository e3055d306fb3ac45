/* sip/recount.c - see recount.h.
 *
 * The files of the source, rotated ones first, are read once more into calls of their own, with the
 * records' times as the clock; each call's id is asked for. What is no record, and calls that are
 * on nobody's timeline, are told apart: they stand in quarantine with their reason.
 */
#include "recount.h"

#include <stdlib.h>
#include <unistd.h>

#include <touchline/touchpoint.h>

#include "rotated.h"
#include "sip.h"
#include "tell.h"

enum {
    STEP_MS = 20,
    STEP_BYTES = 256 * 1024,
    ASK_MAX = 500,
    AFTER_MS = 7 * 3600 * 1000, /* later than any call is held open */
};

struct counted {
    struct str id;
    int64_t start_ms;
};

struct recount {
    struct link link;
    struct sip *sip;
    struct tl_operation *op;
    struct str source; /* "pbx"; own copy */
    int64_t since_ms, clock_ms;
    struct tl_timer *timer;
    struct calls *calls;
    size_t file; /* of the source's followed files: which is being read */
    int fd;      /* -1: the next one is due */
    int64_t offset, after_ns;
    bool last; /* the present file of that path is open, or was */
    bool ended, waiting;
    struct buf part, header;
    struct arena arena; /* of the ids that wait */
    struct counted *found;
    size_t found_n, found_room, asked;
    uint64_t records, kept, missing, nobody, unreadable;
};

/* ---- life ---- */

static void recount_free(struct recount *r) {
    link_remove(&r->link);
    if (r->timer)
        r->sip->host->timer_free(r->timer);
    if (r->fd >= 0)
        close(r->fd);
    calls_free(r->calls);
    buf_clear(&r->part);
    buf_clear(&r->header);
    arena_clear(&r->arena);
    free(r->found);
    free((char *)r->source.p);
    free(r);
}

static void end(struct recount *r, bool ok, const char *reason) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_int(&w, "log", (int64_t)r->records);
    jwrite_int(&w, "kept", (int64_t)r->kept);
    jwrite_int(&w, "missing", (int64_t)r->missing);
    jwrite_int(&w, "nobody", (int64_t)r->nobody);
    jwrite_int(&w, "unreadable", (int64_t)r->unreadable);
    jwrite_close(&w, '}');
    if (r->op)
        r->sip->host->operation_end(r->op, ok, ok ? buf_str(&b) : str_c(reason));
    r->op = NULL;
    r->ended = true;
    if (!r->waiting)
        recount_free(r);
}

/* ---- the source and its files ---- */

static struct source *source_of(struct sip *s, struct str name) {
    list_each (it, &s->sources) {
        struct source *source = container_of(it, struct source, link);
        if (str_eq(source->name, name))
            return source;
    }
    return NULL;
}

static struct follow *file_at(struct source *source, size_t index, struct input **out_input) {
    size_t i = 0;
    list_each (it, &source->inputs) {
        *out_input = container_of(it, struct input, link);
        list_each (at, &(*out_input)->follows)
            if (i++ == index)
                return (struct follow *)(void *)at;
    }
    return NULL;
}

/* The next file to be read: of each path the rotated ones by age, then the present one. */
static bool open_next(struct recount *r, struct source *source) {
    static const struct tail_file none;
    struct input *input;
    for (struct follow *f; (f = file_at(source, r->file, &input)); r->file++) {
        struct str path = follow_path(f);
        buf_reset(&r->part);
        buf_reset(&r->header);
        r->offset = 0;
        r->fd = r->last ? -1 : rotated_next(path, &none, r->after_ns);
        if (r->fd >= 0) {
            r->after_ns = rotated_time_ns(r->fd);
            return true;
        }
        cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
        if (!r->last && (r->fd = rotated_open(name)) >= 0) {
            r->last = true;
            return true;
        }
        r->last = false;
        r->after_ns = r->since_ms * 1000000;
    }
    return false;
}

/* ---- lines to calls, calls to ids ---- */

static void count_call(void *arg, struct call *c) {
    struct recount *r = arg;
    cleanup(arena_clear) struct arena a;
    struct tell how;
    struct input *input;
    struct source *source = source_of(r->sip, r->source);
    calls_told(r->calls, c->id, false);
    if (!source || !file_at(source, 0, &input) || (c->start_ms >= 0 && c->start_ms < r->since_ms))
        return;
    arena_init(&a);
    tell_judge(&a, c, source_rules(source), &how);
    r->records++;
    if (how.nobody) {
        r->nobody++;
        return;
    }
    if (r->found_n == r->found_room) {
        size_t room = r->found_room ? r->found_room * 2 : 256;
        struct counted *more = mem_new(room * sizeof *more);
        if (r->found_n)
            memcpy(more, r->found, r->found_n * sizeof *more);
        free(r->found);
        r->found = more;
        r->found_room = room;
    }
    r->found[r->found_n++] = (struct counted){arena_str(&r->arena, c->id), c->start_ms};
}

static void take_line(struct recount *r, struct input *input, struct str line) {
    cleanup(arena_clear) struct arena a;
    struct call_line said;
    const char *why;
    arena_init(&a);
    struct format_in in = input_in(input, &a);
    in.header = r->header.n ? buf_str(&r->header) : STR_NONE;
    enum format_verdict v = input->format->read(&in, line, &said, &why);
    r->unreadable += v == FORMAT_BAD;
    if (v == FORMAT_HEADER) {
        buf_reset(&r->header);
        (void)!buf_add(&r->header, line); /* a line fits */
    }
    if (v != FORMAT_LINE)
        return;
    const int64_t times[] = {said.at_ms, said.start_ms, said.end_ms};
    for (size_t i = 0; i < COUNT(times); i++)
        if (times[i] > r->clock_ms && times[i] < input->source->sip->host->now_ms() + AFTER_MS)
            r->clock_ms = times[i];
    (void)calls_add(r->calls, &said, line, (struct call_origin){.place = NULL}, r->clock_ms);
}

static void take_bytes(struct recount *r, struct input *input, struct str bytes) {
    for (ptrdiff_t lf; (lf = str_find(bytes, '\n')) >= 0; bytes = str_from(bytes, (size_t)lf + 1)) {
        struct str rest = str_upto(bytes, (size_t)lf);
        bool whole = buf_add(&r->part, rest);
        struct str line = buf_str(&r->part);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (whole)
            take_line(r, input, line);
        else
            r->unreadable++;
        buf_reset(&r->part);
    }
    if (!buf_add(&r->part, bytes)) /* too long a line: nothing after it fits either, so it is bad */
        (void)!buf_add(&r->part, str_upto(bytes, r->part.max - r->part.n));
}

/* ---- asking ---- */

static void item(struct recount *r, const struct counted *c) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "place", c->id);
    jwrite_null(&w, "id");
    jwrite_time(&w, "at", c->start_ms);
    jwrite_c(&w, "reason", "the call stands in the log and is not kept");
    jwrite_close(&w, '}');
    r->missing++;
    if (w.ok)
        r->sip->host->operation_item(r->op, buf_str(&b));
}

static void on_known(void *arg, const bool *known, size_t n) {
    struct recount *r = arg;
    r->waiting = false;
    if (r->ended) {
        recount_free(r);
        return;
    }
    if (!known) {
        end(r, false, "the store could not be asked");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (known[i])
            r->kept++;
        else
            item(r, &r->found[r->asked + i]);
    }
    r->asked += n;
    if (r->asked == r->found_n) {
        r->asked = r->found_n = 0;
        arena_clear(&r->arena);
    }
}

static void ask(struct recount *r) {
    struct str ids[ASK_MAX];
    size_t n = 0;
    for (; n < ASK_MAX && r->asked + n < r->found_n; n++)
        ids[n] = r->found[r->asked + n].id;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    r->waiting = true;
    r->sip->host->known(r->sip->channel, arena_strf(&a, "sip:%.*s", STR_ARG(r->source)), ids, n,
                        on_known, r);
}

/* ---- a step ---- */

static bool read_some(struct recount *r, struct source *source) {
    struct input *input;
    cleanup(mem_freep) char *chunk = mem_new(STEP_BYTES);
    if (!file_at(source, r->file, &input))
        return false;
    ssize_t n = pread(r->fd, chunk, STEP_BYTES, (off_t)r->offset);
    if (n <= 0) {
        close(r->fd);
        r->fd = -1;
        return true;
    }
    r->offset += n;
    take_bytes(r, input, str_make(chunk, (size_t)n));
    calls_tick(r->calls, r->clock_ms, count_call, r);
    return true;
}

static void step(void *arg) {
    struct recount *r = arg;
    struct source *source = source_of(r->sip, r->source);
    if (r->waiting)
        return;
    if (!source) {
        end(r, false, "the source is no longer configured");
        return;
    }
    if (r->asked < r->found_n) {
        ask(r);
        return;
    }
    if (!r->sip->host->operation_progress(r->op, r->kept + r->missing + r->nobody, 0, STR_NONE)) {
        end(r, false, "ended by the operator");
        return;
    }
    if ((r->fd >= 0 || open_next(r, source)) && read_some(r, source))
        return;
    calls_tick(r->calls, r->clock_ms + AFTER_MS, count_call, r);
    if (r->found_n == 0)
        end(r, true, "");
}

bool recount_begin(struct sip *s, struct tl_operation *op, const struct tl_operate *what) {
    static const struct str prefix = STR("sip:");
    struct input *input;
    struct str name =
        str_starts(what->source, prefix) ? str_from(what->source, prefix.n) : what->source;
    struct source *source = source_of(s, name);
    if (!str_is(what->kind, "reconcile") || !source || !file_at(source, 0, &input))
        return false;
    struct recount *r = NEW(struct recount);
    r->sip = s;
    r->op = op;
    r->source = str_make(mem_dup(name.p, name.n), name.n);
    r->since_ms = what->since_ms;
    r->after_ns = what->since_ms * 1000000;
    r->fd = -1;
    r->calls = calls_new();
    buf_init(&r->part, TAIL_LINE_MAX);
    buf_init(&r->header, TAIL_LINE_MAX);
    arena_init(&r->arena);
    list_push(&s->operations, &r->link);
    r->timer = s->host->timer(s->channel, STEP_MS, true, step, r);
    return true;
}

void recount_stop(struct sip *s) {
    list_each (it, &s->operations) {
        struct recount *r = container_of(it, struct recount, link);
        r->waiting = false; /* no answer comes after stop */
        end(r, false, "the channel stops");
    }
}
