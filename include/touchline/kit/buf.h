/* kit/buf.h - bytes we own, born with a ceiling.
 *
 * A buf never grows above its ceiling: an addition that would is refused whole. The content is
 * followed by a NUL that does not count, so buf_c() may go to C functions.
 */
#ifndef TOUCHLINE_KIT_BUF_H
#define TOUCHLINE_KIT_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

struct buf {
    char *p;
    size_t n, room, max;
};

void buf_init(struct buf *b, size_t max_bytes);
/* Frees the bytes; the buf is empty and usable again with the same ceiling. */
void buf_clear(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

/* false: full, nothing was added. */
bool buf_add(struct buf *b, struct str s) must_check;
bool buf_add_c(struct buf *b, const char *s) must_check;
bool buf_add_byte(struct buf *b, char c) must_check;
bool buf_addf(struct buf *b, const char *format, ...) printf_like(2, 3) must_check;
bool buf_addv(struct buf *b, const char *format, va_list args) must_check;
/* Makes room for n more and returns where to write; buf_commit tells how many were. NULL: full. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* A JSON string with its quotes; s must be valid UTF-8. Escapes controls, quote, backslash,
 * U+2028/9 and DEL. */
bool buf_add_json(struct buf *b, struct str s) must_check;

static inline struct str buf_str(const struct buf *b) {
    return str_make(b->p ? b->p : "", b->n);
}
static inline const char *buf_c(const struct buf *b) {
    return b->p ? b->p : "";
}
/* Hands out the bytes (NUL after them, caller frees) and leaves the buf empty. */
char *buf_steal(struct buf *b, size_t *out_n);

#endif
