/* mime.h - the parts of a mail: its text, its HTML, its attachments, the report it may carry.
 *
 * In the child only. GMime takes the structure apart; what it is given is counted and cut before
 * (mime_limit.c), what it gives is decoded by charset.c, so that all of it is valid UTF-8.
 */
#ifndef EMAIL_MIME_H
#define EMAIL_MIME_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/plugin.h>
#include <touchline/str.h>

#include "header.h"

enum {
    MIME_PARTS_MAX = 500,
    MIME_ATTACHMENTS_MAX = 100,
    MIME_DEPTH_MAX = 20,
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
    struct str report_fields; /* body of the message/…-status part, LF ends */
    struct str original;      /* header of the mail it is about */
};

/* Emits a blob for each attachment, whose bytes are not kept. Never fails: what cannot be read is
 * in the warnings. */
void mime_read(struct arena *a, const struct headers *top, const struct tl_emit *emit,
               struct warnings *w, struct mime *out);

/* A header value, unfolded and decoded (RFC 2047), on one line. */
struct str mime_header_text(struct arena *a, struct str value);

/* GMime must have been begun once before anything of it is used. */
void mime_begin(void);

/* A name for a file: without path, controls and characters that turn the direction. */
struct str mime_file_name(struct arena *a, struct str name);

#endif
