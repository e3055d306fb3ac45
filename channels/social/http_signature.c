/* social/http_signature.c - see http_signature.h. Windows as Mastodon has them
 * (EXPIRATION_WINDOW_LIMIT, CLOCK_SKEW_MARGIN). */
#include "http_signature.h"

#include <stdlib.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>

enum {
    PAST_MS = 12 * 3600 * 1000,
    FUTURE_MS = 3600 * 1000,
    BASE_MAX = 64 * 1024,
    PARTS_MAX = 32,
    SIGNATURE_BYTES_MAX = 2048,
};

struct part {
    struct str name, value;
};

static struct str lower(struct arena *a, struct str s) {
    s = arena_str(a, s);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            ((char *)s.p)[i] = (char)(s.p[i] + 'a' - 'A');
    return s;
}

static bool fresh(const struct hook_call *call, int64_t at_ms) {
    return call->now_ms - at_ms <= PAST_MS && at_ms - call->now_ms <= FUTURE_MS;
}

/* Seconds of a parameter. */
static bool fresh_seconds(const struct hook_call *call, struct str s) {
    char text[24];
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    long long v = strtoll(text, &end, 10);
    return *end == '\0' && v > 0 && v < 253402300799 && fresh(call, v * 1000);
}

/* What an absent `expires` says nothing against. */
static bool not_expired(const struct hook_call *call, struct str s) {
    char text[24];
    if (!s.p)
        return true;
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return strtoll(text, NULL, 10) > call->now_ms / 1000 - FUTURE_MS / 1000;
}

static struct str part_of(const struct part *parts, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_is_nocase(parts[i].name, name))
            return parts[i].value;
    return STR_NONE;
}

static bool take_signature(struct arena *a, struct str coded, struct http_signature *out) {
    cleanup(buf_clear) struct buf bytes;
    buf_init(&bytes, SIGNATURE_BYTES_MAX);
    if (!coded.n || !base64_decode(&bytes, coded, true) || !bytes.n)
        return false;
    out->signature = arena_str(a, buf_str(&bytes));
    return true;
}

/* "SHA-256=…" among others, or "sha-256=:…:". */
static bool digest_fits(struct str header, struct str body) {
    uint8_t digest[SHA256_BYTES];
    sha256(body, digest);
    while (header.p) {
        struct str one = str_trim(str_cut(&header, ','));
        struct str name = str_cut(&one, '=');
        cleanup(buf_clear) struct buf given;
        buf_init(&given, 200);
        if (!str_is_nocase(str_trim(name), "sha-256") || !one.p)
            continue;
        one = str_trim(one);
        if (one.n >= 2 && one.p[0] == ':' && one.p[one.n - 1] == ':')
            one = str_make(one.p + 1, one.n - 2);
        return base64_decode(&given, one, true) &&
               bytes_equal(buf_str(&given), str_make((const char *)digest, sizeof digest));
    }
    return false;
}

/* The path as the other side called it. */
static struct str target_of(struct hook_call *call) {
    struct str url = hook_url(call);
    const char *scheme = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    const char *path =
        scheme ? memchr(scheme + 3, '/', url.n - (size_t)(scheme + 3 - url.p)) : NULL;
    return path ? str_make(path, url.n - (size_t)(path - url.p)) : str_c("/");
}

static struct str authority_of(struct hook_call *call) {
    struct str url = hook_url(call);
    const char *scheme = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    if (!scheme || !call->config->url.n)
        return lower(call->arena, hook_header(call, "Host"));
    struct str rest = str_from(url, (size_t)(scheme + 3 - url.p));
    return lower(call->arena, str_cut(&rest, '/'));
}

/* ---- draft-cavage-12 ---- */

/* name="value" or name=value, by commas. */
static size_t cavage_parts(struct str header, struct part *out) {
    size_t n = 0;
    while (header.n && n < PARTS_MAX) {
        struct str name = str_trim(str_cut(&header, '=')), value;
        if (!header.p)
            break;
        if (header.n && header.p[0] == '"') {
            header = str_from(header, 1);
            value = str_cut(&header, '"');
            (void)str_cut(&header, ',');
        } else {
            value = str_trim(str_cut(&header, ','));
        }
        out[n++] = (struct part){name, value};
    }
    return n;
}

