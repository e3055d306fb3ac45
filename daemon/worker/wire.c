/* worker/wire.c - frames written and read. */
#include "worker/wire.h"

static const uint32_t absent = UINT32_MAX;

static void put_u32(char *p, uint32_t v) {
    for (int i = 0; i < 4; i++)
        p[i] = (char)(v >> (8 * i));
}

static uint64_t get(const char *p, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

bool wire_begin(struct buf *out, enum wire_type type, size_t *out_at) {
    char head[WIRE_HEAD] = {[4] = (char)type};
    *out_at = out->n;
    return buf_add(out, str_make(head, sizeof head));
}

void wire_end(struct buf *out, size_t at) {
    size_t n = out->n - at - WIRE_HEAD;
    assert(n < absent); /* the ceiling of every buf here is far below */
    put_u32(out->p + at, (uint32_t)n);
}

bool wire_add_str(struct buf *out, struct str s) {
    char n[4];
    if (s.p && s.n >= absent)
        return false;
    put_u32(n, s.p ? (uint32_t)s.n : absent);
    return buf_add(out, str_make(n, sizeof n)) && buf_add(out, s);
}

bool wire_add_int(struct buf *out, int64_t v) {
    char bytes[8];
    put_u32(bytes, (uint32_t)(uint64_t)v);
    put_u32(bytes + 4, (uint32_t)((uint64_t)v >> 32));
    return buf_add(out, str_make(bytes, sizeof bytes));
}

static bool known(unsigned type) {
    return (type >= WIRE_READ && type <= WIRE_HASH) ||
           (type >= WIRE_TOUCHPOINT && type <= WIRE_DONE);
}

enum wire_state wire_next(struct str *in, size_t max_bytes, struct wire_frame *out) {
    if (in->n < WIRE_HEAD)
        return WIRE_MORE;
    size_t n = get(in->p, 4);
    unsigned type = (unsigned char)in->p[4];
    if (n > max_bytes || !known(type))
        return WIRE_BROKEN;
    if (in->n - WIRE_HEAD < n)
        return WIRE_MORE;
    out->type = (enum wire_type)type;
    out->payload = str_make(in->p + WIRE_HEAD, n);
    *in = str_from(*in, WIRE_HEAD + n);
    return WIRE_FRAME;
}

bool wire_take_str(struct str *payload, struct str *out) {
    if (payload->n < 4)
        return false;
    uint32_t n = (uint32_t)get(payload->p, 4);
    struct str rest = str_from(*payload, 4);
    if (n != absent && n > rest.n)
        return false;
    *out = n == absent ? STR_NONE : str_upto(rest, n);
    *payload = str_from(rest, n == absent ? 0 : n);
    return true;
}

bool wire_take_int(struct str *payload, int64_t *out) {
    if (payload->n < 8)
        return false;
    *out = (int64_t)get(payload->p, 8);
    *payload = str_from(*payload, 8);
    return true;
}
