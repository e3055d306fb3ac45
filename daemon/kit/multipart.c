/* kit/multipart.c - multipart/form-data, one pass over bytes that are all there.
 *
 *   [preamble CRLF] --B CRLF headers CRLF CRLF body CRLF --B ... CRLF --B-- [epilogue]
 *
 * Only CRLF ends a line: with bare LF two readers could see two different forms.
 */
#include <touchline/kit/multipart.h>

#include <stdio.h>
#include <string.h>

#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

enum { BOUNDARY_MAX = 70, HEADERS_MAX = 8 * 1024 };

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str skip_space(struct str s) {
    while (s.n && is_space(s.p[0]))
        s = str_from(s, 1);
    return s;
}

/* A quoted string at *rest; only \" is an escape, since browsers send paths with backslashes. */
static bool take_quoted(struct arena *a, struct str *rest, struct str *out) {
    char *to = arena_new(a, rest->n);
    size_t n = 0;
    for (size_t i = 1; i < rest->n; i++) {
        char c = rest->p[i];
        if (c == '"') {
            *rest = str_from(*rest, i + 1);
            *out = str_make(to, n);
            return true;
        }
        if (c == '\\' && i + 1 < rest->n && rest->p[i + 1] == '"')
            c = rest->p[++i];
        to[n++] = c;
    }
    return false;
}

/* Takes "; name=value" off the front. *out_name absent: no more. false: malformed. */
static bool take_param(struct arena *a, struct str *rest, struct str *out_name, struct str *out) {
    *out_name = STR_NONE;
    *rest = skip_space(*rest);
    while (rest->n && rest->p[0] == ';')
        *rest = skip_space(str_from(*rest, 1));
    if (!rest->n)
        return true;
    ptrdiff_t equals = str_find(*rest, '=');
    if (equals <= 0)
        return false;
    struct str name = str_trim(str_upto(*rest, (size_t)equals));
    *rest = skip_space(str_from(*rest, (size_t)equals + 1));
    if (rest->n && rest->p[0] == '"') {
        if (!take_quoted(a, rest, out))
            return false;
    } else {
        size_t n = 0;
        while (n < rest->n && rest->p[n] != ';')
            n++;
        *out = str_trim(str_upto(*rest, n));
        *rest = str_from(*rest, n);
    }
    *rest = skip_space(*rest);
    *out_name = name;
    return !rest->n || rest->p[0] == ';';
}

static bool find_boundary(struct arena *a, struct str content_type, struct str *out,
                          struct fault *f) {
    static const char place[] = "Content-Type";
    struct str rest = content_type, name, value, found = STR_NONE;
    ptrdiff_t semicolon = str_find(rest, ';');
    struct str type = str_trim(str_upto(rest, semicolon < 0 ? rest.n : (size_t)semicolon));
    if (!str_is_nocase(type, "multipart/form-data"))
        return fault_set(f, FAULT_INPUT, place, "is not multipart/form-data");
    rest = semicolon < 0 ? STR_NONE : str_from(rest, (size_t)semicolon);
    for (;;) {
        if (!take_param(a, &rest, &name, &value))
            return fault_set(f, FAULT_INPUT, place, "malformed parameter");
        if (!name.p)
            break;
        if (!str_is_nocase(name, "boundary"))
            continue;
        if (found.p)
            return fault_set(f, FAULT_INPUT, place, "two boundaries");
        found = value;
    }
    if (!found.n || found.n > BOUNDARY_MAX || found.p[found.n - 1] == ' ')
        return fault_set(f, FAULT_INPUT, place, "needs a boundary of 1 to %d characters",
                         BOUNDARY_MAX);
    for (size_t i = 0; i < found.n; i++)
        if (found.p[i] < 0x20 || found.p[i] > 0x7e)
            return fault_set(f, FAULT_INPUT, place, "boundary with a character not allowed");
    *out = found;
    return true;
}

struct delimiter {
    size_t at;    /* where the part before it ends (its CRLF belongs to the delimiter) */
    size_t after; /* first byte behind its line */
    bool last;
};

