/* http/reader.h - reads one HTTP/1.1 request, strictly (RFC 9110, 9112). Pure: bytes in, request or
 * refusal out.
 *
 *   LINE ──► FIELDS ──► HEAD ──reader_body()──► BODY | CHUNKS ──► DONE
 *                        │ (the caller decides: route, rights, limits)
 *   any ──► FAULT        └─reader_discard(): the same, but the bytes are dropped
 *
 * What two readers could understand differently is refused, never mended: a bare LF or CR, folded
 * lines, blanks around names, repeated framing fields, Content-Length beside Transfer-Encoding.
 * A request needs one reader: init, feed, clear.
 */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/str.h>

#include "http/chunked.h"

enum {
    READER_FIELDS_MAX = 100,
    READER_TARGET_MAX = 8192,
    READER_METHOD_MAX = 32,
    READER_DISCARD_MAX = 64 * 1024, /* of a refused body; beyond it the connection ends */
};

enum reader_state {
    READER_LINE,   /* before the end of the request line; nothing parsed */
    READER_FIELDS, /* method, target and version stand */
    READER_HEAD,   /* all fields stand and agree; waits for reader_body or reader_discard */
    READER_BODY,   /* `left` bytes of known length to come */
    READER_CHUNKS, /* chunks to come */
    READER_DONE,   /* whole */
    READER_FAULT,  /* `why` tells; nothing more is read */
};

/* Why a request was refused. The table in reader.c holds status, code and words. */
enum reader_why {
    WHY_NONE,
    WHY_LINE,
    WHY_VERSION,
    WHY_METHOD,
    WHY_TARGET_LONG,
    WHY_PATH,
    WHY_HEADER_SYNTAX,
    WHY_HEADER_LIMIT,
    WHY_REPEATED,
    WHY_HOST,
    WHY_CL_TE,
    WHY_CL_DUP,
    WHY_CL_SYNTAX,
    WHY_TE,
    WHY_CHUNK,
    WHY_TOO_LARGE,
    WHY_EXPECT,
    WHY_SHORT,
    WHY_COUNT
};
struct reader_refusal {
    int status;
    const char *reason; /* of the log */
    const char *code, *detail;
};
const struct reader_refusal *reader_refusal(enum reader_why why);

/* A view into the head that survives its growth. */
struct span {
    uint32_t at, n;
};
struct reader_field {
    struct span name, value;
};

/* Fields that the reader itself knows; each may come once. */
enum reader_known {
    KNOWN_HOST,
    KNOWN_CONTENT_LENGTH,
    KNOWN_TRANSFER_ENCODING,
    KNOWN_CONNECTION, /* this one may be repeated */
    KNOWN_EXPECT,
    KNOWN_CONTENT_TYPE,
    KNOWN_CONTENT_ENCODING,
    KNOWN_AUTHORIZATION,
    KNOWN_COOKIE,
    KNOWN_ORIGIN,
    KNOWN_IDEMPOTENCY_KEY,
    KNOWN_COUNT
};

struct reader_limits {
    size_t head_bytes, body_bytes;
};

struct reader {
    struct reader_limits limits;
    enum reader_state state;
    enum reader_why why;
    struct buf head, body;
    size_t line_at; /* where the line being read begins in head */
    struct span method, path, query;
    struct reader_field fields[READER_FIELDS_MAX];
    unsigned fields_n;
    uint8_t known[KNOWN_COUNT]; /* index + 1 in fields */
    bool http_1_0, close, expect_continue, chunked, discard;
    uint64_t left;      /* of BODY */
    uint64_t body_seen; /* bytes of body so far, also discarded ones */
    struct chunked chunks;
};

void reader_init(struct reader *r, const struct reader_limits *limits);
void reader_clear(struct reader *r);

/* Eats bytes and returns how many; stops at HEAD, DONE and FAULT. */
size_t reader_feed(struct reader *r, struct str in);

/* The input ends here: FAULT, unless the request is whole. */
void reader_cut_short(struct reader *r);

/* At HEAD: go on, keeping the body, or dropping it (at most READER_DISCARD_MAX, then FAULT). */
void reader_body(struct reader *r);
void reader_discard(struct reader *r);
/* At HEAD: a body will follow. */
bool reader_has_body(const struct reader *r);

struct str reader_span(const struct reader *r, struct span s);
/* The first field of this name, the absent string without one. */
struct str reader_header(const struct reader *r, const char *name);
/* The last one: of a list that grows at its end. */
struct str reader_last_header(const struct reader *r, const char *name);
struct str reader_known(const struct reader *r, enum reader_known which);

/* http/target.c: an origin-form target ("/path?query"); spans are relative to t. Refused are other
 * forms, bad escapes, escaped NUL, control, slash and backslash, dot segments, broken UTF-8. */
bool target_check(struct str t, struct span *out_path, struct span *out_query);
/* http/target.c: name or address, with an optional port. */
bool host_check(struct str host);

#endif
