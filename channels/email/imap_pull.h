/* imap_pull.h - fetches mails one after another, in the order of their UIDs, each exactly once.
 *
 *   sizes of up to 200 ─► bodies of up to 32 mails or 4 MiB by one command ─► mail, next, mail …
 *
 * While the taker has a mail nothing more is read, so that memory holds one. A mail that did not
 * come in its turn is asked for once more alone: what then still does not come has gone.
 */
#ifndef EMAIL_IMAP_PULL_H
#define EMAIL_IMAP_PULL_H

#include <touchline/kit/buf.h>

#include "imap_session.h"

enum imap_mail_state {
    IMAP_MAIL_HERE,
    IMAP_MAIL_GONE,    /* somebody took it away meanwhile */
    IMAP_MAIL_REFUSED, /* the server has it and does not give it; reason */
};

/* Views live until imap_pull_next. */
struct imap_mail {
    enum imap_mail_state state;
    uint32_t uid;
    int64_t arrived_ms; /* INTERNALDATE; -1 */
    struct str bytes, reason;
    bool cut; /* larger than max_bytes: its header and the first part of the rest */
};

struct imap_pull;
struct imap_pull_events {
    void (*mail)(void *arg, const struct imap_mail *m); /* then imap_pull_next, also from inside */
    void (*end)(void *arg, bool ok, struct str reason); /* all told, or the server would not */
};

/* avoid: this one is not asked for (0: none) but told as refused. careful: one mail a command. */
struct imap_pull_options {
    size_t max_bytes;
    uint32_t avoid;
    bool careful;
};

struct imap_pull *imap_pull_new(struct imap_session *s, const uint32_t *uids, size_t n,
                                const struct imap_pull_options *o,
                                const struct imap_pull_events *events, void *arg);
void imap_pull_next(struct imap_pull *p);
/* The UID that is due now: who may be to blame if the connection breaks. 0: nobody. */
uint32_t imap_pull_suspect(const struct imap_pull *p);
void imap_pull_free(struct imap_pull *p);

#endif
