/* kit/buf.c - bytes we own, under a ceiling.
 *
 * The memory doubles up to the ceiling, always with one byte beyond for the NUL. Memory that the
 * system refuses is an answer like the ceiling itself: sizes here come from input.
 */
#include <touchline/kit/buf.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void buf_init(struct buf *b, size_t max_bytes) {
    *b = (struct buf){.max = max_bytes};
}

void buf_clear(struct buf *b) {
    free(b->p);
    buf_init(b, b->max);
}

static void cut_to(struct buf *b, size_t n) {
    b->n = n;
    if (b->p)
        b->p[n] = '\0';
}

void buf_reset(struct buf *b) {
    cut_to(b, 0);
}

char *buf_reserve(struct buf *b, size_t n) {
    if (n > b->max - b->n)
        return NULL;
    size_t need = b->n + n;
    if (b->p && need <= b->room)
        return b->p + b->n;
    size_t room = b->room > b->max / 2 ? b->max : b->room * 2;
    if (room < ROOM_FIRST)
        room = ROOM_FIRST;
    if (room < need)
        room = need;
    if (room > b->max)
        room = b->max;
    char *grown = realloc(b->p, room + 1);
    if (!grown)
        return NULL;
    b->p = grown;
    b->room = room;
    cut_to(b, b->n);
    return b->p + b->n;
}

void buf_commit(struct buf *b, size_t n) {
    assert(b->p && n <= b->room - b->n);
    cut_to(b, b->n + n);
}

bool buf_add(struct buf *b, struct str s) {
    if (!s.n)
        return true;
    char *at = buf_reserve(b, s.n);
    if (!at)
        return false;
    memcpy(at, s.p, s.n);
    buf_commit(b, s.n);
    return true;
}

bool buf_add_c(struct buf *b, const char *s) {
    return buf_add(b, str_c(s));
}

bool buf_add_byte(struct buf *b, char c) {
    return buf_add(b, str_make(&c, 1));
}

bool buf_addv(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return false;
    char *at = buf_reserve(b, (size_t)n);
    if (!at)
        return false;
    vsnprintf(at, (size_t)n + 1, format, args);
    buf_commit(b, (size_t)n);
    return true;
}

bool buf_addf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    bool ok = buf_addv(b, format, args);
    va_end(args);
    return ok;
}

void buf_consume(struct buf *b, size_t n) {
    assert(n <= b->n);
    if (!n)
        return;
    memmove(b->p, b->p + n, b->n - n);
    cut_to(b, b->n - n);
}

/* How many bytes at p stand as they are in a JSON string. */
static size_t plain_run(const unsigned char *p, size_t n) {
    size_t i = 0;
    while (i < n && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f) {
        if (p[i] == 0xe2 && n - i >= 3 && p[i + 1] == 0x80 && (p[i + 2] & 0xfe) == 0xa8)
            break; /* U+2028 and U+2029 end a line where JSON is read as script */
        i++;
    }
    return i;
}

/* Escapes the one character at p; *out_used tells how many bytes it had. */
static bool add_escaped(struct buf *b, const unsigned char *p, size_t *out_used) {
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    *out_used = 1;
    for (size_t i = 0; i + 1 < sizeof letters; i += 2)
        if (*p == (unsigned char)letters[i])
            return buf_addf(b, "\\%c", letters[i + 1]);
    if (*p == 0xe2) {
        *out_used = 3;
        return buf_add_c(b, p[2] == 0xa8 ? "\\u2028" : "\\u2029");
    }
    return buf_addf(b, "\\u%04x", *p);
}

bool buf_add_json(struct buf *b, struct str s) {
    size_t before = b->n;
    const unsigned char *p = (const unsigned char *)s.p;
    size_t left = s.n;
    bool ok = buf_add_byte(b, '"');
    while (ok && left) {
        size_t used = plain_run(p, left);
        ok = used ? buf_add(b, str_make((const char *)p, used)) : add_escaped(b, p, &used);
        p += used;
        left -= used;
    }
    if (ok && buf_add_byte(b, '"'))
        return true;
    cut_to(b, before);
    return false;
}

char *buf_steal(struct buf *b, size_t *out_n) {
    if (!b->p)
        b->p = mem_dup("", 0);
    if (out_n)
        *out_n = b->n;
    char *bytes = steal(&b->p);
    buf_init(b, b->max);
    return bytes;
}
