/* email.h - what the files of this channel share: its configuration and its instance.
 *
 *   lmtp.c + lmtp_session.c   take mail in            (daemon, loop thread)
 *   imap.c and imap_*         fetch it                (daemon, loop thread)
 *   read.c and what it uses   mail to touchpoint      (child)
 *   send.c, smtp.c            reply to mail           (daemon builds the job, child sends)
 */
#ifndef EMAIL_EMAIL_H
#define EMAIL_EMAIL_H

#include <touchline/plugin.h>

struct imap;
struct lmtp;

enum { EMAIL_MAIL_MAX = 50 * 1024 * 1024 };

enum relay_tls { RELAY_TLS_NONE, RELAY_TLS_OPPORTUNISTIC, RELAY_TLS_REQUIRED };

struct email_config {
    struct {
        struct str listen; /* absent: no LMTP */
        int64_t max_bytes; /* of a mail, by whichever way; 0: EMAIL_MAIL_MAX */
    } lmtp;
    struct tl_items mailboxes; /* struct mailbox_config */
    struct {
        struct str address; /* absent: nothing can be sent */
        int64_t tls;
        struct str user, password;
    } relay;
    struct tl_strs trusted_servers; /* whose Authentication-Results count */
    struct {
        struct str mailbox; /* absent: nothing is acknowledged */
        struct str text;
        int64_t once_per_ms;
    } acknowledge;
};

enum imap_tls { IMAP_TLS_NONE, IMAP_TLS_REQUIRED };

struct imap_config {
    struct str url; /* absent: this mailbox is not read by IMAP */
    struct str user, password, ca, after;
    int64_t tls, poll_ms, since_ms;
    struct {
        struct tl_strs command;
        struct str file;
    } oauth;
};

struct mailbox_config {
    struct str name;
    struct tl_strs addresses;
    struct str from;
    struct imap_config imap;
};

/* Who writes for a mailbox: `from` of the configuration, taken apart. Owned copies. */
struct mailbox_sender {
    struct str name, email;
};

/* Loop thread. */
struct email {
    const struct tl_host *host;
    struct tl_channel *ch;
    const struct email_config *config; /* the host's; replaced at reload */
    struct mailbox_sender *senders;    /* one a mailbox, in their order */
    struct lmtp *lmtp;                 /* NULL: not configured */
    struct imap *imap;
    char *acknowledgement; /* NULL: none */
};

static inline const struct mailbox_config *mailbox_at(const struct email_config *c, size_t i) {
    return (const struct mailbox_config *)c->mailboxes.items + i;
}

/* The mailbox an address leads to, or -1: exactly that address first, then any +detail, case aside.
 */
ptrdiff_t mailbox_of_address(const struct email_config *c, struct str address);
/* The mailbox that answers for a source: "email:NAME" its own, another plugin's source the first;
 * -1. */
ptrdiff_t mailbox_of_source(const struct email_config *c, struct str source);

/* read.c, in a child. */
bool email_read(const struct tl_read *in, const struct tl_emit *out);
/* send.c */
void email_send(void *instance, struct tl_job *job, const struct tl_outbound *what);
/* send.c, in a child. */
bool email_work_send(struct str kind, struct str payload, const struct tl_emit *out);

#endif
