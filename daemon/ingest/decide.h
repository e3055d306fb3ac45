/* ingest/decide.h - whose touchpoint it is: identities and what they lead to, in; contact, links
 * and suggestions, out. Pure.
 *
 *   the strongest identity that is known decides; what rests on a claim alone never joins a
 * verified identity
 */
#ifndef INGEST_DECIDE_H
#define INGEST_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/contact.h"

enum { DECIDE_MAX = LOOK_IDENTITIES_MAX };

struct decide_identity {
    bool verified;
    enum {
        IDENTITY_UNKNOWN,
        IDENTITY_KNOWN,
        IDENTITY_ERASED /* after the touchpoint was accepted */
    } state;
    bool claimed;   /* KNOWN: by a link that rests on a claim */
    size_t contact; /* KNOWN: number of the contact */
};
struct decide_contact {
    int64_t born_ms;
    bool verified; /* one of its identities is */
};

enum decide_link {
    DECIDE_NOTHING,
    DECIDE_ALIAS /* becomes an alias */,
    DECIDE_SAME /* leads there already */,
    DECIDE_SUGGEST /* to an agent */,
    DECIDE_MERGE /* its contact and ours are one */
};
struct decision {
    enum {
        TARGET_CONTACT,
        TARGET_HOME /* a new one, at the strongest identity */,
        TARGET_NOBODY /* no identity */,
        TARGET_ERASED
    } target;
    size_t contact; /* CONTACT: its number, after merging */
    size_t anchor;  /* the identity that decided */
    struct {
        enum decide_link link;
        enum link_basis basis;
        size_t contact; /* SUGGEST, MERGE with another contact: its number; else SIZE_MAX */
    } identities[DECIDE_MAX];
};

/* identities: strongest first. link_claims: identity.link_claims. */
void decide(const struct decide_identity *identities, size_t n,
            const struct decide_contact *contacts, bool link_claims, struct decision *out);

#endif
