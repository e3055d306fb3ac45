/* mail_write.h - an outbound touchpoint as a mail: header by us, parts by GMime, all of it 7 bit
 * with CRLF.
 *
 * Nothing of a touchpoint reaches the header but on one line, encoded where it must be, so nothing
 * can be added to it. In the child.
 */
#ifndef EMAIL_MAIL_WRITE_H
#define EMAIL_MAIL_WRITE_H

#include <jansson.h>
#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>

enum { MAIL_RECIPIENTS_MAX = 100, MAIL_MAX_BYTES = 96 * 1024 * 1024 };

struct mail_out {
    const char *sender; /* NUL-terminated, sendable; NULL: <> */
    bool automatic;     /* nobody may answer it */
    const char *recipients[MAIL_RECIPIENTS_MAX];
    size_t recipients_n;
    struct buf text; /* the mail */
};

/* touchpoint: to, cc, subject, text, html, message_id, in_reply_to, references, attachments with
 * path, at. answered: the inbound touchpoint, or NULL; gives subject and references where the first
 * has none. id: "p_…" of the outbound one. Faults INPUT: it can never be sent like this; SYSTEM: an
 * attachment's file cannot be read. */
bool mail_write(struct arena *a, const json_t *touchpoint, const json_t *answered, struct str id,
                struct str from_name, struct str from_email, struct mail_out *out, struct fault *f)
    must_check;

#endif
