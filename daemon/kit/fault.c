/* kit/fault.c - filling faults, so that they may be shown as they are.
 *
 * Formats may quote a little input: what would not print (controls, broken UTF-8) becomes '?'.
 */
#include <touchline/kit/fault.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/utf8.h>

static void make_printable(char *text) {
    char *out = text;
    const char *p = text, *end = text + strlen(text);
    while (p < end) {
        const char *from = p;
        uint32_t c = utf8_next(&p, end);
        size_t n = (size_t)(p - from);
        if (c < 0x20 || c == 0x7f || (c == 0xfffd && n == 1)) {
            *out++ = '?';
        } else {
            memmove(out, from, n);
            out += n;
        }
    }
    *out = '\0';
}

static void fill(struct fault *f, enum fault_kind kind, const char *place, const char *format,
                 va_list args) {
    f->kind = kind;
    f->error = 0;
    snprintf(f->place, sizeof f->place, "%s", place ? place : "");
    vsnprintf(f->reason, sizeof f->reason, format, args);
    make_printable(f->place);
    make_printable(f->reason);
}

bool(fault_set)(struct fault *f, enum fault_kind kind, const char *place, const char *format, ...) {
    if (!f)
        return false;
    va_list args;
    va_start(args, format);
    fill(f, kind, place, format, args);
    va_end(args);
    return false;
}

bool(fault_sys)(struct fault *f, const char *place, const char *format, ...) {
    int error = errno;
    if (f) {
        va_list args;
        va_start(args, format);
        fill(f, FAULT_SYSTEM, place, format, args);
        va_end(args);
        f->error = error;
        char text[128];
        size_t n = strlen(f->reason);
        snprintf(f->reason + n, sizeof f->reason - n, ": %s", strerror_r(error, text, sizeof text));
    }
    errno = error;
    return false;
}

void fault_list_init(struct fault_list *l, size_t max) {
    *l = (struct fault_list){.max = max};
}

void fault_list_add(struct fault_list *l, const struct fault *f) {
    if (l->n == l->max) {
        l->dropped++;
        return;
    }
    l->items = mem_grow(l->items, (l->n + 1) * sizeof *l->items);
    l->items[l->n++] = *f;
}

bool fault_list_set(struct fault_list *l, enum fault_kind kind, const char *place,
                    const char *format, ...) {
    struct fault f;
    va_list args;
    va_start(args, format);
    fill(&f, kind, place, format, args);
    va_end(args);
    fault_list_add(l, &f);
    return false;
}

void fault_list_clear(struct fault_list *l) {
    free(l->items);
    fault_list_init(l, l->max);
}
