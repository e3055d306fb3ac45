/* Fuzzes http/reader.c: any bytes, in pieces as they say themselves, read as requests one after
 * another. What the pieces are must not matter: the same bytes at once give the same requests. */
#include "fuzz.h"

#include "http/reader.h"

static const struct reader_limits limits = {.head_bytes = 16 * 1024, .body_bytes = 64 * 1024};

struct outcome {
    unsigned requests, status;
    uint64_t body_bytes;
    unsigned fields;
};

static void at_head(struct reader *r, unsigned n) {
    touch(reader_span(r, r->method));
    touch(reader_span(r, r->path));
    touch(reader_span(r, r->query));
    for (unsigned i = 0; i < r->fields_n; i++) {
        touch(reader_span(r, r->fields[i].name));
        touch(reader_span(r, r->fields[i].value));
    }
    touch(reader_header(r, "host"));
    if (n % 3 == 2)
        reader_discard(r);
    else
        reader_body(r);
}

/* Feeds in pieces of at most `most` bytes until the end or a refusal. */
static struct outcome read_all(struct str in, size_t most) {
    struct outcome o = {0};
    while (in.n && !o.status) {
        struct reader r;
        reader_init(&r, &limits);
        while (r.state != READER_DONE && r.state != READER_FAULT &&
               (in.n || r.state == READER_HEAD)) {
            size_t eaten = reader_feed(&r, str_upto(in, most));
            if (eaten > in.n || (!eaten && in.n && r.state != READER_HEAD &&
                                 r.state != READER_DONE && r.state != READER_FAULT))
                abort();
            in = str_from(in, eaten);
            if (r.state == READER_HEAD) {
                at_head(&r, o.requests);
                reader_feed(&r, STR_NONE);
            }
        }
        if (r.state == READER_FAULT)
            o.status = (unsigned)reader_refusal(r.why)->status;
        touch(buf_str(&r.body));
        o.body_bytes += r.body_seen;
        o.fields += r.fields_n;
        o.requests++;
        reader_clear(&r);
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str in = str_make((const char *)data, n);
    struct outcome whole = read_all(in, SIZE_MAX), pieces = read_all(in, 1 + n % 7);
    /* A refusal may come before the rest of a refused piece is counted; everything else agrees. */
    if (whole.status != pieces.status || whole.requests != pieces.requests ||
        whole.fields != pieces.fields)
        abort();
    return 0;
}
