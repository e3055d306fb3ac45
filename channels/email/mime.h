/* mime.h - the parts of a mail: its text, its HTML, its attachments, the report it may carry.
 *
 *   mime_part.c    the tree, as views          mime_field.c   Content-Type and its like
 *   mime_decode.c  transfer encodings          mime_body.c    text and HTML, joined
 *   smime.c        what is signed from within  tnef.c         winmail.dat
 *   calendar.c     invitations                 pgp.c          armour around a text
 *
 * In the child only. All text that leaves here is valid UTF-8.
 */
#ifndef EMAIL_MIME_H
#define EMAIL_MIME_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/plugin.h>
#include <touchline/str.h>

#include "header.h"

enum {
    MIME_ATTACHMENTS_MAX = 100,
    MIME_TEXT_MAX = 1024 * 1024,
    MIME_HTML_MAX = 2 * 1024 * 1024,
    MIME_WARNINGS_MAX = 16,
};

/* What could not be read, in words; constant texts, each once. */
struct warnings {
    const char *items[MIME_WARNINGS_MAX];
    size_t n;
};
void warnings_add(struct warnings *w, const char *what);

struct mime_attachment {
    char ref[24]; /* its blob */
    struct str name, type, cid;
    bool shown; /* inside the HTML */
};

enum mime_report {
    MIME_REPORT_NONE,
    MIME_REPORT_DELIVERY,
    MIME_REPORT_DISPOSITION,
    MIME_REPORT_FEEDBACK
};

struct mime {
    struct str text, html; /* html absent: none */
    struct mime_attachment *attachments;
    size_t attachments_n;
    enum mime_report report;
    struct str report_fields;  /* body of the message/…-status part, LF ends */
    struct str original;       /* header of the mail it is about */
    bool encrypted;            /* kept whole, not opened */
    bool with_signature;       /* which nobody checked */
    struct calendar *calendar; /* the first invitation in it; NULL: none */
};

/* Emits a blob for each attachment, whose bytes are not kept. charset: of raw 8-bit in fields,
 * NULL: not known. Never fails: what cannot be read is in the warnings. */
void mime_read(struct arena *a, const struct headers *top, const char *charset,
               const struct tl_emit *emit, struct warnings *w, struct mime *out);

/* The charset in which raw 8-bit of the header is most likely written: that of the text. NULL:
 * nothing is said. In the arena. */
const char *mime_charset_hint(struct arena *a, const struct headers *top);

#endif
