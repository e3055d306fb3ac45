/* Any bytes as a call log: the first byte chooses the format, then come its lines. Every call is
 * told once its lines rest, its touchpoint is JSON, and the lines in the other order come to the
 * same. */
#include "fuzz.h"

#include <touchline/kit/jread.h>

#include "sip/format.h"
#include "sip/number.h"
#include "sip/tell.h"

enum { TOLD_MAX = 64, LINES_MAX = 256 };

static const struct str international[] = {STR("00")}, inbound[] = {STR("+4420794601"), STR("100")};
static const struct log_config rules = {.trunk = {.country = 49,
                                                  .national = STR("0"),
                                                  .international = {international, 1},
                                                  .inbound = {inbound, 2},
                                                  .extensions = STR("2-4")}};

static const struct format *const formats[] = {
    &format_kamailio,        &format_asterisk_csv,  &format_kamailio_dbtext, &format_kamailio_flat,
    &format_asterisk_custom, &format_asterisk_json, &format_asterisk_queue,  &format_asterisk_cel};

static void read_number(struct arena *a, struct str raw) {
    struct number n = number_read(a, &rules.trunk, raw);
    touch(n.text);
    must(n.kind != NUMBER_E164 || (n.text.n >= 8 && n.text.n <= 16 && n.text.p[0] == '+'));
    (void)number_inbound(&rules.trunk, &n);
}

static void tell(void *arg, struct call *c) {
    size_t *told = arg;
    cleanup(arena_clear) struct arena a;
    cleanup(buf_clear) struct buf json;
    cleanup(json_freep) json_t *root = NULL;
    struct tell how;
    arena_init(&a);
    buf_init(&json, 4 << 20);
    must(call_outcome_name(call_outcome(c)) != NULL);
    must(c->lines > 0 && c->id.n > 0 && c->id.n <= 200);
    tell_judge(&a, c, &rules, &how);
    must(!how.nobody == !how.label);
    if (tell_write(&json, c, &rules, &how))
        must(jread_parse(buf_str(&json), 4 << 20, &root, NULL));
    touch(buf_str(&c->raw));
    ++*told;
}

struct feed {
    struct calls *calls;
    const struct zone *zone;
    const struct format *format;
    struct str header;
    struct tail_place place;
    int64_t now_ms;
};

static void take(struct feed *f, struct str line) {
    static const struct tl_strs columns;
    cleanup(arena_clear) struct arena a;
    struct call_line said;
    const char *why = NULL;
    arena_init(&a);
    const struct format_in in = {
        .arena = &a, .zone = f->zone, .columns = &columns, .header = f->header, .name = STR("acc")};
    enum format_verdict v = f->format->read(&in, line, &said, &why);
    must(v != FORMAT_BAD || why);
    if (v == FORMAT_HEADER)
        f->header = line;
    if (v == FORMAT_LINE) {
        must(said.call_id.n > 0);
        calls_add(f->calls, &said, line, (struct call_origin){.place = &f->place}, f->now_ms);
    }
    f->place.offset += (int64_t)line.n + 1;
}

/* Clock and place go on a little with every line. */
static void follow(const struct format *format, const struct zone *zone, struct str rest) {
    struct feed f = {.calls = calls_new(), .zone = zone, .format = format};
    size_t told = 0;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        take(&f, line);
        f.now_ms += (int64_t)line.n * 16;
        calls_tick(f.calls, f.now_ms, tell, &told);
    }
    calls_tick(f.calls, f.now_ms + 7 * 3600 * 1000, tell, &told);
    must(calls_count(f.calls) == 0 || told > 0);
    calls_free(f.calls);
}

struct found {
    struct call *calls[TOLD_MAX];
    size_t n;
};
static void collect(void *arg, struct call *c) {
    struct found *f = arg;
    if (f->n < TOLD_MAX)
        f->calls[f->n++] = c;
}

/* All lines, then the tick; backwards: the last first. */
static void feed_lines(struct feed *f, const struct str *lines, size_t n, bool backwards) {
    if (n && f->format->rewritten) /* its first line names the columns, whatever comes after */
        take(f, lines[0]);
    for (size_t i = 0; i < n; i++)
        take(f, lines[backwards ? n - 1 - i : i]);
}

static void same_in_either_order(const struct format *format, const struct zone *zone,
                                 struct str rest) {
    struct str lines[LINES_MAX];
    size_t n = 0;
    while (rest.p && n < LINES_MAX)
        lines[n++] = str_cut(&rest, '\n');
    struct feed one = {.calls = calls_new(), .zone = zone, .format = format},
                two = {.calls = calls_new(), .zone = zone, .format = format};
    struct found found = {.n = 0};
    feed_lines(&one, lines, n, false);
    feed_lines(&two, lines, n, true);
    calls_tick(one.calls, 7 * 3600 * 1000, collect, &found);
    for (size_t i = 0; i < found.n; i++) {
        const struct call *a = found.calls[i], *b = calls_find(two.calls, a->id);
        if (!b || !str_eq(a->id, b->id) || a->lines != b->lines)
            continue; /* joined by a link that the other order had not seen yet */
        must(call_outcome(a) == call_outcome(b));
        must(a->start_ms == b->start_ms && a->end_ms == b->end_ms);
        must(call_revision(a) == call_revision(b));
    }
    calls_free(one.calls);
    calls_free(two.calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct zone *zone;
    struct str in = exact(str_make((const char *)data, size)), rest = in;
    struct tail_place place;
    if (!zone)
        zone = zone_open(str_c("Europe/Berlin"));
    if (!zone)
        zone = zone_open(STR_NONE);
    unsigned which = first_byte(&rest) % (COUNT(formats) + 1);
    if (which < COUNT(formats)) {
        follow(formats[which], zone, rest);
        same_in_either_order(formats[which], zone, rest);
    } else {
        cleanup(arena_clear) struct arena a;
        arena_init(&a);
        read_number(&a, rest);
        if (tail_place_read(rest, &place))
            must(place.offset >= 0 && place.file.head_n <= TAIL_HEAD_MAX);
    }
    free((char *)in.p);
    return 0;
}
