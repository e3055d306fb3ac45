/* sip/hep_packet.c - see hep_packet.h. */
#include "hep_packet.h"

#include <zlib.h>

#include <touchline/kit/buf.h>

enum { CHUNK_HEAD = 6, ENDPOINT_MAX = 18 };
enum {
    CHUNK_SOURCE_V4 = 3,
    CHUNK_TARGET_V4 = 4,
    CHUNK_SOURCE_V6 = 5,
    CHUNK_TARGET_V6 = 6,
    CHUNK_SOURCE_PORT = 7,
    CHUNK_TARGET_PORT = 8,
    CHUNK_SECONDS = 9,
    CHUNK_MICROS = 10,
    CHUNK_TYPE = 11,
    CHUNK_AUTH = 14,
    CHUNK_PAYLOAD = 15,
    CHUNK_DEFLATED = 16,
    CHUNK_LINK = 17,
};

/* What the chunks say before it is put together. */
struct parts {
    struct str source, source_port, target, target_port, deflated;
    uint32_t seconds, micros;
};

static uint32_t whole(struct str s, size_t bytes) {
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

int hep_packet_length(struct str bytes) {
    static const struct str magic = STR("HEP3");
    if (!str_eq(str_upto(bytes, 4), str_upto(magic, bytes.n)))
        return -1;
    if (bytes.n < HEP_HEAD)
        return 0;
    uint32_t n = whole(str_from(bytes, 4), 2);
    return n < HEP_HEAD ? -1 : (int)n;
}

/* false: the value is shorter than its type. */
static bool take_chunk(struct hep_packet *p, struct parts *at, unsigned type, struct str v) {
    switch (type) {
    case CHUNK_SOURCE_V4:
    case CHUNK_SOURCE_V6:
        at->source = v;
        return true;
    case CHUNK_TARGET_V4:
    case CHUNK_TARGET_V6:
        at->target = v;
        return true;
    case CHUNK_SOURCE_PORT:
        at->source_port = v;
        return true;
    case CHUNK_TARGET_PORT:
        at->target_port = v;
        return true;
    case CHUNK_SECONDS:
        at->seconds = v.n >= 4 ? whole(v, 4) : 0;
        return v.n >= 4;
    case CHUNK_MICROS:
        at->micros = v.n >= 4 ? whole(v, 4) : 0;
        return v.n >= 4;
    case CHUNK_TYPE:
        p->type = v.n ? (unsigned char)v.p[0] : 0;
        return v.n > 0;
    case CHUNK_AUTH:
        p->auth = v;
        return true;
    case CHUNK_PAYLOAD:
        p->payload = v;
        return true;
    case CHUNK_DEFLATED:
        at->deflated = v;
        return true;
    case CHUNK_LINK:
        p->link = v;
        return true;
    default:
        return true;
    }
}

/* zlib's or gzip's framing; a payload that grows above the cap is refused. */
static bool inflated(struct arena *a, struct str in, struct str *out) {
    char *room = arena_new(a, HEP_PAYLOAD_MAX);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)in.p,
                  .avail_in = (unsigned)in.n,
                  .next_out = (unsigned char *)room,
                  .avail_out = HEP_PAYLOAD_MAX};
    if (inflateInit2(&z, 15 + 32) != Z_OK)
        return false;
    int end = inflate(&z, Z_FINISH);
    size_t n = z.total_out;
    inflateEnd(&z);
    *out = str_make(room, n);
    return end == Z_STREAM_END;
}

static struct str endpoint(struct arena *a, struct str address, struct str port) {
    char *p = arena_new(a, ENDPOINT_MAX);
    size_t n = address.n > ENDPOINT_MAX - 2 ? ENDPOINT_MAX - 2 : address.n;
    if (n)
        memcpy(p, address.p, n);
    if (port.n >= 2)
        memcpy(p + n, port.p, 2);
    return str_make(p, n + 2);
}

static enum hep_verdict bad(const char **out_why, const char *why) {
    *out_why = why;
    return HEP_BAD;
}

enum hep_verdict hep_packet_read(struct arena *a, struct str bytes, struct hep_packet *out,
                                 const char **out_why) {
    struct hep_packet p = {0};
    struct parts at = {0};
    if (bytes.n && (bytes.p[0] == 1 || bytes.p[0] == 2))
        return HEP_OLD;
    int length = hep_packet_length(bytes);
    if (length <= 0)
        return bad(out_why, "no HEP v3 packet");
    if ((size_t)length > bytes.n)
        return bad(out_why, "a HEP packet that ends before its length");
    struct str rest = str_from(str_upto(bytes, (size_t)length), HEP_HEAD);
    while (rest.n) {
        uint32_t n = rest.n >= CHUNK_HEAD ? whole(str_from(rest, 4), 2) : 0;
        if (n < CHUNK_HEAD || n > rest.n)
            return bad(out_why, "a HEP chunk that ends outside its packet");
        unsigned vendor = whole(rest, 2), type = whole(str_from(rest, 2), 2);
        struct str value = str_from(str_upto(rest, n), CHUNK_HEAD);
        if (!vendor && !take_chunk(&p, &at, type, value))
            return bad(out_why, "a HEP chunk shorter than its type");
        rest = str_from(rest, n);
    }
    if (!p.payload.n && at.deflated.n && !inflated(a, at.deflated, &p.payload))
        return bad(out_why, "a deflated HEP payload that is broken or too large");
    p.at_ms = at.seconds ? (int64_t)at.seconds * 1000 + at.micros / 1000 : -1;
    p.source = endpoint(a, at.source, at.source_port);
    p.target = endpoint(a, at.target, at.target_port);
    *out = p;
    return HEP_READ;
}
