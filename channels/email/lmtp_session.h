/* lmtp_session.h - one LMTP session as a state machine (RFC 2033, RFC 5321): bytes in, replies out.
 *
 *            LHLO            MAIL            RCPT             DATA             CRLF.CRLF
 *   FRESH ─────────► READY ────────► MAIL ────────► RCPT ────────► DATA ───────────────► WAIT
 *                      ▲                              │ RSET                              │ every
 *                      └──────────────────────────────┴───────────────────────────────────┘ outcome
 *
 * Pure: no I/O, no clock. Its body, lmtp_conn.c, feeds it, hands a complete mail to the host while
 * it is in WAIT, and gives it the outcomes. What it holds is bounded: one line of 4 KiB, 1,000
 * recipients, one mail of at most max_bytes, all sessions together at most the budget.
 */
#ifndef EMAIL_LMTP_SESSION_H
#define EMAIL_LMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/buf.h>
#include <touchline/plugin.h>
#include <touchline/str.h>

enum {
    LMTP_LINE_MAX = 4096,
    LMTP_RCPT_MAX = 1000,
    LMTP_BAD_MAX = 100,   /* refused commands, then 421 */
    LMTP_IDLE_MAX = 1000, /* commands that lead nowhere (NOOP, RSET, VRFY …) since the last mail */
    LMTP_RECEIVED_MAX = 50,
    LMTP_REPLIES_PAUSE = 16 * 1024, /* feed stops here until the replies have been taken */
};

enum lmtp_state {
    LMTP_FRESH,  /* greeted; only LHLO opens a session */
    LMTP_READY,  /* no mail under way */
    LMTP_MAIL,   /* sender known */
    LMTP_RCPT,   /* at least one recipient taken */
    LMTP_DATA,   /* gathering the mail; no line is a command */
    LMTP_WAIT,   /* the mail is whole; nothing is read until each recipient has its outcome */
    LMTP_CLOSED, /* 221 or 421 said; nothing is read any more */
    LMTP_STATES
};

/* Gathered bytes of all sessions of one listener. */
struct lmtp_budget {
    size_t used_bytes, max_bytes;
};

/* Which mailbox an address leads to. The name is copied. */
typedef bool lmtp_find_fn(void *ctx, struct str address, struct str *out_mailbox);

struct lmtp_options {
    struct str host_name; /* in the greeting; copied */
    size_t max_bytes;     /* of one mail */
    struct lmtp_budget *budget;
    lmtp_find_fn *find;
    void *ctx;
};

struct lmtp_recipient {
    struct str address, mailbox;
    bool done;
    enum tl_status status;
    struct str id;
};

struct lmtp_session;
struct lmtp_session *lmtp_session_new(const struct lmtp_options *options);
void lmtp_session_free(struct lmtp_session *s);

enum lmtp_state lmtp_session_state(const struct lmtp_session *s);

/* Takes bytes and says how many; the rest is to be offered again once replies were taken or
 * outcomes given. Takes none in WAIT and CLOSED. */
size_t lmtp_session_feed(struct lmtp_session *s, struct str bytes);

/* What is to be written; the caller consumes it. */
struct buf *lmtp_session_replies(struct lmtp_session *s);

/* Says 421 with that text ("4.4.2 idle too long") and closes. Harmless in CLOSED. */
void lmtp_session_end(struct lmtp_session *s, const char *reason);

/* In WAIT: the mail as it came (dots unstuffed), its sender ("" for <>), its recipients. */
struct str lmtp_session_mail(const struct lmtp_session *s);
struct str lmtp_session_sender(const struct lmtp_session *s);
const struct lmtp_recipient *lmtp_session_recipients(const struct lmtp_session *s, size_t *out_n);

/* The outcome of every recipient of that mailbox. With the last one the replies go out, in order,
 * and the session is READY. */
void lmtp_session_outcome(struct lmtp_session *s, struct str mailbox, enum tl_status status,
                          struct str id);

#endif
