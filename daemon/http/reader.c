/* http/reader.c - the strict reader: lines into a head, a head into a request, a body after it.
 *
 * The head is copied line by line into one buffer, so that fields are views into it and a head that
 * comes in pieces costs no second look at what was read.
 */
#include "http/reader.h"

#include "http/bytes.h"

static const struct reader_refusal refusals[WHY_COUNT] = {
    [WHY_NONE] = {400, "none", "bad-request", "The request cannot be read."},
    [WHY_LINE] = {400, "line", "bad-request-line",
                  "The request line is not METHOD TARGET HTTP/1.1."},
    [WHY_VERSION] = {505, "version", "version-not-supported",
                     "Only HTTP/1.1 and HTTP/1.0 are spoken here."},
    [WHY_METHOD] = {501, "method", "method-not-implemented", "This method is not known here."},
    [WHY_TARGET_LONG] = {414, "limit", "target-too-long",
                         "The request target is longer than 8192 bytes."},
    [WHY_PATH] = {400, "path", "bad-target",
                  "The request target is not a plain path with a query."},
    [WHY_HEADER_SYNTAX] = {400, "header_syntax", "bad-header", "A header line is malformed."},
    [WHY_HEADER_LIMIT] = {431, "limit", "header-too-large",
                          "The header has too many or too long lines."},
    [WHY_REPEATED] = {400, "repeated", "repeated-header",
                      "A header that may come once came twice."},
    [WHY_HOST] = {400, "host", "bad-host", "Exactly one valid Host header is needed."},
    [WHY_CL_TE] = {400, "cl_te", "bad-framing",
                   "Content-Length and Transfer-Encoding exclude each other."},
    [WHY_CL_DUP] = {400, "cl_dup", "bad-framing", "Content-Length may come once."},
    [WHY_CL_SYNTAX] = {400, "cl_syntax", "bad-framing", "Content-Length is not a plain number."},
    [WHY_TE] = {501, "te", "transfer-coding-not-implemented",
                "The only transfer coding known is chunked."},
    [WHY_CHUNK] = {400, "chunk", "bad-chunk", "The chunked body is malformed."},
    [WHY_TOO_LARGE] = {413, "too_large", "body-too-large", "The body is larger than allowed here."},
    [WHY_EXPECT] = {417, "expect", "expectation-failed",
                    "The only expectation known is 100-continue."},
    [WHY_SHORT] = {400, "short", "truncated-request", "The request ends in its middle."},
};

static const struct known {
    struct str name;
    bool repeatable;
} knowns[KNOWN_COUNT] = {
    [KNOWN_HOST] = {STR("host"), false},
    [KNOWN_CONTENT_LENGTH] = {STR("content-length"), false},
    [KNOWN_TRANSFER_ENCODING] = {STR("transfer-encoding"), false},
    [KNOWN_CONNECTION] = {STR("connection"), true},
    [KNOWN_EXPECT] = {STR("expect"), false},
    [KNOWN_CONTENT_TYPE] = {STR("content-type"), false},
    [KNOWN_CONTENT_ENCODING] = {STR("content-encoding"), false},
    [KNOWN_AUTHORIZATION] = {STR("authorization"), false},
    [KNOWN_COOKIE] = {STR("cookie"), false},
    [KNOWN_ORIGIN] = {STR("origin"), false},
    [KNOWN_IDEMPOTENCY_KEY] = {STR("idempotency-key"), false},
};

/* What we route at all; TRACE and CONNECT are not wanted on any path. */
static const struct str methods[] = {STR("GET"),   STR("POST"),   STR("HEAD"),   STR("PUT"),
                                     STR("PATCH"), STR("DELETE"), STR("OPTIONS")};

const struct reader_refusal *reader_refusal(enum reader_why why) {
    return &refusals[why];
}

static bool refuse(struct reader *r, enum reader_why why) {
    r->state = READER_FAULT;
    r->why = why;
    return false;
}

static struct span span_in(const struct reader *r, struct str s) {
    return (struct span){(uint32_t)(s.p - r->head.p), (uint32_t)s.n};
}

struct str reader_span(const struct reader *r, struct span s) {
    return str_make(r->head.p + s.at, s.n);
}

static bool method_known(struct str method) {
    for (size_t i = 0; i < COUNT(methods); i++)
        if (str_eq(method, methods[i]))
            return true;
    return false;
}

static bool version_read(struct reader *r, struct str version) {
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 ||
        !byte_is(version.p[5], BYTE_DIGIT) || version.p[6] != '.' ||
        !byte_is(version.p[7], BYTE_DIGIT))
        return refuse(r, WHY_LINE);
    if (version.p[5] != '1' || version.p[7] > '1')
        return refuse(r, WHY_VERSION);
    r->http_1_0 = r->close = version.p[7] == '0';
    return true;
}

