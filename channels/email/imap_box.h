/* imap_box.h - one mailbox, fetched: its lease, its connection, its cursor.
 *
 *   OFF ─lease─► TOKEN ─► CONNECTING ─► ENTERING ─► REDOING ─► SCANNING ◄─► PULLING ◄─► ACTING
 *    ▲             ▲                                              │ nothing left
 *    │ lease lost  └── WAITING (back-off) ◄── connection lost ──  RESTING (IDLE, or a pause)
 *
 * A mail's bytes and the cursor behind it are one commit of the spool; only then is the mail marked
 * or moved. So a crash anywhere fetches again at most what was not committed, and the mail's id,
 * which is that of LMTP, makes fetching again harmless.
 */
#ifndef EMAIL_IMAP_BOX_H
#define EMAIL_IMAP_BOX_H

#include <touchline/kit/arena.h>
#include <touchline/kit/list.h>

#include "email.h"
#include "imap_cursor.h"
#include "imap_pull.h"
#include "imap_scan.h"
#include "oauth.h"

enum box_state {
    BOX_OFF,
    BOX_WAITING,
    BOX_TOKEN,
    BOX_CONNECTING,
    BOX_ENTERING,
    BOX_REDOING,
    BOX_SCANNING,
    BOX_PULLING,
    BOX_ACTING,
    BOX_RESTING,
};

enum box_after { AFTER_NONE, AFTER_SEEN, AFTER_MOVE };

struct imap_box {
    struct link link;
    struct email *email;
    struct arena arena; /* of the copies below: the configuration may go while we end */
    struct str name, source, part, cursor_name;
    struct imap_config config;
    struct str meta; /* for read(): JSON without its last brace */
    enum box_after after;
    struct str folder; /* of AFTER_MOVE, as IMAP writes it */
    size_t mail_max;

    struct tl_lease *lease;
    bool held, closed, draining;
    enum box_state state;
    struct tl_timer *timer; /* what it means depends on the state */
    struct imap_session *session;
    unsigned attempts, denied; /* in a row */

    struct oauth_ask *ask;
    struct buf token;
    int64_t token_until_ms; /* better asked for anew from then on; 0: its end was not told */

    struct imap_cursor cursor;
    int64_t floor_ms; /* of a scan after UIDVALIDITY changed; 0: none */
    struct imap_scan scan;
    struct imap_uids wanted; /* of one window */
    size_t wanted_at, wanted_end;
    struct imap_pull *pull;
    uint32_t suspect; /* the connection broke when this one was due */
    unsigned suspect_times, refused_times;

    /* the mail that was handed to the host */
    bool submitting, again;
    struct imap_mail mail;
    struct imap_cursor next; /* once it is kept */
    unsigned busy_times;

    struct imap_uids todo; /* kept, not yet marked or moved */
    size_t acting_n;
    void (*acted)(struct imap_box *b);
};

/* imap_box.c */
struct imap_box *imap_box_new(struct email *e, const struct mailbox_config *m);
bool imap_box_same(const struct imap_box *b, const struct email *e, const struct mailbox_config *m);
void imap_box_drain(struct imap_box *b);
/* From the configuration taken, or the channel stops: freed once nothing is under way. now: the
 * host calls nothing back any more. */
void imap_box_close(struct imap_box *take_b, bool now);
void box_fail(struct imap_box *b, const char *why);
void box_timer(struct imap_box *b, uint32_t after_ms, tl_timer_fn *fire);
void box_health(struct imap_box *b, enum tl_health state, const char *format, ...)
    printf_like(3, 4);
void box_count(struct imap_box *b, const char *name, const char *label);
void box_submitted(struct imap_box *b); /* may free a box that is closed */

/* imap_intake.c: what is new, taken in; then box_rest */
void box_look(struct imap_box *b);
void box_intake_clear(struct imap_box *b);
void box_rest(struct imap_box *b);
/* For read(): what is known beside the mail. out is made by the call. */
struct str box_meta(const struct imap_box *b, const struct imap_mail *m, struct buf *out);

/* imap_act.c: marks or moves what stands in todo, then calls `then`, also when it could not. */
void box_act(struct imap_box *b, void (*then)(struct imap_box *b));
/* What an earlier run had kept and not yet marked or moved. */
void box_redo(struct imap_box *b, void (*then)(struct imap_box *b));

#endif
