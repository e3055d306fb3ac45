/* header.c - header fields as views (RFC 5322 2.2, with what is met in the wild).
 *
 * A line that is no field ends the header and begins the body, unless a field follows it: then it
 * is a fold whose white space got lost, and it is passed over.
 */
#include "header.h"

struct str header_line(struct str *rest) {
    ptrdiff_t lf = str_find(*rest, '\n');
    struct str line = lf < 0 ? *rest : str_upto(*rest, (size_t)lf);
    *rest = str_from(*rest, lf < 0 ? rest->n : (size_t)lf + 1);
    while (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Length of the field name in front of a colon; 0: this line is no field. */
static size_t field_name(struct str line) {
    size_t n = 0;
    while (n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
        n++;
    size_t colon = n;
    while (colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t'))
        colon++;
    return colon < line.n && line.p[colon] == ':' ? n : 0;
}

static bool is_fold(struct str rest) {
    return rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

/* Empty lines in front of a header are no header of their own. */
static struct str without_empty_lines(struct str mail) {
    struct str rest = mail, next = mail;
    while (next.n && !header_line(&next).n)
        rest = next;
    return field_name(header_line(&(struct str){.p = rest.p, .n = rest.n})) ? rest : mail;
}

void header_begin(struct header_walk *w, struct str mail) {
    w->rest = without_empty_lines(mail);
    while (str_starts(w->rest, str_c("From ")) || str_starts(w->rest, str_c(">From ")))
        header_line(&w->rest);
}

bool header_begins(struct str part) {
    struct str line = header_line(&part);
    return !line.n || field_name(line);
}

/* A header that consists of one empty line; nothing but a body follows. */
static bool header_over(struct header_walk *w, struct str after, struct str line) {
    if (line.n)
        return false;
    w->rest = after;
    return true;
}

bool header_next(struct header_walk *w, struct header_field *out) {
    while (w->rest.n) {
        struct str rest = w->rest, line = header_line(&rest);
        if (header_over(w, rest, line))
            return false;
        size_t name = field_name(line);
        if (!name && !field_name(header_line(&(struct str){.p = rest.p, .n = rest.n})))
            return false; /* the body begins without an empty line */
        while (is_fold(rest))
            header_line(&rest);
        struct str whole = str_upto(w->rest, w->rest.n - rest.n);
        w->rest = rest;
        if (!name)
            continue;
        out->name = str_upto(whole, name);
        out->whole = whole;
        out->value = str_trim(str_from(whole, (size_t)str_find(whole, ':') + 1));
        return true;
    }
    return false;
}

void headers_read(struct arena *a, struct str mail, struct headers *out) {
    struct header_walk w;
    struct header_field field;
    size_t n = 0;
    header_begin(&w, mail);
    while (n < HEADER_FIELDS_MAX && header_next(&w, &field))
        n++;
    *out = (struct headers){.items = arena_new(a, (n + 1) * sizeof *out->items)};
    header_begin(&w, mail);
    while (header_next(&w, &field)) {
        if (out->n < HEADER_FIELDS_MAX)
            out->items[out->n++] = field;
        else
            out->cut = true;
    }
    out->body = w.rest;
}

struct str headers_get(const struct headers *h, const char *name) {
    for (size_t i = 0; i < h->n; i++)
        if (str_is_nocase(h->items[i].name, name))
            return h->items[i].value;
    return STR_NONE;
}

size_t headers_count(const struct headers *h, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        n += str_is_nocase(h->items[i].name, name);
    return n;
}

struct str header_unfold(struct arena *a, struct str value) {
    value = str_trim(str_upto(value, HEADER_VALUE_MAX));
    char *p = arena_new(a, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n')
            p[n++] = value.p[i] ? value.p[i] : ' ';
    return str_make(p, n);
}
