/* imap_value.h - what stands in a response: atoms, strings, literals, lists (RFC 3501 9). Pure. */
#ifndef EMAIL_IMAP_VALUE_H
#define EMAIL_IMAP_VALUE_H

#include <touchline/kit/buf.h>

#include "imap_reader.h"

enum imap_token {
    IMAP_END,
    IMAP_ATOM,   /* also numbers, NIL, \Flags, BODY[HEADER.FIELDS (X)]<0> */
    IMAP_STRING, /* quoted or literal */
    IMAP_OPEN,
    IMAP_CLOSE,
    IMAP_BAD, /* not IMAP; nothing after it is read */
};

struct imap_value {
    enum imap_token token;
    struct str bytes; /* of a quoted string: as it stands, with its backslashes */
    bool quoted;
    bool cut; /* a literal of which the end was dropped */
};

struct imap_walk {
    const struct imap_reader *reader;
    struct str rest;
    size_t literal, depth;
};

void imap_walk_begin(struct imap_walk *w, const struct imap_reader *r, struct str args);
enum imap_token imap_walk_next(struct imap_walk *w, struct imap_value *out);
/* After an OPEN: to its CLOSE. false: there is none. */
bool imap_walk_skip(struct imap_walk *w) must_check;

/* The bytes meant: a quoted string without its backslashes, NIL as nothing. false: full. */
bool imap_value_add(struct buf *out, const struct imap_value *v) must_check;
bool imap_value_number(const struct imap_value *v, uint64_t *out) must_check;

/* A FETCH response. Members that did not come are absent; sizes and dates -1. */
struct imap_fetch {
    uint32_t uid;
    int64_t size, arrived_ms;             /* RFC822.SIZE, INTERNALDATE */
    struct imap_value body, header, text; /* BODY[], BODY[HEADER], BODY[TEXT]<0>; END: absent */
};
/* false: not a list of names and values. */
bool imap_fetch_read(const struct imap_reader *r, struct str args, struct imap_fetch *out)
    must_check;

/* Numbers of UIDs: of SEARCH, or the set behind ALL of ESEARCH. Appends; false: not of that form,
 * or more than max in all. */
struct imap_uids {
    uint32_t *items;
    size_t n, room;
};
bool imap_uids_add(struct imap_uids *u, uint32_t uid, size_t max) must_check;
bool imap_search_read(const struct imap_reader *r, const struct imap_response *response,
                      struct imap_uids *out, size_t max) must_check;
void imap_uids_sort(struct imap_uids *u); /* ascending, each once */
void imap_uids_clear(struct imap_uids *u);
/* "1:3,7", within max bytes: as many from the first on as fit; gives how many. The items ascend. */
size_t imap_uids_write(const uint32_t *items, size_t n, struct buf *out, size_t max_bytes);

#endif