/* line is without its CRLF. */
static bool request_line(struct reader *r, struct str line) {
    struct str rest = line;
    struct str method = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    if (!rest.p || !target.n || !method.n || !bytes_all(method, BYTE_TOKEN))
        return refuse(r, WHY_LINE);
    if (!version_read(r, rest))
        return false;
    if (!method_known(method))
        return refuse(r, WHY_METHOD);
    if (target.n > READER_TARGET_MAX)
        return refuse(r, WHY_TARGET_LONG);
    if (!target_check(target, &r->path, &r->query))
        return refuse(r, WHY_PATH);
    r->method = span_in(r, method);
    r->path.at += span_in(r, target).at;
    if (r->query.at)
        r->query.at += span_in(r, target).at;
    r->state = READER_FIELDS;
    return true;
}

static bool list_has(struct str list, const char *word) {
    while (list.p)
        if (str_is_nocase(str_trim(str_cut(&list, ',')), word))
            return true;
    return false;
}

static bool repeated(struct reader *r, enum reader_known which) {
    switch (which) {
    case KNOWN_HOST:
        return refuse(r, WHY_HOST);
    case KNOWN_CONTENT_LENGTH:
        return refuse(r, WHY_CL_DUP);
    case KNOWN_TRANSFER_ENCODING:
        return refuse(r, WHY_TE);
    default:
        return knowns[which].repeatable || refuse(r, WHY_REPEATED);
    }
}

static bool field_known(struct reader *r, struct str name, struct str value) {
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (!str_eq_nocase(name, knowns[i].name))
            continue;
        if (r->known[i] && !repeated(r, (enum reader_known)i))
            return false;
        r->known[i] = (uint8_t)(r->fields_n + 1);
        if (i == KNOWN_CONNECTION && list_has(value, "close"))
            r->close = true;
        break;
    }
    return true;
}

static struct str blanks_off(struct str v) {
    while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
        v = str_from(v, 1);
    while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
        v.n--;
    return v;
}

static bool field_line(struct reader *r, struct str line) {
    struct str value = line, name = str_cut(&value, ':');
    if (!value.p || !name.n || !bytes_all(name, BYTE_TOKEN) || !bytes_all(value, BYTE_VALUE))
        return refuse(r, WHY_HEADER_SYNTAX);
    if (r->fields_n == READER_FIELDS_MAX)
        return refuse(r, WHY_HEADER_LIMIT);
    value = blanks_off(value);
    if (!field_known(r, name, value))
        return false;
    r->fields[r->fields_n++] = (struct reader_field){span_in(r, name), span_in(r, value)};
    return true;
}

static bool length_read(struct reader *r) {
    struct str text = reader_known(r, KNOWN_CONTENT_LENGTH);
    if (!text.n || !bytes_all(text, BYTE_DIGIT))
        return refuse(r, WHY_CL_SYNTAX);
    for (size_t i = 0; i < text.n; i++) {
        if (r->left > UINT64_MAX / 10 - 1)
            return refuse(r, WHY_TOO_LARGE);
        r->left = r->left * 10 + (uint64_t)(text.p[i] - '0');
    }
    return r->left <= r->limits.body_bytes || refuse(r, WHY_TOO_LARGE);
}

/* How long the body is, said in one way only (RFC 9112 6). */
static bool framing_read(struct reader *r) {
    bool sized = r->known[KNOWN_CONTENT_LENGTH], coded = r->known[KNOWN_TRANSFER_ENCODING];
    if (sized && coded)
        return refuse(r, WHY_CL_TE);
    if (coded) {
        if (r->http_1_0 || !str_is_nocase(reader_known(r, KNOWN_TRANSFER_ENCODING), "chunked"))
            return refuse(r, WHY_TE);
        r->chunked = true;
        chunked_init(&r->chunks);
    }
    return !sized || length_read(r);
}

static bool head_end(struct reader *r) {
    if (!r->known[KNOWN_HOST] ? !r->http_1_0 : !host_check(reader_known(r, KNOWN_HOST)))
        return refuse(r, WHY_HOST);
    if (!framing_read(r))
        return false;
    if (r->known[KNOWN_EXPECT] && !r->http_1_0) {
        if (!str_is_nocase(reader_known(r, KNOWN_EXPECT), "100-continue"))
            return refuse(r, WHY_EXPECT);
        r->expect_continue = reader_has_body(r);
    }
    r->state = READER_HEAD;
    return true;
}

/* One line stands in head, from line_at on, with its LF. */
static bool line_end(struct reader *r) {
    struct str line = str_make(r->head.p + r->line_at, r->head.n - r->line_at - 1);
    bool in_fields = r->state == READER_FIELDS;
    if (!line.n || line.p[line.n - 1] != '\r')
        return refuse(r, in_fields ? WHY_HEADER_SYNTAX : WHY_LINE);
    line.n--;
    bool first = r->line_at == 0;
    r->line_at = r->head.n;
    if (in_fields)
        return line.n ? field_line(r, line) : head_end(r);
    /* RFC 9112 2.2: one empty line before a request is forgiven. */
    return (first && !line.n) || request_line(r, line);
}