/* What stands behind "--boundary" decides whether it is a delimiter at all. */
static bool ends_line(struct str body, size_t at, struct delimiter *d) {
    struct str tail = str_from(body, at);
    d->last = tail.n >= 2 && tail.p[0] == '-' && tail.p[1] == '-';
    size_t i = d->last ? 2 : 0;
    while (i < tail.n && (tail.p[i] == ' ' || tail.p[i] == '\t'))
        i++;
    d->after = at + i + 2;
    if (d->last && i == tail.n)
        return true;
    return tail.n - i >= 2 && tail.p[i] == '\r' && tail.p[i + 1] == '\n';
}

/* The next delimiter at or after `from`; the body's start counts as the start of a line. line is
 * CRLF, two hyphens, boundary. */
static bool find_delimiter(struct str body, size_t from, struct str line, struct delimiter *out) {
    if (from == 0 && str_starts(body, str_from(line, 2)) && ends_line(body, line.n - 2, out)) {
        out->at = 0;
        return true;
    }
    while (from < body.n) {
        const char *p = memmem(body.p + from, body.n - from, line.p, line.n);
        if (!p)
            return false;
        out->at = (size_t)(p - body.p);
        if (ends_line(body, out->at + line.n, out))
            return true;
        from = out->at + 2;
    }
    return false;
}

/* Name or file name as browsers write it: %22 %0D %0A undone (WHATWG HTML, multipart encoding). */
static struct str undo_escapes(struct arena *a, struct str s, bool drop_controls) {
    static const char *const escapes[] = {"%22", "%0D", "%0A"};
    static const char bytes[] = "\"\r\n";
    cleanup(buf_clear) struct buf plain;
    cleanup(buf_clear) struct buf mended;
    buf_init(&plain, s.n);
    buf_init(&mended, s.n * 3);
    bool ok = true;
    for (size_t i = 0; ok && i < s.n; i++) {
        char c = s.p[i];
        for (size_t k = 0; c == '%' && k < COUNT(escapes); k++)
            if (str_eq_nocase(str_upto(str_from(s, i), 3), str_c(escapes[k]))) {
                c = bytes[k];
                i += 2;
            }
        if (!drop_controls || ((unsigned char)c >= 0x20 && c != 0x7f))
            ok = buf_add_byte(&plain, c);
    }
    ok = ok && utf8_mend(&mended, buf_str(&plain));
    return arena_str(a, ok ? buf_str(&mended) : str_make("", 0));
}

static struct str clean_filename(struct arena *a, struct str s) {
    s = undo_escapes(a, s, true);
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == '/' || s.p[i - 1] == '\\')
            return str_from(s, i);
    return s;
}

/* filename*=UTF-8''%e2%82%ac (RFC 8187); another charset leaves plain `filename` in force. */
static struct str extended_filename(struct arena *a, struct str value) {
    cleanup(buf_clear) struct buf decoded;
    buf_init(&decoded, value.n);
    struct str charset = str_cut(&value, '\'');
    str_cut(&value, '\''); /* the language */
    if (!value.p || !str_is_nocase(charset, "utf-8") || !percent_decode(&decoded, value))
        return STR_NONE;
    return clean_filename(a, buf_str(&decoded));
}

static bool read_disposition(struct arena *a, struct str value, struct multipart_part *part) {
    struct str name, v, extended = STR_NONE;
    ptrdiff_t semicolon = str_find(value, ';');
    struct str kind = str_trim(str_upto(value, semicolon < 0 ? value.n : (size_t)semicolon));
    if (part->name.p || semicolon < 0 || !str_is_nocase(kind, "form-data"))
        return false;
    value = str_from(value, (size_t)semicolon);
    for (;;) {
        if (!take_param(a, &value, &name, &v))
            return false;
        if (!name.p)
            break;
        if (str_is_nocase(name, "name")) {
            if (part->name.p)
                return false;
            part->name = undo_escapes(a, v, false);
        } else if (str_is_nocase(name, "filename")) {
            if (part->filename.p)
                return false;
            part->filename = clean_filename(a, v);
        } else if (str_is_nocase(name, "filename*")) {
            extended = extended_filename(a, v);
        }
    }
    if (extended.p)
        part->filename = extended;
    return part->name.p != NULL;
}

