/* Any bytes as a call log: the first byte chooses the format, then come its lines. Every call is
 * told once its lines rest, and its numbers are read by a trunk's rules. */
#include "fuzz.h"

#include "sip/format.h"
#include "sip/number.h"

static const struct str international[] = {STR("00")}, inbound[] = {STR("+4420794601"), STR("100")};
static const struct trunk_config trunk = {.country = 49,
                                          .national = STR("0"),
                                          .international = {international, 1},
                                          .inbound = {inbound, 2},
                                          .extensions = STR("2-4")};

static void read_number(struct arena *a, struct str raw) {
    struct number n = number_read(a, &trunk, raw);
    touch(n.text);
    must(n.kind != NUMBER_E164 || (n.text.n >= 8 && n.text.n <= 16 && n.text.p[0] == '+'));
    (void)number_inbound(&trunk, &n);
}

static void tell(void *arg, struct call *c) {
    size_t *told = arg;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    must(call_outcome_name(call_outcome(c)) != NULL);
    must(c->lines > 0 && c->id.n > 0);
    read_number(&a, c->caller);
    read_number(&a, c->callee);
    touch(buf_str(&c->raw));
    ++*told;
}

/* Clock and place go on a little with every line. */
static void follow(const struct format *format, const struct zone *zone, struct str rest) {
    struct calls *calls = calls_new();
    static const struct tl_strs columns;
    struct tail_place place = {.offset = 0};
    size_t told = 0;
    int64_t now_ms = 0;
    while (rest.p) {
        cleanup(arena_clear) struct arena a;
        struct str line = str_cut(&rest, '\n');
        struct call_line said;
        const char *why = NULL;
        arena_init(&a);
        const struct format_in in = {.arena = &a, .zone = zone, .columns = &columns};
        enum format_verdict v = format->read(&in, line, &said, &why);
        must(v != FORMAT_BAD || why);
        if (v == FORMAT_LINE) {
            must(said.call_id.n > 0);
            calls_add(calls, &said, line, (struct call_origin){.place = &place}, now_ms);
        }
        place.offset += (int64_t)line.n + 1;
        now_ms += (int64_t)line.n * 16;
        calls_tick(calls, now_ms, tell, &told);
    }
    calls_tick(calls, now_ms + 7 * 3600 * 1000, tell, &told);
    must(calls_count(calls) == 0 || told > 0);
    calls_free(calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct format *const formats[] = {&format_kamailio, &format_asterisk_csv};
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
