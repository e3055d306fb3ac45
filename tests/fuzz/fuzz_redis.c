/* Fuzzes store/reply.c around hiredis's reader: any bytes as a server's replies, whole and in
 * pieces. Every view must lie inside its reply, and the pieces must not matter. */
#include "fuzz.h"

#include <hiredis/read.h>

#include "store/store_priv.h"

static uint64_t walk(const struct store_reply *r) {
    uint64_t sum = 31 * (uint64_t)r->type + (uint64_t)r->integer + r->str.n;
    for (size_t i = 0; i < r->str.n; i++)
        sum = sum * 31 + (uint8_t)r->str.p[i];
    for (size_t i = 0; i < r->n; i++)
        sum = sum * 31 + walk(&r->items[i]);
    if (r->type == STORE_ERROR)
        sum += (uint64_t)store_trouble_of(r->str);
    return sum;
}

/* Of all replies up to the first that is broken. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t piece) {
    redisReader *reader = store_reader_new();
    uint64_t sum = 0;
    void *reply;
    while (size && !reader->err) {
        size_t n = size < piece ? size : piece;
        if (redisReaderFeed(reader, (const char *)data, n) != REDIS_OK)
            break;
        data += n;
        size -= n;
        while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
            sum = sum * 31 + walk(reply);
            store_reply_free(reply);
        }
    }
    redisReaderFree(reader);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    if (read_all(data, size, size) != read_all(data, size, 1 + data[0] % 7))
        abort();
    return 0;
}
