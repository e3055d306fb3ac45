/* Fuzzes the kit's readers: the first byte chooses one, the rest is its input. Views must lie where
 * they may, what was written must read back the same, and refusals must leave nothing behind. */
#include "fuzz.h"

#include <touchline/kit/base64.h>
#include <touchline/kit/csv.h>
#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/multipart.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

enum { ITEMS_MAX = 32, TEXT_MAX = 1 << 20 };

static void try_multipart(struct str in) {
    cleanup(arena_clear) struct arena a;
    struct multipart_part parts[ITEMS_MAX];
    size_t n;
    arena_init(&a);
    struct str type = str_cut(&in, '\n');
    if (!multipart_parse(&a, type, in, parts, ITEMS_MAX, &n, NULL))
        return;
    must(n <= ITEMS_MAX);
    for (size_t i = 0; i < n; i++) {
        must(parts[i].name.p && utf8_valid(parts[i].name) && utf8_valid(parts[i].filename));
        must(!memchr(parts[i].filename.n ? parts[i].filename.p : "x", '/', parts[i].filename.n));
        must(parts[i].body.p >= in.p && parts[i].body.p + parts[i].body.n <= in.p + in.n);
        touch(parts[i].type);
    }
}

static void try_urlencoded(struct str in) {
    cleanup(arena_clear) struct arena a;
    struct pair pairs[ITEMS_MAX];
    size_t n;
    arena_init(&a);
    if (!urlencoded_parse(&a, in, pairs, ITEMS_MAX, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        must(utf8_valid(pairs[i].name) && utf8_valid(pairs[i].value));
}

static void try_json(struct str in) {
    json_t *v, *again;
    if (!jread_parse(in, TEXT_MAX, &v, NULL))
        return;
    cleanup(buf_clear) struct buf text;
    buf_init(&text, 16 * TEXT_MAX);
    must(jread_dump(&text, v));
    must(jread_parse(buf_str(&text), text.max, &again, NULL));
    must(json_equal(v, again));
    json_decref(v);
    json_decref(again);
}

static void try_dates(struct str in) {
    int64_t ms, again;
    char text[40];
    if (date_parse(in, &ms) || date_parse_mail(in, &ms)) {
        date_format(ms, text);
        must(date_parse(str_c(text), &again));
        must(again == ms || text[0] == '0' || text[0] == '9'); /* a clamped year apart */
        date_format_mail(ms, text);
        date_format_http(ms, text);
    }
}

static void try_csv(struct str in) {
    cleanup(arena_clear) struct arena a;
    struct str fields[ITEMS_MAX];
    size_t n;
    arena_init(&a);
    if (!csv_split(&a, in, ',', fields, ITEMS_MAX, &n))
        return;
    must(n >= 1);
    for (size_t i = 0; i < n; i++)
        touch(fields[i]);
}

static void try_codings(struct str in) {
    cleanup(buf_clear) struct buf there;
    cleanup(buf_clear) struct buf back;
    buf_init(&there, 4 * TEXT_MAX);
    buf_init(&back, 4 * TEXT_MAX);
    must(base64_encode(&there, in) && base64_decode(&back, buf_str(&there), false));
    must(str_eq(in, buf_str(&back)));
    buf_reset(&back);
    if (!base64_decode(&back, in, true))
        must(back.n == 0);
    buf_reset(&back);
    if (!percent_decode(&back, in))
        must(back.n == 0);
    buf_reset(&there);
    must(percent_encode(&there, in));
}

static void try_text(struct str in) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 4 * TEXT_MAX);
    must(utf8_mend(&b, in) && utf8_valid(buf_str(&b)));
    must(!utf8_valid(in) || memchr(in.n ? in.p : "x", 0, in.n) || str_eq(in, buf_str(&b)));
    must(utf8_valid(utf8_upto(buf_str(&b), b.n / 2)));
    buf_reset(&b);
    must(utf8_one_line(&b, in) && utf8_valid(buf_str(&b)));
    must(!memchr(buf_c(&b), '\n', b.n) && !memchr(buf_c(&b), '\r', b.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct str in) = {
        try_multipart, try_urlencoded, try_json, try_dates, try_csv, try_codings, try_text};
    if (!size || size > TEXT_MAX)
        return 0;
    struct str in = str_make((const char *)data, size);
    unsigned which = first_byte(&in) % COUNT(readers);
    in = exact(in);
    readers[which](in);
    free((char *)in.p);
    return 0;
}