static bool cavage_line(struct hook_call *call, const struct part *parts, size_t n, struct str name,
                        struct buf *out) {
    struct str value;
    if (str_is(name, "(request-target)")) {
        struct str method = lower(call->arena, call->method);
        return buf_addf(out, "(request-target): %.*s %.*s", STR_ARG(method),
                        STR_ARG(target_of(call)));
    }
    if (str_is(name, "(created)") || str_is(name, "(expires)"))
        value = part_of(parts, n, str_is(name, "(created)") ? "created" : "expires");
    else
        value = str_is(name, "host") && call->config->url.n
                    ? authority_of(call)
                    : hook_header(call, arena_str(call->arena, name).p);
    return value.p && buf_addf(out, "%.*s: %.*s", STR_ARG(name), STR_ARG(str_trim(value)));
}

static enum http_signature_verdict cavage_read(struct hook_call *call, struct str header,
                                               struct http_signature *out) {
    struct part parts[PARTS_MAX];
    size_t n = cavage_parts(header, parts);
    struct str list = part_of(parts, n, "headers"), date = hook_header(call, "Date");
    struct str rest = lower(call->arena, list);
    bool target = false, digest = !call->body.n, dated = false, created = false;
    cleanup(buf_clear) struct buf base;
    int64_t at_ms;
    buf_init(&base, BASE_MAX);
    out->key_id = part_of(parts, n, "keyId");
    out->algorithm = part_of(parts, n, "algorithm");
    if (!out->key_id.n || !list.n ||
        !take_signature(call->arena, part_of(parts, n, "signature"), out))
        return HTTP_SIGNATURE_BAD;
    while (rest.p) {
        struct str name = str_cut(&rest, ' ');
        if (!name.n)
            continue;
        target |= str_is(name, "(request-target)");
        digest |= str_is(name, "digest");
        dated |= str_is(name, "date");
        created |= str_is(name, "(created)");
        if ((base.n && !buf_add_byte(&base, '\n')) || !cavage_line(call, parts, n, name, &base))
            return HTTP_SIGNATURE_BAD;
    }
    if (!target || !digest || !(dated || created))
        return HTTP_SIGNATURE_BAD;
    out->base = arena_str(call->arena, buf_str(&base));
    bool timely = dated ? date_parse_mail(date, &at_ms) && fresh(call, at_ms)
                        : fresh_seconds(call, part_of(parts, n, "created"));
    if (!timely || !not_expired(call, part_of(parts, n, "expires")))
        return HTTP_SIGNATURE_STALE;
    if (call->body.n && !digest_fits(hook_header(call, "Digest"), call->body))
        return HTTP_SIGNATURE_DIGEST;
    return HTTP_SIGNATURE_READ;
}

/* ---- RFC 9421 ---- */

struct component_fact {
    bool method, target, digest;
};

static bool component_value(struct hook_call *call, struct str name, struct str *out,
                            struct component_fact *fact) {
    struct str target = target_of(call), path = target;
    ptrdiff_t query = str_find(target, '?');
    if (query >= 0)
        path = str_upto(target, (size_t)query);
    fact->method |= str_is(name, "@method");
    fact->target |=
        str_is(name, "@target-uri") || str_is(name, "@path") || str_is(name, "@request-target");
    fact->digest |= str_is(name, "content-digest");
    if (str_is(name, "@method"))
        *out = call->method;
    else if (str_is(name, "@target-uri"))
        *out = hook_url(call);
    else if (str_is(name, "@authority"))
        *out = authority_of(call);
    else if (str_is(name, "@request-target"))
        *out = target;
    else if (str_is(name, "@path"))
        *out = path;
    else if (str_is(name, "@query"))
        *out = query >= 0 ? str_from(target, (size_t)query) : str_c("?");
    else if (str_is(name, "@scheme"))
        *out =
            str_starts(hook_url(call), (struct str)STR("https")) ? str_c("https") : str_c("http");
    else if (name.n && name.p[0] != '@')
        *out = str_trim(hook_header(call, arena_str(call->arena, name).p));
    else
        return false;
    return out->p != NULL;
}

