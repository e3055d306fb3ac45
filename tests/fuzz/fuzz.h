/* tests/fuzz/fuzz.h - what every fuzz target needs: a promise that ends the run, a touch of all
 * bytes of a view, a copy whose end is the end of its memory. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool ok) {
    if (!ok)
        abort();
}

/* A view that went outside its buffer is found by touching all of it. */
static inline void touch(struct str s) {
    static volatile char sink;
    for (size_t i = 0; i < s.n; i++)
        sink = s.p[i];
}

/* Without a NUL behind it, so that a byte too far is seen. The caller frees s.p. */
static inline struct str exact(struct str s) {
    char *copy = malloc(s.n ? s.n : 1);
    must(copy);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return str_make(copy, s.n);
}

/* The first byte chooses; 0 where there is none. */
static inline unsigned first_byte(struct str *in) {
    unsigned b = in->n ? (unsigned char)in->p[0] : 0;
    *in = str_from(*in, 1);
    return b;
}

#endif
