/* http/chunked.c - see chunked.h. One byte decides one move; only data is taken in pieces. */
#include "http/chunked.h"

#include "http/bytes.h"

void chunked_init(struct chunked *c) {
    *c = (struct chunked){.place = CHUNKED_SIZE};
}

static enum chunked_place size_byte(struct chunked *c, char b) {
    if (byte_is(b, BYTE_HEX)) {
        if (++c->digits > CHUNK_DIGITS_MAX)
            return CHUNKED_BROKEN;
        c->left = c->left << 4 | byte_hex(b);
        return CHUNKED_SIZE;
    }
    if (!c->digits)
        return CHUNKED_BROKEN;
    c->extension_bytes = 0;
    return b == '\r' ? CHUNKED_SIZE_LF : b == ';' ? CHUNKED_EXT : CHUNKED_BROKEN;
}

static enum chunked_place extension_byte(struct chunked *c, char b) {
    if (b == '\r')
        return CHUNKED_SIZE_LF;
    if (!byte_is(b, BYTE_VALUE) || ++c->extension_bytes > CHUNK_EXTENSION_MAX)
        return CHUNKED_BROKEN;
    return CHUNKED_EXT;
}

static enum chunked_place size_end(struct chunked *c, char b) {
    if (b != '\n')
        return CHUNKED_BROKEN;
    c->digits = 0;
    return c->left ? CHUNKED_BYTES : CHUNKED_LINE;
}

static enum chunked_place trailer_byte(struct chunked *c, char b) {
    if (++c->trailer_bytes > CHUNK_TRAILERS_MAX)
        return CHUNKED_BROKEN;
    switch (c->place) {
    case CHUNKED_LINE:
        if (b == '\r')
            return CHUNKED_END_LF;
        if (++c->trailer_lines > CHUNK_TRAILER_LINES_MAX)
            return CHUNKED_BROKEN;
        return byte_is(b, BYTE_TOKEN) ? CHUNKED_NAME : CHUNKED_BROKEN;
    case CHUNKED_NAME:
        if (b == ':')
            return CHUNKED_VALUE;
        return byte_is(b, BYTE_TOKEN) ? CHUNKED_NAME : CHUNKED_BROKEN;
    case CHUNKED_VALUE:
        if (b == '\r')
            return CHUNKED_VALUE_LF;
        return byte_is(b, BYTE_VALUE) ? CHUNKED_VALUE : CHUNKED_BROKEN;
    case CHUNKED_VALUE_LF:
        return b == '\n' ? CHUNKED_LINE : CHUNKED_BROKEN;
    case CHUNKED_END_LF:
        return b == '\n' ? CHUNKED_ENDED : CHUNKED_BROKEN;
    default: /* chunked_next comes here with the places above only */
        return CHUNKED_BROKEN;
    }
}

static enum chunked_place next_place(struct chunked *c, char b) {
    switch (c->place) {
    case CHUNKED_SIZE:
        return size_byte(c, b);
    case CHUNKED_EXT:
        return extension_byte(c, b);
    case CHUNKED_SIZE_LF:
        return size_end(c, b);
    case CHUNKED_BYTES_CR:
        return b == '\r' ? CHUNKED_BYTES_LF : CHUNKED_BROKEN;
    case CHUNKED_BYTES_LF:
        return b == '\n' ? CHUNKED_SIZE : CHUNKED_BROKEN;
    case CHUNKED_LINE:
    case CHUNKED_NAME:
    case CHUNKED_VALUE:
    case CHUNKED_VALUE_LF:
    case CHUNKED_END_LF:
        return trailer_byte(c, b);
    case CHUNKED_BYTES:
    case CHUNKED_ENDED:
    case CHUNKED_BROKEN:
        break;
    }
    return CHUNKED_BROKEN;
}

enum chunked_step chunked_next(struct chunked *c, struct str *in, struct str *out) {
    while (in->n) {
        if (c->place == CHUNKED_BYTES) {
            *out = str_upto(*in, c->left < in->n ? (size_t)c->left : in->n);
            *in = str_from(*in, out->n);
            c->left -= out->n;
            if (!c->left)
                c->place = CHUNKED_BYTES_CR;
            return CHUNKED_DATA;
        }
        enum chunked_place before = c->place;
        if (before == CHUNKED_ENDED)
            return CHUNKED_DONE;
        c->place = next_place(c, in->p[0]);
        if (c->place == CHUNKED_BROKEN)
            return CHUNKED_BAD;
        *in = str_from(*in, 1);
        if (c->place == CHUNKED_ENDED)
            return CHUNKED_DONE;
        if (before == CHUNKED_SIZE_LF && c->place == CHUNKED_BYTES)
            return CHUNKED_SIZED;
    }
    return c->place == CHUNKED_ENDED ? CHUNKED_DONE : CHUNKED_MORE;
}
