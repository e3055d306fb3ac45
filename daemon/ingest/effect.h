/* ingest/effect.h - records of effects, as actions write them and the pipeline applies them. */
#ifndef INGEST_EFFECT_H
#define INGEST_EFFECT_H

#include <jansson.h>

#include <touchline/kit/arena.h>

#include "store/contact.h"

struct ingest;
struct job;

/* One record under way; it ends by one of the three below. */
struct effect {
    struct job *j;
    struct ingest *g;
    json_t *head;
    struct id contact, other;
    int64_t at_ms, rev;
    size_t next; /* of a list being worked through */
};
void effect_end(struct effect *take_e);
void effect_fail(struct effect *take_e, const struct fault *fault); /* comes again */
void effect_bad(struct effect *take_e, const char *reason);         /* into quarantine */

/* effect_conversation.c */
void effect_conversation(struct effect *e);

/* A list of {"kind","value","verified","evidence"} as Redis knows them; returns how many. */
size_t effect_identities(struct ingest *g, struct arena *a, const json_t *list,
                         enum link_basis link, struct contact_identity *out, size_t max);

#endif
