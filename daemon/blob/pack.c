/* blob/pack.c - zstd around a blob. The ceiling of the buffer is the ceiling of what comes out. */
#include <zstd.h>

#include "blob/blob_priv.h"

enum { LEVEL = 3 };

bool blob_pack(struct str bytes, struct buf *out) {
    size_t bound = ZSTD_compressBound(bytes.n);
    char *room = ZSTD_isError(bound) ? NULL : buf_reserve(out, bound);
    if (!room)
        return false;
    size_t n = ZSTD_compress(room, bound, bytes.p, bytes.n, LEVEL);
    if (ZSTD_isError(n))
        return false;
    buf_commit(out, n);
    return true;
}

/* Piece by piece, so that a frame that lies about its size costs no more than what it holds. */
static bool unpack_all(ZSTD_DStream *z, ZSTD_inBuffer *in, struct buf *out) {
    size_t left = 1;
    while (left) {
        size_t room = out->max - out->n;
        if (room > ZSTD_DStreamOutSize())
            room = ZSTD_DStreamOutSize();
        char spare;
        char *at = room ? buf_reserve(out, room) : &spare;
        if (!at)
            return false;
        ZSTD_outBuffer piece = {.dst = at, .size = room ? room : 1};
        size_t before = in->pos;
        left = ZSTD_decompressStream(z, &piece, in);
        if (ZSTD_isError(left) || (!room && piece.pos))
            return false;
        if (room)
            buf_commit(out, piece.pos);
        if (left && in->pos == before && !piece.pos)
            return false; /* cut short */
    }
    return in->pos == in->size;
}

bool blob_unpack(struct str packed, struct buf *out) {
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = {.src = packed.p, .size = packed.n};
    bool ok = z && !ZSTD_isError(ZSTD_initDStream(z)) && unpack_all(z, &in, out);
    ZSTD_freeDStream(z);
    return ok;
}
