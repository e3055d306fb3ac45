/* kit/fault.h - the one error idiom: a kind, a place, a reason in a user's words.
 *
 * What can fail returns bool and takes `struct fault *` last; fault_set returns false, so that
 * refusing is one line. Where all faults are wanted, the same functions fill a fault_list.
 */
#ifndef TOUCHLINE_KIT_FAULT_H
#define TOUCHLINE_KIT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_INPUT,  /* the caller's bytes are wrong: 4xx, a 5xx reply in SMTP */
    FAULT_STATE,  /* right, but not now: 409 */
    FAULT_BUSY,   /* try later: 503, 452 */
    FAULT_SYSTEM, /* ours; errno tells */
};

enum { FAULT_PLACE_MAX = 200, FAULT_REASON_MAX = 400 };

struct fault {
    enum fault_kind kind;
    int error;                     /* errno of FAULT_SYSTEM, else 0 */
    char place[FAULT_PLACE_MAX];   /* JSON pointer, FILE:LINE:COLUMN, protocol step; cut, never
                                      overrun */
    char reason[FAULT_REASON_MAX]; /* never holds input bytes beyond a printable, bounded quote */
};

/* Fills *f (NULL is allowed: nobody wants to know) and returns false. */
bool fault_set(struct fault *f, enum fault_kind kind, const char *place, const char *format, ...)
    printf_like(4, 5);

/* As fault_set with FAULT_SYSTEM; keeps errno and appends its text. */
bool fault_sys(struct fault *f, const char *place, const char *format, ...) printf_like(3, 4);

/* Says to the compiler what stands above, so that it follows out-parameters past a refusal. */
#define FAULT_IS_FALSE(call)                                                                       \
    __extension__({                                                                                \
        bool fault_result = (call);                                                                \
        if (fault_result)                                                                          \
            __builtin_unreachable();                                                               \
        fault_result;                                                                              \
    })
#define fault_set(...) FAULT_IS_FALSE((fault_set)(__VA_ARGS__))
#define fault_sys(...) FAULT_IS_FALSE((fault_sys)(__VA_ARGS__))

/* Several faults, kept up to a bound; beyond it only counted. */
struct fault_list {
    struct fault *items;
    size_t n, max, dropped;
};

void fault_list_init(struct fault_list *l, size_t max);
/* Copies *f into the list. */
void fault_list_add(struct fault_list *l, const struct fault *f);
/* Adds one; returns false like fault_set. */
bool fault_list_set(struct fault_list *l, enum fault_kind kind, const char *place,
                    const char *format, ...) printf_like(4, 5);
void fault_list_clear(struct fault_list *l);

#endif