static struct str media_type(struct arena *a, struct str value) {
    struct str type = str_trim(str_cut(&value, ';'));
    char *p = arena_new(a, type.n + 1);
    for (size_t i = 0; i < type.n; i++)
        p[i] = type.p[i] >= 'A' && type.p[i] <= 'Z' ? (char)(type.p[i] | 0x20) : type.p[i];
    return str_make(p, type.n);
}

/* One header, folded lines included, off the front of *block. false: no field name, stray CR or LF.
 */
static bool take_header(struct str *block, struct str *name, struct str *value) {
    size_t end = 0;
    for (;;) {
        const char *crlf = memmem(block->p + end, block->n - end, "\r\n", 2);
        if (!crlf)
            return false;
        end = (size_t)(crlf - block->p) + 2;
        if (end == block->n || (block->p[end] != ' ' && block->p[end] != '\t'))
            break;
    }
    struct str line = str_upto(*block, end - 2);
    *block = str_from(*block, end);
    for (size_t i = 0; i < line.n; i++) {
        bool folded = line.p[i] == '\r' && i + 1 < line.n && line.p[i + 1] == '\n';
        if (folded)
            i++;
        else if (line.p[i] == '\r' || line.p[i] == '\n' || !line.p[i])
            return false;
    }
    ptrdiff_t colon = str_find(line, ':');
    if (colon <= 0)
        return false;
    *name = str_upto(line, (size_t)colon);
    *value = str_trim(str_from(line, (size_t)colon + 1));
    return true;
}

/* The header block that starts at `from`; *out_body is where the content starts. */
static bool read_headers(struct arena *a, struct str body, size_t from, struct multipart_part *part,
                         size_t *out_body, const char *place, struct fault *f) {
    struct str rest = str_from(body, from), window = str_upto(rest, HEADERS_MAX);
    const char *end = window.n ? memmem(window.p, window.n, "\r\n\r\n", 4) : NULL;
    if (!end)
        return fault_set(f, FAULT_INPUT, place, "headers without an end within %d bytes",
                         HEADERS_MAX);
    struct str block = str_make(rest.p, (size_t)(end - rest.p) + 2);
    while (block.n) {
        struct str name, value;
        if (!take_header(&block, &name, &value))
            return fault_set(f, FAULT_INPUT, place, "malformed header");
        if (str_is_nocase(name, "Content-Disposition")) {
            if (!read_disposition(a, value, part))
                return fault_set(f, FAULT_INPUT, place, "malformed Content-Disposition");
        } else if (str_is_nocase(name, "Content-Type")) {
            part->type = media_type(a, value);
        }
    }
    if (!part->name.p)
        return fault_set(f, FAULT_INPUT, place, "no name");
    if (str_starts(part->type, (struct str)STR("multipart/")))
        return fault_set(f, FAULT_INPUT, place, "nested multipart is not taken");
    *out_body = (size_t)(end - body.p) + 4;
    return true;
}

bool multipart_parse(struct arena *a, struct str content_type, struct str body,
                     struct multipart_part *out, size_t max, size_t *out_n, struct fault *f) {
    struct str boundary;
    struct delimiter d;
    size_t n = 0;
    if (!find_boundary(a, content_type, &boundary, f))
        return false;
    struct str line = arena_strf(a, "\r\n--%.*s", STR_ARG(boundary));
    if (!find_delimiter(body, 0, line, &d))
        return fault_set(f, FAULT_INPUT, "", "the boundary does not occur");
    if (d.last && d.at)
        return fault_set(f, FAULT_INPUT, "", "no part before the closing delimiter");
    while (!d.last) {
        if (n == max)
            return fault_set(f, FAULT_INPUT, MULTIPART_MANY, "more than %zu parts", max);
        char place[32];
        snprintf(place, sizeof place, "part %zu", n + 1);
        struct multipart_part part = {0};
        size_t from;
        if (!read_headers(a, body, d.after, &part, &from, place, f))
            return false;
        /* The headers' last CRLF may be the delimiter's as well: a part without content. */
        if (!find_delimiter(body, from - 2, line, &d))
            return fault_set(f, FAULT_INPUT, place, "no closing delimiter");
        part.body = str_make(body.p + from, d.at > from ? d.at - from : 0);
        out[n++] = part;
    }
    *out_n = n;
    return true;
}
