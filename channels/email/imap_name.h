/* imap_name.h - where a mailbox is: its URL taken apart, its name as IMAP writes it. Pure. */
#ifndef EMAIL_IMAP_NAME_H
#define EMAIL_IMAP_NAME_H

#include <touchline/kit/buf.h>

struct imap_place {
    struct str server; /* "imaps://mail.example.org:993/": what is connected to */
    struct str folder; /* as written, percent-encoded; empty: INBOX */
    bool tls;          /* imaps */
};
/* "imaps://HOST[:PORT][/FOLDER]" or "imap://…", without user or parameters (RFC 5092). */
bool imap_url_read(struct str url, struct imap_place *out) must_check;
/* The folder of a URL as a quoted string in modified UTF-7 (RFC 3501 5.1.3). false: not UTF-8, a
 * control, or too long. */
bool imap_folder_write(struct buf *out, struct str percent_encoded) must_check;
/* A name in UTF-8 likewise. */
bool imap_name_write(struct buf *out, struct str utf8) must_check;

#endif
