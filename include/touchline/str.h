/* touchline/str.h - a view of bytes: pointer and length, no NUL at its end.
 *
 * The one string type that crosses rooms and the plugin ABI. A view owns nothing; it is
 * valid as long as what it looks at. An absent string has p == NULL, an empty one n == 0.
 */
#ifndef TOUCHLINE_STR_H
#define TOUCHLINE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct str {
    const char *p;
    size_t n;
};

/* For printf: "%.*s" takes STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""
/* A literal as a view, also in static tables. */
#define STR(literal)                                                                               \
    { .p = (literal), .n = sizeof(literal) - 1 }
#define STR_NONE ((struct str){0})

static inline struct str str_make(const char *p, size_t n) {
    return (struct str){.p = p, .n = n};
}

/* A NUL-terminated string of our own as a view; NULL gives the absent one. Never for input. */
static inline struct str str_c(const char *s) {
    return (struct str){.p = s, .n = s ? strlen(s) : 0};
}

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *literal) {
    return str_eq(a, str_c(literal));
}

/* Equal without regard to the case of ASCII letters. */
static inline bool str_eq_nocase(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is_nocase(struct str a, const char *literal) {
    return str_eq_nocase(a, str_c(literal));
}

static inline bool str_starts(struct str a, struct str prefix) {
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str a, struct str suffix) {
    return a.n >= suffix.n &&
           (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* From byte `from` on; beyond the end gives an empty view at the end. */
static inline struct str str_from(struct str a, size_t from) {
    if (from > a.n)
        from = a.n;
    return str_make(a.p ? a.p + from : NULL, a.n - from);
}

static inline struct str str_upto(struct str a, size_t n) {
    return str_make(a.p, n < a.n ? n : a.n);
}

/* Offset of the first such byte, or -1. */
static inline ptrdiff_t str_find(struct str a, char c) {
    const char *at = a.n ? (const char *)memchr(a.p, c, a.n) : NULL;
    return at ? at - a.p : -1;
}

/* Splits at the first `sep`: the part before it is returned and the rest left in *rest. Without
 * one, all is returned and *rest becomes absent. */
static inline struct str str_cut(struct str *rest, char sep) {
    ptrdiff_t at = str_find(*rest, sep);
    struct str head = *rest;
    if (at < 0) {
        *rest = (struct str){0};
        return head;
    }
    head.n = (size_t)at;
    *rest = str_from(*rest, (size_t)at + 1);
    return head;
}

/* Without spaces, tabs, CR and LF at both ends. */
static inline struct str str_trim(struct str a) {
    while (a.n && (a.p[0] == ' ' || a.p[0] == '\t' || a.p[0] == '\r' || a.p[0] == '\n'))
        a = str_from(a, 1);
    while (a.n && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t' || a.p[a.n - 1] == '\r' ||
                   a.p[a.n - 1] == '\n'))
        a.n--;
    return a;
}

#endif
