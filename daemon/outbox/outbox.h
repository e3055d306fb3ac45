/* outbox/outbox.h - replies on their way out: touchpoint and outbox entry in one commit, attempts,
 * delivery state.
 *
 *   reply ──► RECORD_REPLY ──commit──► 202 ──attempt──► sender (plugin) ──► sent | again later | failed
 *                                                       └──► RECORD_DELIVERY ──► pipeline ──► timeline
 * Back-off 10 s doubling to 1 h, given up after 48 h; always the same Message-ID.
 */
#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "store/answer.h"

struct blob_store;
struct id_maker;
struct loop;
struct outbox;
struct spool;
struct store;

/* Who sends: handed in by main.c (plugin/host.c). */
struct sender {
    void *ctx;
    /* Whether this source has a way out, and as whom: name and address (absent for platforms). */
    bool (*who)(void *ctx, struct str source, struct str *out_name, struct str *out_address);
    /* Why its channel cannot send this now, in words for the agent; asked before anything is kept.
     * true: it cannot. NULL: all can. */
    bool (*refuses)(void *ctx, const struct tl_outbound *what, char *out_why, size_t max);
    /* done once, on the loop, later. */
    void (*send)(void *ctx, const struct tl_outbound *what,
                 void (*done)(void *arg, const struct tl_sent_result *result), void *arg);
};

bool outbox_open(struct loop *loop, struct spool *spool, struct blob_store *blobs,
                 struct store *store, struct id_maker *ids, const struct sender *sender,
                 struct str region, struct outbox **out, struct fault *f) must_check;
void outbox_drain(struct outbox *o);
void outbox_close(struct outbox *o);

struct outbox_reply {
    struct str conversation; /* answers here; absent: begins one with `contact` */
    /* Of a first message: to is one of the contact's identities. */
    struct str contact, channel, to, subject;
    struct str body; /* request's JSON: {"text","html","attachments","subject"} */
    struct str by;   /* agent's id */
    struct str by_name;
    struct str idem_key, idem_hash; /* absent: none */
    struct str nonce;               /* makes the id when there is no key: random */
    bool automatic;                 /* no agent's answer: auto is "auto-reply" */
};
/* OK (202): the outbound touchpoint's JSON with delivery.state "queued". REFUSED: no way out, bad
 * field. CONFLICT "reply-refused": the channel cannot send it now (a platform's window is over).
 * The reply goes to the identity of the conversation's last inbound touchpoint, never to another
 * one. */
void outbox_reply(struct outbox *o, const struct outbox_reply *r, answer_fn *done, void *arg);
/* What we say by ourselves to whoever began a conversation: as a reply, marked as automatic. The
 * same touchpoint again is the same message. Nobody waits for what becomes of it. */
struct outbox_notice {
    struct str conversation, touchpoint, subject, text;
};
void outbox_notice(struct outbox *o, const struct outbox_notice *n);
uint64_t outbox_length(const struct outbox *o);

#endif
