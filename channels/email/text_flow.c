/* text_flow.c - a line that ends with a space goes on in the next, if that is quoted as deeply. */
#include "text_flow.h"

#include "header.h"

static size_t quote_depth(struct str line) {
    size_t n = 0;
    while (n < line.n && line.p[n] == '>')
        n++;
    return n;
}

struct str text_unflow(struct arena *a, struct str text, bool delsp) {
    /* each line keeps its marks and its end, and gains a space behind the marks at most */
    char *p = arena_new(a, 2 * text.n + 2);
    size_t n = 0, depth = 0;
    bool open = false; /* the line before flows on */
    while (text.n) {
        struct str line = header_line(&text);
        size_t marks = quote_depth(line);
        struct str words = str_from(line, marks);
        if (words.n && words.p[0] == ' ')
            words = str_from(words, 1); /* stuffed */
        bool signature = str_is(words, "-- ");
        if (open && marks == depth && !signature) {
            memcpy(p + n, words.p, words.n);
        } else {
            if (open)
                p[n++] = '\n';
            memset(p + n, '>', marks);
            n += marks;
            if (marks && words.n)
                p[n++] = ' ';
            memcpy(p + n, words.p, words.n);
        }
        n += words.n;
        depth = marks;
        open = words.n && words.p[words.n - 1] == ' ' && !signature;
        if (open && delsp)
            n--;
        if (!open)
            p[n++] = '\n';
    }
    return str_make(p, n);
}
