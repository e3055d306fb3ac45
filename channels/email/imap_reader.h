/* imap_reader.h - bytes of an IMAP server to responses (RFC 3501 7, 9). Pure.
 *
 *   * 12 FETCH (UID 7 BODY[] {5}CRLF hello FLAGS (\Seen))CRLF      one response, one literal
 *
 * A literal is counted, never searched: what stands in a mail cannot end a response. The text of a
 * response is kept without the literals' bytes, which lie in a store of their own; beyond its
 * ceiling a literal is read and dropped, and marked as cut. Linear in what is fed.
 */
#ifndef EMAIL_IMAP_READER_H
#define EMAIL_IMAP_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>

enum { IMAP_TEXT_MAX = 4 * 1024 * 1024, IMAP_LITERALS_MAX = 4096 };

struct imap_literal {
    size_t at, n;      /* in the store: what was kept */
    uint64_t declared; /* by the server */
};

enum imap_reader_state { IMAP_MORE, IMAP_READY, IMAP_BROKEN };

struct imap_reader {
    enum imap_reader_state state;
    const char *why; /* BROKEN */
    struct buf text, store;
    struct imap_literal *literals;
    size_t literals_n, literals_room;
    size_t line_at; /* where the line being gathered begins in text */
    uint64_t left;  /* of the literal under way */
    bool in_literal;
};

enum imap_kind {
    IMAP_JUNK, /* no response at all; what libcurl left over of a line may be one */
    IMAP_CONTINUE,
    IMAP_UNTAGGED,
    IMAP_TAGGED,
};

/* Views into the reader, valid until it is fed again. */
struct imap_response {
    enum imap_kind kind;
    struct str tag;  /* TAGGED */
    struct str word; /* OK NO BAD BYE PREAUTH, FETCH, EXISTS …: as it came */
    bool numbered;   /* "* 12 EXISTS" */
    uint32_t number;
    struct str code; /* of OK, NO, BAD, BYE, PREAUTH: what stands between brackets */
    struct str text; /* of those, and of CONTINUE: the words for people */
    struct str args; /* of all others: what follows the word, for imap_walk */
};

/* literal_max: of all literals of one response together. */
void imap_reader_init(struct imap_reader *r, size_t literal_max);
void imap_reader_clear(struct imap_reader *r);
/* Takes at most one response: READY then, and the rest is not eaten. Feeding again begins the next
 * one. Gives how many bytes were taken; BROKEN takes none. */
size_t imap_reader_feed(struct imap_reader *r, struct str bytes);
/* In READY. */
void imap_reader_response(const struct imap_reader *r, struct imap_response *out);

#endif
