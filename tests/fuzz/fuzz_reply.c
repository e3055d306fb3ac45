/* Any bytes as a Redis server's answers, at once and in pieces: the same replies come of both. */
#include "fuzz.h"

#include <hiredis/read.h>

#include <touchline/kit/buf.h>

#include "store/store_priv.h"

enum { TEXT_MAX = 16 << 20, ROOM_MAX = 32 << 20 };

static void show(struct buf *out, const struct store_reply *r) {
    bool fits = buf_addf(out, "%d %lld %zu ", (int)r->type, (long long)r->integer, r->n) &&
                buf_add(out, r->str);
    must(fits || out->n);
    for (size_t i = 0; i < r->n; i++)
        show(out, &r->items[i]);
}

/* A header that announces more than the input could hold is a server that lies: what it makes us
 * hold is bounded by the room of the reader, which is too much for a fuzzer's each run. */
static bool announces_much(struct str in) {
    for (size_t i = 0; i + 1 < in.n; i++)
        if (in.p[i] == '*' && strtoll(in.p + i + 1, NULL, 10) > 4096)
            return true;
    return false;
}

static void read_all(struct str in, size_t most, struct buf *out) {
    redisReader *reader = store_reader_new();
    while (in.n) {
        struct str piece = exact(str_upto(in, most));
        void *reply = NULL;
        int rc = redisReaderFeed(reader, piece.p, piece.n);
        free((char *)piece.p);
        in = str_from(in, most);
        while (rc == REDIS_OK && (rc = redisReaderGetReply(reader, &reply)) == REDIS_OK && reply) {
            show(out, reply);
            store_reply_free(reply);
            reply = NULL;
        }
        if (rc != REDIS_OK) {
            must(buf_add_c(out, "broken") || out->n);
            break;
        }
    }
    redisReaderFree(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cleanup(buf_clear) struct buf text, whole, pieces;
    buf_init(&text, TEXT_MAX);
    buf_init(&whole, ROOM_MAX);
    buf_init(&pieces, ROOM_MAX);
    must(buf_add(&text, str_make((const char *)data, size)));
    if (announces_much(str_make(buf_c(&text), text.n)))
        return 0;
    read_all(buf_str(&text), SIZE_MAX, &whole);
    read_all(buf_str(&text), 1 + size % 7, &pieces);
    must(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
