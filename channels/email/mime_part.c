/* mime_part.c - cuts a multipart at its delimiter lines, then each piece that is one itself.
 *
 *   --b          begins a part        The line end in front of a delimiter belongs to it; white space
 *   --b--        ends the last        behind it does not count. Without the last, the part goes as far
 *                                     as the multipart does.
 *
 * The outer delimiters are found first, so an inner multipart that does not end, ends there.
 */
#include "mime_part.h"

#include <ctype.h>

#include "mime.h"

enum {
    TYPE_MAX = 120,
    GUESS_BYTES = 64 * 1024,
    LINES_MAX = 500000, /* of dashes looked at, in all */
    SCANS = 16,         /* of the whole, in all; a real mail takes some three */
};

struct reader {
    struct arena *a;
    struct warnings *warnings;
    struct mime_work *work;
    size_t scan_max_bytes;
};

bool mime_part_is_multipart(const struct mime_part *p) {
    return str_starts(p->type, str_c("multipart/"));
}

/* ---- a part's header ---- */

/* "text/html" out of whatever was written. RFC 2045 5.2: what cannot be read is text/plain. */
static struct str type_of(struct arena *a, struct str word, struct str otherwise) {
    ptrdiff_t slash = str_find(word, '/');
    if (str_is(word, "text") || str_is(word, "text/"))
        return (struct str)STR("text/plain");
    if (str_is(word, "multipart") || str_is(word, "multipart/"))
        return (struct str)STR("multipart/mixed");
    if (str_is(word, "html"))
        return (struct str)STR("text/html");
    if (slash <= 0 || (size_t)slash + 1 == word.n)
        return word.n && slash > 0 ? (struct str)STR("application/octet-stream") : otherwise;
    word = str_upto(word, TYPE_MAX);
    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];
        if (c <= 32 || c >= 127 || (c == '/' && i != (size_t)slash))
            return (struct str)STR("application/octet-stream");
    }
    return arena_str(a, word);
}

static struct str without_brackets(struct arena *a, struct str value) {
    value = str_trim(header_unfold(a, str_upto(value, 1000)));
    if (value.n && value.p[0] == '<')
        value = str_from(value, 1);
    if (value.n && value.p[value.n - 1] == '>')
        value.n--;
    return value.n ? value : STR_NONE;
}

/* Of a field that is there twice the first that says something counts. */
static void take_field(struct arena *a, struct mime_part *p, struct str name, struct str value) {
    if (!str_eq_nocase(str_upto(name, 8), (struct str)STR("Content-")))
        return;
    name = str_from(name, 8);
    if (str_is_nocase(name, "Type") && !p->content.word.n)
        mime_field_read(a, value, &p->content);
    else if (str_is_nocase(name, "Disposition") && !p->disposition.word.n && !p->disposition.n)
        mime_field_read(a, value, &p->disposition);
    else if (str_is_nocase(name, "Transfer-Encoding") && p->coding == MIME_CODING_NONE)
        p->coding = mime_coding_of(str_upto(value, 1000));
    else if (str_is_nocase(name, "ID") && !p->cid.p)
        p->cid = without_brackets(a, value);
    else if (str_is_nocase(name, "Location") && !p->location.p)
        p->location = without_brackets(a, value);
}

static void header_done(struct reader *r, struct mime_part *p, struct str otherwise) {
    p->has_type = p->content.word.n > 0;
    p->type = type_of(r->a, p->content.word, otherwise);
    if (p->coding == MIME_CODING_UNKNOWN)
        warnings_add(r->warnings, "transfer encoding is not known; read as it stands");
}

/* An entity: its fields are taken, the rest is its body. */
static struct mime_part *part_new(struct reader *r, struct str entity, struct str otherwise) {
    struct mime_part *p = arena_new(r->a, sizeof *p);
    struct header_walk walk = {.rest = entity};
    struct header_field field;
    while ((walk.rest.p != entity.p || header_begins(entity)) && header_next(&walk, &field))
        take_field(r->a, p, field.name, field.value);
    p->body = walk.rest;
    p->header = str_upto(entity, (size_t)(walk.rest.p - entity.p));
    header_done(r, p, otherwise);
    return p;
}

