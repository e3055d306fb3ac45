/* ingest/conversation.h - into which exchange a touchpoint belongs. Pure.
 *
 *   references, the nearest first ─► our token of one that is gone ─► thread ─► a mail's subject
 *        ─► the open one of its channel and source ─► its own
 *
 * References count only where the conversation belongs to the same contact: whoever learns a
 * Message-ID must not get into somebody else's exchange. A foreign one is named as related.
 */
#ifndef INGEST_CONVERSATION_H
#define INGEST_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>

#include "store/contact.h"

struct touchpoint;

/* What a reference of the touchpoint turned out to be. */
struct reference_fact {
    bool token;               /* the id carries our MAC */
    bool found, erased, ours; /* ours: lies with the contact that the touchpoint belongs to */
    struct id part, conversation_id;
    const struct conversation *conversation; /* NULL: its entry is gone */
};
/* What the contact has: of its own part, then of the part through which the identity led. */
struct open_fact {
    struct id part;
    const struct conversation *open, *thread; /* NULL: none */
};
struct conversation_choice {
    enum join_mode mode;
    struct id part; /* where it is appended */
    struct id conversation;
    const struct conversation *existing; /* for the rules; NULL: it begins */
    bool by_source, by_thread;           /* may later be found by them */
    bool by_callback;  /* a call: with the others while somebody is to be called back */
    bool foreign;      /* names an exchange of somebody else */
    struct id related; /* foreign: that one */
};

void conversation_choose(const struct touchpoint *tp, struct id contact,
                         const struct reference_fact *references, size_t n,
                         const struct open_fact *opens, size_t opens_n,
                         struct conversation_choice *out);
/* A mail, a form, a call begins its own (calls: unless one waits to be called back); the others
 * join the contact's open one. */
bool conversation_begins_own(const struct touchpoint *tp);

#endif
