/* kit/own.h - ownership and promises, in words the compiler knows.
 *
 *   cleanup(buf_clear) struct buf b;       undone on every way out of the scope
 *   return steal(&p);                      hands out, leaves NULL behind
 *   bool f(...) must_check;                ignoring the result is an error
 */
#ifndef TOUCHLINE_KIT_OWN_H
#define TOUCHLINE_KIT_OWN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define cleanup(fn) __attribute__((cleanup(fn)))

/* Takes the pointer out of *pp and leaves NULL. */
#define steal(pp)                                                                                  \
    __extension__({                                                                                \
        __typeof__(*(pp)) steal_taken = *(pp);                                                     \
        *(pp) = NULL;                                                                              \
        steal_taken;                                                                               \
    })

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of which `member` is a part. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Allocation of our own small fixed things: ends the process when memory is out, which the
 * spool makes safe. A size that comes from input goes through a buf. kit/own.c. */
void *mem_new(size_t bytes);                  /* zeroed */
void *mem_grow(void *take_old, size_t bytes); /* realloc */
char *mem_dup(const char *p, size_t n);       /* copy with a NUL appended */
#define NEW(type) ((type *)mem_new(sizeof(type)))

/* For cleanup(): free(*pp) and leave NULL. */
void mem_freep(void *pp);

#endif