/* ("@method" "date" …): each into a line of the base. `in` stands behind the bracket and is left
 * behind the closing one. Components with parameters of their own are not understood. */
static bool components(struct hook_call *call, struct str *in, struct buf *base,
                       struct component_fact *fact) {
    while (in->n) {
        struct str name, value;
        *in = str_trim(*in);
        if (in->n && in->p[0] == ')') {
            *in = str_from(*in, 1);
            return true;
        }
        if (!in->n || in->p[0] != '"')
            return false;
        *in = str_from(*in, 1);
        name = str_cut(in, '"');
        if (!in->p || !name.n || (in->n && in->p[0] == ';') ||
            !component_value(call, name, &value, fact) ||
            !buf_addf(base, "\"%.*s\": %.*s\n", STR_ARG(name), STR_ARG(value)))
            return false;
    }
    return false;
}

/* ;created=1;keyid="…" */
static size_t structured_parts(struct str in, struct part *out) {
    size_t n = 0;
    (void)str_cut(&in, ';');
    while (in.n && n < PARTS_MAX) {
        struct str name = str_trim(str_cut(&in, '=')), value;
        if (!in.p)
            break;
        if (in.n && in.p[0] == '"') {
            in = str_from(in, 1);
            value = str_cut(&in, '"');
            (void)str_cut(&in, ';');
        } else {
            value = str_trim(str_cut(&in, ';'));
        }
        out[n++] = (struct part){name, value};
    }
    return n;
}

/* label=:base64: */
static struct str labelled(struct str header, struct str label) {
    while (header.p) {
        struct str one = str_trim(str_cut(&header, ','));
        struct str name = str_cut(&one, '=');
        one = str_trim(one);
        if (str_eq(str_trim(name), label) && one.n >= 2 && one.p[0] == ':' &&
            one.p[one.n - 1] == ':')
            return str_make(one.p + 1, one.n - 2);
    }
    return STR_NONE;
}

/* The end of the first member of the dictionary: a comma outside of quotes and brackets. */
static struct str first_member(struct str header) {
    bool quoted = false, inner = false;
    for (size_t i = 0; i < header.n; i++) {
        char c = header.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '(' || c == ')'))
            inner = c == '(';
        else if (!quoted && !inner && c == ',')
            return str_upto(header, i);
    }
    return header;
}

static enum http_signature_verdict message_read(struct hook_call *call, struct str input,
                                                struct http_signature *out) {
    struct part parts[PARTS_MAX];
    struct component_fact fact = {.digest = !call->body.n};
    cleanup(buf_clear) struct buf base;
    struct str member = str_trim(first_member(input)), label = str_trim(str_cut(&member, '='));
    struct str params = str_trim(member), rest = str_from(params, 1);
    buf_init(&base, BASE_MAX);
    if (!params.n || params.p[0] != '(' || !components(call, &rest, &base, &fact) ||
        !take_signature(call->arena, labelled(hook_header(call, "Signature"), label), out) ||
        !buf_addf(&base, "\"@signature-params\": %.*s", STR_ARG(params)))
        return HTTP_SIGNATURE_BAD;
    size_t n = structured_parts(rest, parts);
    out->key_id = part_of(parts, n, "keyid");
    out->algorithm = part_of(parts, n, "alg");
    out->base = arena_str(call->arena, buf_str(&base));
    if (!out->key_id.n || !fact.method || !fact.target || !fact.digest)
        return HTTP_SIGNATURE_BAD;
    if (!fresh_seconds(call, part_of(parts, n, "created")) ||
        !not_expired(call, part_of(parts, n, "expires")))
        return HTTP_SIGNATURE_STALE;
    if (call->body.n && !digest_fits(hook_header(call, "Content-Digest"), call->body))
        return HTTP_SIGNATURE_DIGEST;
    return HTTP_SIGNATURE_READ;
}

enum http_signature_verdict http_signature_read(struct hook_call *call,
                                                struct http_signature *out) {
    struct str input = hook_header(call, "Signature-Input"),
               header = hook_header(call, "Signature");
    *out = (struct http_signature){0};
    if (input.n)
        return message_read(call, input, out);
    return header.n ? cavage_read(call, header, out) : HTTP_SIGNATURE_BAD;
}
