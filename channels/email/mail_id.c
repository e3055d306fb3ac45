/* mail_id.c - the hash over everything but trace fields: a mail sent again, or fetched a second
 * way, differs in those alone. */
#include "mail_id.h"

#include "header.h"

void mail_id(struct str mail, char out[SHA256_HEX + 1]) {
    struct header_walk w;
    struct header_field field;
    uint8_t digest[SHA256_BYTES];
    struct sha256 *hash = sha256_begin();
    struct str kept = mail; /* from here up to the next trace field */
    header_begin(&w, mail);
    while (header_next(&w, &field)) {
        if (!str_is_nocase(field.name, "Return-Path") &&
            !str_is_nocase(field.name, "Delivered-To") && !str_is_nocase(field.name, "Received"))
            continue;
        sha256_add(hash, str_upto(kept, (size_t)(field.whole.p - kept.p)));
        kept = str_from(mail, (size_t)(field.whole.p + field.whole.n - mail.p));
    }
    sha256_add(hash, kept);
    sha256_end(hash, digest);
    hex_encode(digest, sizeof digest, out);
}
