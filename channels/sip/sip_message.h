/* sip/sip_message.h - one SIP message (RFC 3261) as a capture gives it: its first line and those
 * headers that tell of a call. Pure.
 *
 * Read generously, since what is captured was accepted by somebody: compact names, folded lines,
 * bare LF, any case. The body is not looked at.
 */
#ifndef SIP_MESSAGE_H
#define SIP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* name-addr or addr-spec (RFC 3261 20.10): display without quotes and escapes; params from the
 * first ';' on behind the address. */
struct sip_address {
    struct str display, uri, params;
};

struct sip_message {
    bool request;
    struct str method; /* of a response that of its CSeq */
    struct str uri;    /* of a request */
    int code;          /* of a response */
    int64_t cseq;
    struct str call_id, from_tag, to_tag;
    struct sip_address from, to;
    struct str branch;                         /* of the topmost Via: the transaction on this hop */
    struct sip_address asserted, asserted_tel; /* P-Asserted-Identity: sip: and tel: (RFC 3325) */
    struct sip_address remote_party;           /* Remote-Party-ID */
    struct sip_address diverted; /* the first Diversion (RFC 5806): who passed it on */
    bool privacy; /* Privacy: id, user or header (RFC 3323, 3325); Remote-Party-ID privacy=full */
    int q850, cause; /* Reason (RFC 3326): protocol Q.850, SIP; 0 none */
};

/* Views into bytes, or into the arena where a line was folded. false: no SIP message, *out_why. */
bool sip_message_read(struct arena *a, struct str bytes, struct sip_message *out,
                      const char **out_why);
struct sip_address sip_address_read(struct arena *a, struct str s);
/* A parameter's value without quotes, as in ";tag=x;y"; absent where it is not there, empty where
 * it has no value. */
struct str sip_param(struct str params, const char *name);

#endif
