/* Fuzzes channels/email/reply_text.c: nothing is added, and done again nothing grows. */
#include "fuzz.h"

#include "email/reply_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena a;
    arena_init(&a);
    struct str once = reply_text(&a, str_make((const char *)data, n));
    struct str twice = reply_text(&a, once);
    if (once.n > n || twice.n > once.n)
        abort();
    arena_clear(&a);
    return 0;
}
