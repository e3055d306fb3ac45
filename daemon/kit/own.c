/* kit/own.c - allocation of our own small fixed things.
 *
 * Running out here ends the process on purpose: what was acknowledged lies in the spool, and a
 * restart is safer than a thousand half-handled failures.
 */
#include <touchline/kit/own.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *p) {
    if (!p) {
        fputs("level=error event=memory.out\n", stderr);
        abort();
    }
    return p;
}

void *mem_new(size_t bytes) {
    return or_end(calloc(1, bytes ? bytes : 1));
}

void *mem_grow(void *take_old, size_t bytes) {
    return or_end(realloc(take_old, bytes ? bytes : 1));
}

char *mem_dup(const char *p, size_t n) {
    char *copy = or_end(malloc(n + 1));
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void mem_freep(void *pp) {
    void **at = pp;
    free(*at);
    *at = NULL;
}
