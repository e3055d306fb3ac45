/* kit/csv.c - one record of comma-separated text.
 *
 * A quote opens a quoted field only at its start; elsewhere in a bare field it is a byte like
 * others, as Asterisk's tools and spreadsheets read it.
 */
#include <touchline/kit/csv.h>

/* The quoted field at line[at] (a quote); moves *at behind the closing one. */
static bool quoted(struct arena *a, struct str line, size_t *at, struct str *out) {
    size_t from = *at + 1, i = from, doubled = 0;
    for (;; i++) {
        if (i >= line.n)
            return false;
        if (line.p[i] != '"')
            continue;
        if (i + 1 >= line.n || line.p[i + 1] != '"')
            break;
        doubled++;
        i++;
    }
    *at = i + 1;
    if (!doubled) {
        *out = str_make(line.p + from, i - from);
        return true;
    }
    char *to = arena_new(a, i - from - doubled + 1);
    size_t n = 0;
    for (size_t k = from; k < i; k++) {
        to[n++] = line.p[k];
        if (line.p[k] == '"')
            k++;
    }
    *out = str_make(to, n);
    return true;
}

bool csv_split(struct arena *a, struct str line, char sep, struct str *out, size_t max,
               size_t *out_n) {
    size_t n = 0, at = 0;
    if (!line.p)
        line = str_make("", 0);
    for (;;) {
        if (n == max)
            return false;
        if (at < line.n && line.p[at] == '"') {
            if (!quoted(a, line, &at, &out[n]))
                return false;
            if (at < line.n && line.p[at] != sep)
                return false;
        } else {
            ptrdiff_t end = str_find(str_from(line, at), sep);
            size_t len = end < 0 ? line.n - at : (size_t)end;
            out[n] = str_make(line.p + at, len);
            at += len;
        }
        n++;
        if (at >= line.n)
            break;
        at++; /* the separator; one at the very end leaves an empty last field */
    }
    *out_n = n;
    return true;
}
