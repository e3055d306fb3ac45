/* What of the fediverse is read before and beside JSON: the first byte chooses signed requests
 * (lines: Signature, Signature-Input, Digest, Content-Digest, Date; then the body), HTML of notes,
 * or feeds. */
#include "fuzz.h"

#include <touchline/kit/utf8.h>

#include "social/activitypub.h"
#include "social/feed.h"

static const struct hook_config config = {.name = STR("hook")};

struct lines {
    struct str values[5];
};

static struct str header_of(void *ctx, const char *name) {
    static const char *const names[] = {"Signature", "Signature-Input", "Digest", "Content-Digest",
                                        "Date"};
    const struct lines *l = ctx;
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is_nocase(str_c(name), names[i]))
            return l->values[i].n ? l->values[i] : STR_NONE;
    return str_is_nocase(str_c(name), "Host") ? str_c("contact.example.org") : STR_NONE;
}

static void judge(struct str in) {
    cleanup(arena_clear) struct arena a;
    struct lines lines;
    struct http_signature s;
    struct str rest = in;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(lines.values); i++)
        lines.values[i] = str_cut(&rest, '\n');
    struct hook_call call = {.config = &config,
                             .arena = &a,
                             .method = STR("POST"),
                             .url = STR("https://contact.example.org/hooks/hook?a=b"),
                             .body = rest,
                             .header = header_of,
                             .header_ctx = &lines,
                             .now_ms = 1795420800000};
    if (http_signature_read(&call, &s) != HTTP_SIGNATURE_READ)
        return;
    must(s.key_id.n && s.base.n && s.signature.n);
    must(!http_signature_fits(&s, rest));
}

static void on_entry(void *arg, const struct feed_entry *e) {
    size_t *n = arg;
    for (size_t i = 0; i < FEED_FIELDS_N; i++)
        touch(e->fields[i]);
    must(++*n <= 5000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = exact(str_make((const char *)data, size)), body = in;
    cleanup(arena_clear) struct arena a;
    size_t entries = 0;
    arena_init(&a);
    switch (first_byte(&body) % 3) {
    case 0:
        judge(body);
        break;
    case 1:
        touch(activitypub_text(&a, body));
        touch(activitypub_host(body));
        break;
    default:
        (void)feed_read(body, on_entry, &entries);
    }
    free((char *)in.p);
    return 0;
}