/* Adds bytes to the head within its bounds. */
static bool head_add(struct reader *r, struct str piece) {
    enum { LONGEST = READER_METHOD_MAX + READER_TARGET_MAX + sizeof " HTTP/1.1\r\n" };
    bool in_line = r->state == READER_LINE;
    if (!buf_add(&r->head, piece))
        return refuse(r, in_line ? WHY_TARGET_LONG : WHY_HEADER_LIMIT);
    if (in_line && r->head.n - r->line_at > LONGEST)
        return refuse(r, WHY_TARGET_LONG);
    return true;
}

static size_t feed_head(struct reader *r, struct str in) {
    size_t eaten = 0;
    while (eaten < in.n && (r->state == READER_LINE || r->state == READER_FIELDS)) {
        struct str rest = str_from(in, eaten);
        ptrdiff_t lf = str_find(rest, '\n');
        struct str piece = lf < 0 ? rest : str_upto(rest, (size_t)lf + 1);
        eaten += piece.n;
        if (!head_add(r, piece) || (lf >= 0 && !line_end(r)))
            break;
    }
    return eaten;
}

static bool body_add(struct reader *r, struct str piece) {
    r->body_seen += piece.n;
    if (r->discard)
        return r->body_seen <= READER_DISCARD_MAX || refuse(r, WHY_TOO_LARGE);
    return buf_add(&r->body, piece) || refuse(r, WHY_TOO_LARGE);
}

static size_t feed_body(struct reader *r, struct str in) {
    struct str piece = str_upto(in, r->left < in.n ? (size_t)r->left : in.n);
    r->left -= piece.n;
    if (body_add(r, piece) && !r->left)
        r->state = READER_DONE;
    return piece.n;
}

static size_t feed_chunks(struct reader *r, struct str in) {
    struct str rest = in, piece;
    for (;;) {
        switch (chunked_next(&r->chunks, &rest, &piece)) {
        case CHUNKED_MORE:
            return in.n;
        case CHUNKED_SIZED:
            if (r->chunks.left > r->limits.body_bytes - r->body_seen && !refuse(r, WHY_TOO_LARGE))
                return in.n - rest.n;
            break;
        case CHUNKED_DATA:
            if (!body_add(r, piece))
                return in.n - rest.n;
            break;
        case CHUNKED_DONE:
            r->state = READER_DONE;
            return in.n - rest.n;
        case CHUNKED_BAD:
            refuse(r, WHY_CHUNK);
            return in.n - rest.n;
        }
    }
}

void reader_init(struct reader *r, const struct reader_limits *limits) {
    memset(r, 0, offsetof(struct reader, fields));
    r->limits = *limits;
    r->fields_n = 0;
    memset(r->known, 0, sizeof(struct reader) - offsetof(struct reader, known));
    buf_init(&r->head, limits->head_bytes);
    buf_init(&r->body, limits->body_bytes);
}

void reader_clear(struct reader *r) {
    buf_clear(&r->head);
    buf_clear(&r->body);
}

size_t reader_feed(struct reader *r, struct str in) {
    size_t eaten = 0, before;
    do {
        before = eaten;
        struct str rest = str_from(in, eaten);
        if (!rest.n)
            break;
        switch (r->state) {
        case READER_LINE:
        case READER_FIELDS:
            eaten += feed_head(r, rest);
            break;
        case READER_BODY:
            eaten += feed_body(r, rest);
            break;
        case READER_CHUNKS:
            eaten += feed_chunks(r, rest);
            break;
        case READER_HEAD:
        case READER_DONE:
        case READER_FAULT:
            break;
        }
    } while (eaten > before);
    return eaten;
}

void reader_cut_short(struct reader *r) {
    if (r->state != READER_DONE && r->state != READER_FAULT)
        refuse(r, WHY_SHORT);
}

bool reader_has_body(const struct reader *r) {
    return r->chunked || r->left;
}

void reader_body(struct reader *r) {
    assert(r->state == READER_HEAD);
    r->state = r->chunked ? READER_CHUNKS : r->left ? READER_BODY : READER_DONE;
}

void reader_discard(struct reader *r) {
    r->discard = true;
    reader_body(r);
}

struct str reader_header(const struct reader *r, const char *name) {
    struct str wanted = str_c(name);
    for (unsigned i = 0; i < r->fields_n; i++)
        if (str_eq_nocase(reader_span(r, r->fields[i].name), wanted))
            return reader_span(r, r->fields[i].value);
    return STR_NONE;
}

struct str reader_last_header(const struct reader *r, const char *name) {
    struct str wanted = str_c(name);
    for (unsigned i = r->fields_n; i-- > 0;)
        if (str_eq_nocase(reader_span(r, r->fields[i].name), wanted))
            return reader_span(r, r->fields[i].value);
    return STR_NONE;
}

struct str reader_known(const struct reader *r, enum reader_known which) {
    if (!r->known[which])
        return STR_NONE;
    return reader_span(r, r->fields[r->known[which] - 1].value);
}
