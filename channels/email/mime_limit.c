/* mime_limit.c - one pass over the body's lines.
 *
 * A run of lines behind a "--" line, or behind a header that announces message/…, counts as a
 * header up to its empty line. More than LIMIT_HEADER_LINES in one run, or more "--" lines than
 * LIMIT_BOUNDARY_LINES with something like a header behind: reading ends there.
 */
#include "mime_limit.h"

static bool has_word(struct str line, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= line.n; i++)
        if (!strncasecmp(line.p + i, word, n))
            return true;
    return false;
}

/* A field, or a fold: what a line of a part's header looks like. */
static bool like_header(struct str line) {
    if (!line.n || line.p[0] == ' ' || line.p[0] == '\t')
        return true;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == ':')
            return i > 0;
        if (line.p[i] <= 32 || line.p[i] == 127)
            return false;
    }
    return false;
}

/* How much of the body may be read. */
static size_t limit_find(struct str body, bool nested, struct warnings *w) {
    struct str rest = body;
    size_t run = 0, boundaries = 0;
    bool in_header = nested, announces = false, behind_boundary = false;
    while (rest.n) {
        size_t at = body.n - rest.n;
        struct str line = header_line(&rest);
        if (behind_boundary && like_header(line) && ++boundaries > LIMIT_BOUNDARY_LINES) {
            warnings_add(w, "more parts than are read; the rest was left out");
            return at;
        }
        behind_boundary = str_starts(line, str_c("--"));
        if (behind_boundary) {
            in_header = true;
            announces = false;
            run = 0;
        } else if (in_header && !line.n) {
            in_header = announces; /* the header of the message inside follows */
            announces = false;
            run = 0;
        } else if (in_header) {
            announces = announces || has_word(str_upto(line, 200), "message/");
            if (++run > LIMIT_HEADER_LINES) {
                warnings_add(w, "a part has too many header lines; the rest was left out");
                return at;
            }
        }
    }
    return body.n;
}

void mime_limit(const struct headers *top, struct buf *out, struct warnings *w) {
    struct str type = headers_get(top, "Content-Type");
    bool nested = has_word(type, "message/");
    size_t n = top->body.n;
    for (size_t i = 0; i < top->n; i++) {
        const struct header_field *field = &top->items[i];
        bool first = str_eq_nocase(str_upto(field->name, 8), (struct str)STR("Content-"));
        for (size_t j = 0; j < i && first; j++)
            first = !str_eq_nocase(top->items[j].name, field->name);
        if (first && field->whole.n <= HEADER_VALUE_MAX && !buf_add(out, field->whole))
            return;
        if (first && !str_ends(field->whole, str_c("\n")) && !buf_add_byte(out, '\n'))
            return;
    }
    if (nested || has_word(type, "multipart/"))
        n = limit_find(top->body, nested, w);
    if (!buf_add_byte(out, '\n') || !buf_add(out, str_upto(top->body, n)))
        warnings_add(w, "too large to be read");
}
