/* thread.h - message ids: out of header fields, or made up where a mail has none (RFC 5322 3.6.4).
 */
#ifndef EMAIL_THREAD_H
#define EMAIL_THREAD_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

#include "header.h"

enum { THREAD_IDS_MAX = 100, THREAD_ID_BYTES_MAX = 900 };

struct thread_ids {
    struct str items[THREAD_IDS_MAX]; /* "<…>", oldest first, each once */
    size_t n;
};

/* Appends the ids of a field value; beyond the bound the first stays and the oldest of the others
 * go. */
void thread_ids_add(struct arena *a, struct thread_ids *ids, struct str value);

/* The mail's own id. Without one: made of what a redelivery has too, and *out_missing says so. */
struct str thread_message_id(struct arena *a, const struct headers *h, bool *out_missing);

/* Root of Outlook's Thread-Index (base64 of 22 bytes that a thread's mails share, then 5 for each
 * answer), in base64 again; absent: none that can be read. */
struct str thread_index_root(struct arena *a, const struct headers *h);

#endif
