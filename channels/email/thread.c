/* thread.c - ids are compared byte by byte later, so here they lose brackets' surroundings and
 * folds, and nothing else.
 */
#include "thread.h"

#include <touchline/kit/base64.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/utf8.h>

/* One id in its brackets, without white space and controls. Absent: nothing is left of it. */
static struct str id_clean(struct arena *a, struct str id) {
    cleanup(buf_clear) struct buf mended;
    char *p;
    size_t n = 0;
    buf_init(&mended, 3 * THREAD_ID_BYTES_MAX);
    if (!id.n || id.n > THREAD_ID_BYTES_MAX || !utf8_mend(&mended, id))
        return STR_NONE;
    p = arena_new(a, mended.n + 3);
    p[n++] = '<';
    for (size_t i = 0; i < mended.n; i++)
        if ((unsigned char)mended.p[i] > 32 && mended.p[i] != 127 && mended.p[i] != '<' &&
            mended.p[i] != '>')
            p[n++] = mended.p[i];
    p[n++] = '>';
    return n > 2 && n <= 998 ? str_make(p, n) : STR_NONE; /* RFC 5322 2.1.1 */
}

static void ids_put(struct thread_ids *ids, struct str id) {
    if (!id.n)
        return;
    for (size_t i = 0; i < ids->n; i++)
        if (str_eq(ids->items[i], id))
            return;
    if (ids->n == THREAD_IDS_MAX) {
        memmove(&ids->items[1], &ids->items[2], (THREAD_IDS_MAX - 2) * sizeof ids->items[0]);
        ids->n--;
    }
    ids->items[ids->n++] = id;
}

static bool is_gap(char c) {
    return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

/* A phrase beside ids ("Message of Monday <…>") is not one; without any brackets words are ids. */
void thread_ids_add(struct arena *a, struct thread_ids *ids, struct str value) {
    bool bracketed = str_find(value, '<') >= 0;
    value = str_upto(value, HEADER_VALUE_MAX);
    while (value.n) {
        ptrdiff_t from = bracketed ? str_find(value, '<') : 0, to;
        if (from < 0)
            return;
        value = str_from(value, (size_t)from + bracketed);
        if (bracketed) {
            to = str_find(value, '>');
        } else {
            for (to = 0; (size_t)to < value.n && !is_gap(value.p[to]);)
                to++;
        }
        size_t n = to < 0 ? value.n : (size_t)to;
        ids_put(ids, id_clean(a, str_upto(value, n)));
        value = str_from(value, n + 1);
    }
}

struct str thread_message_id(struct arena *a, const struct headers *h, bool *out_missing) {
    static const char *const fields[] = {"From", "Date", "Subject", "To"};
    struct thread_ids ids = {.n = 0};
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    thread_ids_add(a, &ids, headers_get(h, "Message-ID"));
    *out_missing = ids.n == 0;
    if (ids.n)
        return ids.items[0];
    struct sha256 *hash = sha256_begin();
    for (size_t i = 0; i < COUNT(fields); i++) {
        sha256_add(hash, headers_get(h, fields[i]));
        sha256_add(hash, (struct str)STR("\n"));
    }
    sha256_add(hash, h->body);
    sha256_end(hash, digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_strf(a, "<%.32s@touchline.invalid>", hex);
}

struct str thread_index_root(struct arena *a, const struct headers *h) {
    enum { ROOT_BYTES = 22, INDEX_MAX = 4096 };
    cleanup(buf_clear) struct buf bytes, text;
    struct str value = header_unfold(a, str_upto(headers_get(h, "Thread-Index"), INDEX_MAX));
    char *packed = arena_new(a, value.n + 1);
    size_t n = 0;
    buf_init(&bytes, INDEX_MAX);
    buf_init(&text, 64);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != ' ' && value.p[i] != '\t')
            packed[n++] = value.p[i];
    if (!base64_decode(&bytes, str_make(packed, n), true) || bytes.n < ROOT_BYTES ||
        !base64_encode(&text, str_upto(buf_str(&bytes), ROOT_BYTES)))
        return STR_NONE;
    return arena_str(a, buf_str(&text));
}
