/* store/page.h - entries of a contact's parts, newest first, a page at a time. Only store/ includes
 * this header. */
#ifndef STORE_PAGE_H
#define STORE_PAGE_H

#include "store/contact_priv.h"

enum { PAGE_PARTS_MAX = 64 };

struct page_query {
    size_t limit;
    bool has_cursor;
    int64_t cursor_ms, from_ms, to_ms; /* from, to: INT64_MIN and INT64_MAX where open */
    struct id cursor_id;
    struct str channel;            /* absent: any */
    const struct id *conversation; /* NULL: any; lives until done */
};
struct page;
struct page_result {
    const struct fault *fault;
    size_t n;
    struct str next; /* cursor, absent at the end */
    struct page *ctx;
};
/* Once, on the loop. r is valid inside it. */
typedef void page_fn(void *arg, const struct page_result *r);
void page_read(struct store *s, const struct id *parts, size_t n, const struct page_query *q,
               page_fn *done, void *arg);
bool page_cursor_read(struct str cursor, int64_t *out_ms, struct id *out_id) must_check;
/* {"items":[…],"next"} */
bool page_json(const struct page_result *r, struct id contact, struct buf *out) must_check;
/* One entry as a touchpoint; its id. */
bool page_entry(const struct page_result *r, size_t i, struct id contact, struct buf *out)
    must_check;
struct id page_entry_id(const struct page_result *r, size_t i);

#endif
