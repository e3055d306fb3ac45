/* sip/hep_calls.h - from captured SIP messages to calls, a state machine by Call-ID. Pure: the
 * caller gives the clock.
 *
 *   INVITE ──► calling ──1xx──► ringing ──2xx──► talking ──BYE──► over
 *                 └──── 3xx…6xx, CANCEL and 3 s, 100 s of silence ──► over
 *
 * What is captured is seen on several hops, twice, out of order and with gaps. The first hop's
 * transaction (the INVITE that no To tag has, with the highest CSeq: after a 401 the call is asked
 * for anew) tells how the call went; what other hops answer only tells of its branches. A message
 * of a call that is over may still tell it again (a 200 after the 487).
 */
#ifndef SIP_HEP_CALLS_H
#define SIP_HEP_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "sip_message.h"

enum hep_state {
    HEP_CALLING, /* an INVITE was seen, no answer yet */
    HEP_RINGING, /* 180 or 183 */
    HEP_TALKING, /* 2xx to the INVITE */
    HEP_OVER,    /* ended, and told */
};

/* How a call ended. */
enum hep_end {
    HEP_END_BYE,
    HEP_END_FINAL,   /* a final answer that is no success: code */
    HEP_END_CANCEL,  /* CANCEL was seen, the 487 was not */
    HEP_END_TIMEOUT, /* no final answer within 100 s */
    HEP_END_EXPIRED, /* no BYE within the longest call */
};

/* One call as its messages tell it; views into its own memory. Times in ms since 1970, -1 none.
 * caller, callee, target and diverted are URIs. */
struct hep_call {
    struct str id, caller, display, callee, diverted, link;
    struct str target;        /* whom the answered branch called */
    struct str raw;           /* the messages as they came */
    bool withheld, elsewhere; /* elsewhere: cancelled since another took the call (RFC 3326) */
    enum hep_state state;
    enum hep_end end;
    int code, q850; /* 0: none */
    int64_t start_ms, ring_ms, answer_ms, end_ms;
    unsigned revision; /* how often it was told before */
};

struct hep_options {
    int64_t invite_ms;  /* 0: 100 s */
    int64_t longest_ms; /* 0: 6 h */
    size_t calls_max;   /* 0: 20,000: the oldest ends as expired */
};

struct hep_calls;
typedef void hep_tell_fn(void *arg, const struct hep_call *call);

struct hep_calls *hep_calls_new(const struct hep_options *options, hep_tell_fn *tell, void *arg);
void hep_calls_free(struct hep_calls *c);
/* Whether P-Asserted-Identity names the caller, from now on. */
void hep_calls_trust(struct hep_calls *c, bool trust_asserted);
/* One message at a time; bytes are kept as they came. now_ms is monotonic. false: it tells of no
 * call (REGISTER, OPTIONS …, or one of which nothing is known). */
bool hep_calls_add(struct hep_calls *c, const struct sip_message *m, struct str bytes,
                   struct str link, int64_t at_ms, int64_t now_ms);
/* Ends what has waited too long, forgets what is over. */
void hep_calls_tick(struct hep_calls *c, int64_t now_ms);
size_t hep_calls_open(const struct hep_calls *c);

#endif
