/* delivery/notices_priv.h - what the files of notices share.
 *
 *   notices.c      who is told, looking and taking, what became of an attempt
 *   notice_plan.c  pure: pauses between attempts, the webhook's body and id
 *   notice_mail.c  one attempt by mail
 *   notice_hook.c  one attempt by webhook
 */
#ifndef DELIVERY_NOTICES_PRIV_H
#define DELIVERY_NOTICES_PRIV_H

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "config/notices.h"
#include "config/people.h"
#include "delivery/notices.h"
#include "delivery/offer_link.h"
#include "outbox/outbox.h"
#include "store/notice.h"

struct loop_timer;

enum { NOTICE_JSON_MAX = 4 << 20 };

struct notices {
    struct loop *loop;
    struct store *store;
    struct egress *egress;
    struct sender sender;
    struct notices_setup setup;
    struct offer_link_key key;
    struct loop_timer *timer;
    struct map told;      /* struct notices_told by agent: those with mail or webhook */
    struct map gone;      /* addresses that answered 410, until the next reload */
    struct link attempts; /* struct notice_attempt */
    size_t attempts_n;
    int64_t kept_ms; /* monotonic: when they were last kept ours */
    bool rung, scanning, scan_again, taking, take_again, drained, closed;
    size_t refs; /* the opener's, and one a question or attempt under way */
};

/* One notice under way; all its strings lie in its arena. */
struct notice_attempt {
    struct link link;
    struct notices *n;
    struct arena arena;
    struct notice notice;
    struct str id;  /* webhook-id, and the left part of the Message-ID */
    struct str url; /* of a webhook: as it was asked */
};

/* ---- notices.c ---- */
enum notice_end {
    NOTICE_SENT,
    NOTICE_RETRY,
    NOTICE_NEVER,  /* refused for good */
    NOTICE_SKIPPED /* nobody needs it any more */
};
/* Ends the attempt and frees it. retry_after_ms: asked for by the other side, else 0. */
void notice_attempt_end(struct notice_attempt *take_a, enum notice_end how, struct str why,
                        int64_t retry_after_ms);
const struct agent_config *notice_agent(const struct notices *n, struct str id);

/* ---- notice_plan.c ---- */
/* The pause after so many attempts; -1: given up. An offer is tried until it is over, others as
 * Standard Webhooks suggests. */
int64_t notice_pause_ms(struct str type, int64_t tries, int64_t retry_after_ms);
/* "n_1700000000000-0" of a notice's key. */
struct str notice_id(struct arena *a, struct str key);
int64_t notice_at_ms(struct str key); /* when what it tells of happened */
/* {"type","timestamp","data"} */
bool notice_hook_body(struct buf *out, const struct notice *notice) must_check;

/* ---- notice_mail.c, notice_hook.c ---- */
void notice_mail(struct notice_attempt *a, const struct agent_config *to);
void notice_hook(struct notice_attempt *a, const struct agent_config *to);

#endif
