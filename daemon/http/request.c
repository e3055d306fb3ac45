/* http/request.c - what a handler may ask of a request. */
#include <touchline/kit/arena.h>
#include <touchline/kit/urlencoded.h>

#include "http/bytes.h"
#include "http/http_priv.h"

struct arena *http_arena(struct http_request *r) {
    return &r->arena;
}

struct str http_method(const struct http_request *r) {
    return reader_span(&r->reader, r->reader.method);
}

struct str http_path(const struct http_request *r) {
    return reader_span(&r->reader, r->reader.path);
}

struct str http_raw_query(const struct http_request *r) {
    return r->reader.query.at ? reader_span(&r->reader, r->reader.query) : STR_NONE;
}

struct str http_param(const struct http_request *r, const char *name) {
    const struct route *route = r->found.route;
    for (unsigned i = 0; i < route->names_n; i++)
        if (str_is(route->names[i], name))
            return r->found.values[i];
    return STR_NONE;
}

struct str http_header(const struct http_request *r, const char *name) {
    return reader_header(&r->reader, name);
}

static void query_parse(struct http_request *r) {
    struct str raw = http_raw_query(r);
    r->query = arena_new(&r->arena, QUERY_PARAMS_MAX * sizeof *r->query);
    if (raw.n && !urlencoded_parse(&r->arena, raw, r->query, QUERY_PARAMS_MAX, &r->query_n, NULL))
        r->query_n = 0; /* refused at the door: check_query counts */
}

struct str http_query(struct http_request *r, const char *name) {
    if (!r->query)
        query_parse(r);
    for (size_t i = 0; i < r->query_n; i++)
        if (str_is(r->query[i].name, name))
            return r->query[i].value;
    return STR_NONE;
}

/* Digits with an optional minus, within 64 bits. */
static bool read_int(struct str s, int64_t *out) {
    bool minus = s.n && s.p[0] == '-';
    struct str digits = str_from(s, minus);
    int64_t value = 0;
    if (!digits.n || digits.n > 18 || !bytes_all(digits, BYTE_DIGIT))
        return false;
    for (size_t i = 0; i < digits.n; i++)
        value = value * 10 + (digits.p[i] - '0');
    *out = minus ? -value : value;
    return true;
}

bool http_query_int(struct http_request *r, const char *name, int64_t def, int64_t min, int64_t max,
                    int64_t *out) {
    struct str text = http_query(r, name);
    int64_t value = def;
    if (text.p && (!read_int(text, &value) || value < min || value > max))
        return false;
    *out = value;
    return true;
}

struct str http_body(const struct http_request *r) {
    return buf_str(&r->reader.body);
}

struct str http_peer(const struct http_request *r) {
    return str_c(r->peer_text);
}

bool http_peer_is_loopback(const struct http_request *r) {
    return address_is_loopback(&r->peer);
}

struct str http_url(struct http_request *r) {
    struct str host = reader_known(&r->reader, KNOWN_HOST), query = http_raw_query(r);
    return arena_strf(&r->arena, "http%s://%.*s%.*s%s%.*s", r->secure ? "s" : "", STR_ARG(host),
                      STR_ARG(http_path(r)), query.p ? "?" : "", STR_ARG(query));
}

const struct http_who *http_who(const struct http_request *r) {
    return &r->who;
}

int64_t http_received_ms(const struct http_request *r) {
    return r->received_ms;
}

void http_set_data(struct http_request *r, void *data) {
    r->data = data;
}

void *http_data(const struct http_request *r) {
    return r->data;
}

const uint8_t *http_token_hash(const struct http_request *r) {
    return r->has_token ? r->token_hash : NULL;
}
