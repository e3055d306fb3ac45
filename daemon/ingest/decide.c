/* ingest/decide.c - see decide.h; the rules are those of the design's "several identities". */
#include "ingest/decide.h"

/* The first that leads anywhere; verified ones stand before claimed ones. */
static size_t find_anchor(const struct decide_identity *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ids[i].state != IDENTITY_UNKNOWN)
            return i;
    return n;
}

static void choose_target(const struct decide_identity *ids, size_t n, struct decision *out) {
    size_t anchor = find_anchor(ids, n);
    out->anchor = 0;
    if (n == 0) {
        out->target = TARGET_NOBODY;
    } else if (anchor == n || (ids[0].verified && !ids[anchor].verified)) {
        /* Nobody is known, or only by what a verified person merely says of himself. */
        out->target = TARGET_HOME;
    } else if (ids[anchor].state == IDENTITY_ERASED) {
        out->target = TARGET_ERASED;
    } else {
        out->target = TARGET_CONTACT;
        out->anchor = anchor;
        out->contact = ids[anchor].contact;
    }
}

static void set(struct decision *out, size_t i, enum decide_link link, enum link_basis basis,
                size_t contact) {
    out->identities[i].link = link;
    out->identities[i].basis = basis;
    out->identities[i].contact = contact;
}

static void link_unknown(const struct decide_identity *ids, size_t i,
                         const struct decide_contact *contacts, bool link_claims,
                         struct decision *out) {
    const struct decide_identity *anchor = &ids[out->anchor];
    bool verified_contact = out->target == TARGET_CONTACT && contacts[out->contact].verified;
    if (ids[i].verified && anchor->verified)
        set(out, i, DECIDE_ALIAS, LINK_VERIFIED, SIZE_MAX);
    else if (link_claims && !ids[i].verified && !anchor->verified && !verified_contact)
        set(out, i, DECIDE_ALIAS, LINK_CLAIMED, SIZE_MAX);
    else
        set(out, i, DECIDE_SUGGEST, LINK_CLAIMED, SIZE_MAX);
}

static void link_known(const struct decide_identity *ids, size_t i, struct decision *out) {
    const struct decide_identity *anchor = &ids[out->anchor];
    bool both = ids[i].verified && anchor->verified;
    if (out->target == TARGET_CONTACT && ids[i].contact == out->contact)
        set(out, i, DECIDE_SAME, both || !ids[i].claimed ? LINK_VERIFIED : LINK_CLAIMED, SIZE_MAX);
    else if (both && !ids[i].claimed && !anchor->claimed)
        set(out, i, DECIDE_MERGE, LINK_VERIFIED, ids[i].contact);
    else
        set(out, i, DECIDE_SUGGEST, LINK_CLAIMED, ids[i].contact);
}

/* Of contacts that are one, the oldest stays. */
static void choose_oldest(const struct decide_contact *contacts, size_t n, struct decision *out) {
    size_t was = out->contact, oldest = was;
    for (size_t i = 0; i < n; i++) {
        size_t c = out->identities[i].contact;
        if (out->identities[i].link == DECIDE_MERGE &&
            contacts[c].born_ms < contacts[oldest].born_ms)
            oldest = c;
    }
    if (oldest == was)
        return;
    out->contact = oldest;
    for (size_t i = 0; i < n; i++)
        if (out->identities[i].link == DECIDE_MERGE && out->identities[i].contact == oldest)
            out->identities[i].contact = was;
}

void decide(const struct decide_identity *ids, size_t n, const struct decide_contact *contacts,
            bool link_claims, struct decision *out) {
    *out = (struct decision){.contact = SIZE_MAX};
    choose_target(ids, n, out);
    if (out->target == TARGET_NOBODY || out->target == TARGET_ERASED)
        return;
    for (size_t i = 0; i < n; i++) {
        if (i == out->anchor)
            set(out, i, DECIDE_SAME,
                ids[i].state == IDENTITY_KNOWN && ids[i].claimed ? LINK_CLAIMED : LINK_CONFIRMED,
                SIZE_MAX);
        else if (ids[i].state == IDENTITY_UNKNOWN)
            link_unknown(ids, i, contacts, link_claims, out);
        else if (ids[i].state == IDENTITY_KNOWN)
            link_known(ids, i, out);
    }
    if (out->target == TARGET_CONTACT)
        choose_oldest(contacts, n, out);
}
