/* Any bytes as a call record: the first byte chooses the format, then comes a document or lines.
 * What is read names its call; what is not has a reason. */
#include "fuzz.h"

#include "sip/format.h"

static void on_line(void *ctx, const struct call_line *l, struct str raw) {
    (void)ctx;
    const struct str texts[] = {l->call_id, l->leg,   l->caller, l->callee,   l->target,
                                l->display, l->queue, l->agent,  l->recording};
    for (size_t i = 0; i < COUNT(texts); i++)
        touch(texts[i]);
    for (size_t i = 0; i < LINKS_MAX; i++)
        touch(l->links[i]);
    touch(raw);
    must(l->call_id.n > 0);
    must(call_outcome_name(l->outcome) != NULL);
}

static void on_bad(void *ctx, struct str piece, const char *why) {
    (void)ctx;
    touch(piece);
    must(why != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct format *const documents[] = {&format_freeswitch, &format_json},
                                      *const lines[] = {&format_freeswitch_csv, &format_clf,
                                                        &format_json};
    static const struct tl_strs none;
    static struct zone *zone;
    struct str in_bytes = exact(str_make((const char *)data, size)), rest = in_bytes;
    if (!zone)
        zone = zone_open(str_c("Europe/Berlin"));
    if (!zone)
        zone = zone_open(STR_NONE);
    unsigned which = first_byte(&rest) % (COUNT(documents) + COUNT(lines));
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    const struct format_in in = {.arena = &a, .zone = zone, .columns = &none};
    const struct format_sink sink = {NULL, on_line, on_bad};
    const char *why = NULL;
    if (which < COUNT(documents)) {
        must(documents[which]->document(&in, rest, &sink, &why) != FORMAT_BAD || why);
    } else {
        const struct format *f = lines[which - COUNT(documents)];
        while (rest.p) {
            struct call_line said;
            struct str line = str_cut(&rest, '\n');
            enum format_verdict v = f->read(&in, line, &said, &why);
            must(v != FORMAT_BAD || why);
            if (v == FORMAT_LINE)
                on_line(NULL, &said, line);
        }
    }
    free((char *)in_bytes.p);
    return 0;
}
