/* store/body.c - see body.h. A body of 600 bytes alone compresses to half; what it has in common
 * with all others (names of members, addresses, set phrases) makes the rest, hence the dictionary.
 */
#include "store/body.h"

#include <zstd.h>

#include <touchline/kit/base64.h>

enum { VERSION = 1, LEVEL = 3, DICTIONARY_MAX = 64 << 10, MAGIC_BYTES = 4 };

static const char magic[MAGIC_BYTES] = "\x28\xb5\x2f\xfd"; /* RFC 8878 3.1.1 */

/* Prepared once: making the tables of a dictionary costs a hundred times a body. Constant after. */
static struct {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    ZSTD_CDict *pack_with;
    ZSTD_DDict *unpack_with;
} codec;

static void codec_prepare(void) {
    if (codec.pack)
        return;
    cleanup(buf_clear) struct buf dictionary;
    buf_init(&dictionary, DICTIONARY_MAX);
    bool ok = base64_decode(&dictionary, str_c(store_dictionary_1), false);
    assert(ok);
    codec.pack_with = ZSTD_createCDict(dictionary.p, dictionary.n, LEVEL);
    codec.unpack_with = ZSTD_createDDict(dictionary.p, dictionary.n);
    codec.pack = ZSTD_createCCtx();
    codec.unpack = ZSTD_createDCtx();
    assert(codec.pack && codec.unpack && codec.pack_with && codec.unpack_with);
    ZSTD_CCtx_refCDict(codec.pack, codec.pack_with);
    ZSTD_DCtx_refDDict(codec.unpack, codec.unpack_with);
    ZSTD_CCtx_setParameter(codec.pack, ZSTD_c_dictIDFlag, 0); /* the version says it */
    ZSTD_CCtx_setParameter(codec.pack, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(codec.pack, ZSTD_c_contentSizeFlag, 1);
}

bool body_pack(struct str text, struct buf *out) {
    size_t room = ZSTD_compressBound(text.n);
    codec_prepare();
    char *at = buf_reserve(out, room + 1);
    if (!at)
        return false;
    size_t n = ZSTD_compress2(codec.pack, at, room, text.p, text.n);
    if (ZSTD_isError(n) || n < MAGIC_BYTES)
        return false;
    /* The version takes the place of the magic number. */
    memmove(at + 1, at + MAGIC_BYTES, n - MAGIC_BYTES);
    at[0] = VERSION;
    buf_commit(out, n - MAGIC_BYTES + 1);
    return true;
}

bool body_unpack(struct str packed, struct buf *out) {
    if (!packed.n || packed.p[0] != VERSION)
        return false;
    codec_prepare();
    cleanup(buf_clear) struct buf frame;
    buf_init(&frame, packed.n + MAGIC_BYTES);
    if (!buf_add(&frame, str_make(magic, MAGIC_BYTES)) || !buf_add(&frame, str_from(packed, 1)))
        return false;
    unsigned long long size = ZSTD_getFrameContentSize(frame.p, frame.n);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > BODY_TEXT_MAX)
        return false;
    char *at = buf_reserve(out, size + 1);
    if (!at)
        return false;
    size_t n = ZSTD_decompressDCtx(codec.unpack, at, size, frame.p, frame.n);
    if (ZSTD_isError(n) || n != size)
        return false;
    buf_commit(out, n);
    return true;
}
