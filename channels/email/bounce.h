/* bounce.h - what a mail server reports of mail that we sent (RFC 3464, 3463, 8098, and plain
 * words). Pure. */
#ifndef EMAIL_BOUNCE_H
#define EMAIL_BOUNCE_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

#include "mime.h"

enum { BOUNCE_RECIPIENTS_MAX = 50 };

enum bounce_action { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_DELIVERED, BOUNCE_READ };

struct bounce_recipient {
    enum bounce_action action;
    struct str recipient, status, code, diagnostic; /* absent: not said */
    const char *reason;                             /* of a failure: bounce_reason.h; or NULL */
    bool hard;                                      /* the address is no good, now and later */
};

struct bounce {
    struct bounce_recipient items[BOUNCE_RECIPIENTS_MAX];
    size_t n;               /* 0: nothing is said of a delivery */
    struct str complaint;   /* of a feedback report: its type, "abuse" */
    struct str complained;  /* and who complained; absent: not said */
    struct str original_id; /* Message-ID of the mail it is about; absent: not said */
};

/* What is known of the mail around its parts. */
struct bounce_mail {
    struct str subject, from; /* from: address or name */
    struct str failed;        /* X-Failed-Recipients, or absent */
    bool by_server; /* header or envelope say that a mail server wrote it; only then are plain words
                       believed */
};
void bounce_read(struct arena *a, const struct mime *m, const struct bounce_mail *mail,
                 struct bounce *out);

#endif
