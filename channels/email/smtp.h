/* smtp.h - hands one mail to a relay (libesmtp). In a child: it blocks, without bounds where it
 * resolves and connects; the child's deadline is the bound.
 */
#ifndef EMAIL_SMTP_H
#define EMAIL_SMTP_H

#include <stddef.h>

#include <touchline/plugin.h>
#include <touchline/str.h>

#include "email.h"

struct smtp_job {
    const char *server; /* HOST:PORT */
    enum relay_tls tls;
    const char *user, *password; /* NULL: no AUTH */
    const char *sender; /* NULL: <>. Checked by the caller, like the recipients: libesmtp checks
                           nothing */
    const char *const *recipients;
    size_t recipients_n;
    struct str mail; /* canonical CRLF, 7 bit, a NUL behind its end */
};

struct smtp_result {
    enum tl_sent state;
    int code;        /* 0: no answer */
    char status[16]; /* "5.1.1", or "" */
    char diagnostic[400];
};

void smtp_send(const struct smtp_job *job, struct smtp_result *out);

#endif
