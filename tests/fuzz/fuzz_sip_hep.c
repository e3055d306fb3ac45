/* Any bytes as a stream of HEP packets, cut by their lengths; what holds no packet is taken as SIP
 * text and wrapped in one, line by line of "---". Time goes on with each. Every call is told with
 * an outcome, and the number of open calls stays right. */
#include "fuzz.h"

#include <touchline/kit/buf.h>

#include "sip/format.h"
#include "sip/hep_calls.h"
#include "sip/hep_packet.h"
#include "sip/number.h"

static const struct trunk_config trunk = {.country = 49, .national = STR("0")};

static void on_line(void *ctx, const struct call_line *l, struct str raw) {
    size_t *told = ctx;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    must(l->kind == LINE_RECORD && l->call_id.n > 0 && l->rank > 0 && raw.n > 0);
    must(call_outcome_name(l->outcome) != NULL);
    touch(raw);
    touch(l->target);
    touch(l->display);
    struct number n = number_read(&a, &trunk, l->caller);
    touch(n.text);
    n = number_read(&a, &trunk, l->callee);
    touch(n.text);
    ++*told;
}

static void on_bad(void *ctx, struct str piece, const char *why) {
    (void)ctx;
    touch(piece);
    must(why != NULL);
}

static void give(void *state, const struct format_sink *sink, struct str packet, int64_t now_ms) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    const char *why = NULL;
    const struct format_in in = {.arena = &a,
                                 .state = state,
                                 .mono_ms = now_ms,
                                 .now_ms = now_ms,
                                 .trust_asserted = packet.n % 2};
    enum format_verdict v = format_hep.packet(&in, packet, sink, &why);
    must(v != FORMAT_BAD || why);
}

static void give_text(void *state, const struct format_sink *sink, struct str text,
                      int64_t now_ms) {
    cleanup(buf_clear) struct buf b;
    struct str body = str_upto(text, 60000);
    const size_t n = body.n + HEP_HEAD + 7 + 6;
    const char head[] = {'H',
                         'E',
                         'P',
                         '3',
                         (char)(n >> 8),
                         (char)n,
                         0,
                         0,
                         0,
                         11,
                         0,
                         7,
                         1,
                         0,
                         0,
                         0,
                         15,
                         (char)((body.n + 6) >> 8),
                         (char)(body.n + 6)};
    buf_init(&b, HEP_PACKET_MAX);
    must(buf_add(&b, str_make(head, sizeof head)) && buf_add(&b, body));
    give(state, sink, buf_str(&b), now_ms);
}

/* Up to a line of "---". */
static struct str part(struct str *rest) {
    struct str all = *rest;
    for (size_t i = 0; i + 4 <= all.n; i++)
        if (memcmp(all.p + i, "---\n", 4) == 0) {
            *rest = str_from(all, i + 4);
            return str_upto(all, i);
        }
    *rest = STR_NONE;
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = exact(str_make((const char *)data, size)), rest = in;
    void *state = format_hep.state_new();
    size_t told = 0;
    const struct format_sink sink = {&told, on_line, on_bad};
    int64_t now_ms = 1;
    while (rest.n) {
        ptrdiff_t n = format_hep.frame(rest);
        must(n >= -1 && n <= HEP_PACKET_MAX);
        if (n > 0) {
            give(state, &sink, str_upto(rest, (size_t)n), now_ms);
            rest = str_from(rest, (size_t)n);
        } else {
            give(state, &sink, rest, now_ms); /* as a datagram */
            give_text(state, &sink, part(&rest), now_ms);
        }
        now_ms += 700;
    }
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    for (int i = 1; i < 4; i++) {
        const struct format_in in_end = {
            .arena = &a, .state = state, .mono_ms = now_ms + i * 7 * 3600 * 1000LL};
        format_hep.tick(&in_end, &sink);
    }
    format_hep.state_free(state);
    free((char *)in.p);
    return 0;
}