/* ---- delimiters ---- */

enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_END };

static struct str trim_end(struct str s) {
    while (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    return s;
}

/* line begins with "--". */
static enum delimiter delimiter_of(struct str line, struct str boundary) {
    line = str_from(trim_end(line), 2);
    if (!str_starts(line, boundary))
        return DELIMITER_NONE;
    line = str_from(line, boundary.n);
    return !line.n ? DELIMITER_PART : str_is(line, "--") ? DELIMITER_END : DELIMITER_NONE;
}

/* Whether the bounds of the whole search allow another look. */
static bool may_scan(struct reader *r) {
    if (r->work->lines <= LINES_MAX && r->work->scanned_bytes <= r->scan_max_bytes)
        return true;
    warnings_add(r->warnings, "parts were not looked for to the end");
    return false;
}

/* The next line from *at on that begins with "--"; *at moves to its begin. False: none. */
static bool dashes_next(struct reader *r, struct str span, size_t *at) {
    struct str rest = str_from(span, *at);
    if (rest.n < 2 || !may_scan(r))
        return false;
    r->work->lines++;
    if ((*at == 0 || span.p[*at - 1] == '\n') && str_starts(rest, str_c("--")))
        return true;
    const char *found = memmem(rest.p, rest.n, "\n--", 3);
    r->work->scanned_bytes += found ? (size_t)(found - rest.p) : rest.n;
    if (found)
        *at = (size_t)(found - span.p) + 1;
    return found != NULL;
}

/* The next delimiter line from *at on. *out_line is the line with its end, *at moves behind it. */
static enum delimiter delimiter_next(struct reader *r, struct str span, struct str boundary,
                                     size_t *at, struct str *out_line) {
    while (dashes_next(r, span, at)) {
        struct str rest = str_from(span, *at), line = header_line(&rest);
        enum delimiter kind = delimiter_of(line, boundary);
        *out_line = str_make(span.p + *at, (size_t)(rest.p - line.p));
        *at += out_line->n;
        if (kind != DELIMITER_NONE)
            return kind;
    }
    return DELIMITER_NONE;
}

/* Without the line end in front of a delimiter. */
static struct str up_to_delimiter(struct str span, size_t from, size_t delimiter) {
    size_t to = delimiter;
    if (to > from && span.p[to - 1] == '\n')
        to--;
    if (to > from && span.p[to - 1] == '\r')
        to--;
    return str_make(span.p + from, to - from);
}

/* No boundary is named, or none of that name stands there: the first line of dashes with a Content-
 * field behind it tells. Absent: nothing does. */
static struct str boundary_guess(struct reader *r, struct str body) {
    struct str span = str_upto(body, GUESS_BYTES);
    size_t at = 0;
    while (dashes_next(r, span, &at)) {
        struct str rest = str_from(span, at), line = trim_end(header_line(&rest));
        at = span.n - rest.n;
        if (line.n > 2 && str_eq_nocase(str_upto(rest, 8), (struct str)STR("Content-")))
            return str_from(line, 2);
    }
    return STR_NONE;
}

static bool boundary_found(struct reader *r, struct str body, struct str boundary) {
    size_t at = 0;
    struct str line;
    return delimiter_next(r, body, boundary, &at, &line) == DELIMITER_PART;
}

/* ---- the tree ---- */

static void split(struct reader *r, struct mime_part *p, unsigned depth);

/* A multipart inside one of the same boundary: their delimiters cannot be told apart. */
static bool is_twin(struct reader *r, const struct mime_part *p, struct str boundary) {
    return mime_part_is_multipart(p) && !str_trim(p->body).n &&
           str_eq(trim_end(mime_field_token(r->a, &p->content, "boundary")), boundary);
}

static void children_read(struct reader *r, struct mime_part *p, struct str boundary,
                          unsigned depth) {
    struct str line, span = p->body;
    struct str type = str_is(p->type, "multipart/digest") ? (struct str)STR("message/rfc822")
                                                          : (struct str)STR("text/plain");
    size_t at = 0;
    enum delimiter kind = delimiter_next(r, span, boundary, &at, &line);
    for (struct mime_part **tail = &p->children; kind == DELIMITER_PART; tail = &(*tail)->next) {
        size_t from = at;
        if (r->work->parts >= MIME_PARTS_MAX) {
            warnings_add(r->warnings, "more parts than are read; the rest was left out");
            return;
        }
        r->work->parts++;
        kind = delimiter_next(r, span, boundary, &at, &line);
        struct mime_part *child =
            part_new(r,
                     kind == DELIMITER_NONE ? str_from(span, from)
                                            : up_to_delimiter(span, from, at - line.n),
                     type);
        if (kind == DELIMITER_PART && is_twin(r, child, boundary)) {
            child->body = str_make(child->body.p, span.n - (size_t)(child->body.p - span.p));
            kind = DELIMITER_END; /* the inner one takes all the rest */
        }
        *tail = child;
        split(r, child, depth + 1);
    }
}

/* Some encode a whole multipart, against the rules. */
static void body_decode(struct reader *r, struct mime_part *p) {
    struct buf plain;
    buf_init(&plain, p->body.n + 64);
    mime_decode(&plain, p->body, p->coding);
    p->body = arena_str(r->a, buf_str(&plain));
    p->coding = MIME_CODING_NONE;
    buf_clear(&plain);
}

/* Finds the delimiters: those that were named, else those that seem to be there. Absent: none. */
static struct str boundary_of(struct reader *r, struct mime_part *p) {
    struct str named = trim_end(mime_field_token(r->a, &p->content, "boundary")), seen;
    if (named.n && boundary_found(r, p->body, named))
        return named;
    if (p->coding == MIME_CODING_BASE64 || p->coding == MIME_CODING_QUOTED) {
        body_decode(r, p);
        if (named.n && boundary_found(r, p->body, named))
            return named;
    }
    seen = boundary_guess(r, p->body);
    return seen.p || !named.p || named.n ? seen : named;
}

static void split(struct reader *r, struct mime_part *p, unsigned depth) {
    if (!mime_part_is_multipart(p))
        return;
    if (depth > MIME_DEPTH_MAX) {
        warnings_add(r->warnings, "nested too deeply; not read further");
        p->type = (struct str)STR("application/octet-stream");
        return;
    }
    struct str boundary = boundary_of(r, p);
    if (boundary.p)
        children_read(r, p, boundary, depth);
    if (!p->children) {
        warnings_add(r->warnings, "no parts were found where there should be some");
        p->type = (struct str)STR("text/plain");
    }
}

static struct mime_part *tree(struct reader *r, struct mime_part *root) {
    r->scan_max_bytes = r->work->scanned_bytes + SCANS * root->body.n + 1024 * 1024;
    r->work->parts++;
    split(r, root, 0);
    return root;
}

struct mime_part *mime_part_read(struct arena *a, const struct headers *top, struct warnings *w,
                                 struct mime_work *work) {
    struct reader r = {.a = a, .warnings = w, .work = work};
    struct mime_part *p = arena_new(a, sizeof *p);
    for (size_t i = 0; i < top->n; i++)
        take_field(a, p, top->items[i].name, top->items[i].value);
    if (top->n)
        p->header = str_make(top->items[0].whole.p, (size_t)(top->body.p - top->items[0].whole.p));
    p->body = top->body;
    header_done(&r, p, (struct str)STR("text/plain"));
    return tree(&r, p);
}

struct mime_part *mime_part_read_entity(struct arena *a, struct str entity, struct warnings *w,
                                        struct mime_work *work) {
    struct reader r = {.a = a, .warnings = w, .work = work};
    return tree(&r, part_new(&r, entity, (struct str)STR("text/plain")));
}
