/* delivery/offer_link.h - the right to accept or reject one offer, as the last part of a link.
 * Pure.
 *
 *   TOKEN = base64url("1 LF a|r LF OFFER LF EXPIRES LF TASK LF AGENT") "." base64url(HMAC-SHA256 of
 * it)
 *
 * The key is derived from the installation's secret for this purpose alone, so no other MAC of ours
 * is one of these. Written by notice_mail.c, read by api/offers.c.
 */
#ifndef DELIVERY_OFFER_LINK_H
#define DELIVERY_OFFER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

struct arena;
struct buf;

struct offer_link_key {
    uint8_t bytes[SHA256_BYTES];
};
void offer_link_key(struct str secret, struct offer_link_key *out);

struct offer_link {
    struct str agent, task;
    int64_t offer;
    bool accept; /* else reject */
    int64_t expires_s;
};
/* Appends the token. false: no room. */
bool offer_link_write(const struct offer_link_key *key, const struct offer_link *link,
                      struct buf *out) must_check;

enum offer_link_verdict { OFFER_LINK_GOOD, OFFER_LINK_EXPIRED, OFFER_LINK_WRONG };
/* out (its strings in the arena) is set unless WRONG. Compared in constant time, as the one text
 * that we would write: no second spelling of a token is good. */
enum offer_link_verdict offer_link_read(const struct offer_link_key *key, struct str token,
                                        int64_t now_ms, struct arena *a, struct offer_link *out);

#endif
