/* kit/list.h - the one list: intrusive, circular, removal is idempotent.
 *
 * A struct link is a list's head or an element's member. An element sits in at most one list per
 * link. Elements are found back with container_of.
 */
#ifndef TOUCHLINE_KIT_LIST_H
#define TOUCHLINE_KIT_LIST_H

#include <stdbool.h>

#include <touchline/kit/own.h>

struct link {
    struct link *prev, *next;
};

static inline void link_init(struct link *l) {
    l->prev = l->next = l;
}
static inline bool link_alone(const struct link *l) {
    return l->next == l || !l->next;
}

/* Takes it out of whatever list it is in; twice is harmless, also on a zeroed link. */
static inline void link_remove(struct link *l) {
    if (l->next) {
        l->prev->next = l->next;
        l->next->prev = l->prev;
    }
    link_init(l);
}

static inline void link_insert_before(struct link *at, struct link *l) {
    link_remove(l);
    l->prev = at->prev;
    l->next = at;
    at->prev->next = l;
    at->prev = l;
}

static inline void list_push(struct link *head, struct link *l) {
    link_insert_before(head, l);
}
static inline void list_push_front(struct link *head, struct link *l) {
    link_insert_before(head->next, l);
}
static inline struct link *list_first(const struct link *head) {
    return link_alone(head) ? NULL : head->next;
}

/* The body may remove `it`. */
#define list_each(it, head)                                                                        \
    for (struct link *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

#endif
