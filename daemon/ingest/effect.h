/* ingest/effect.h - records of effects, as actions write them and the pipeline applies them. */
#ifndef INGEST_EFFECT_H
#define INGEST_EFFECT_H

#include <jansson.h>

#include <touchline/kit/arena.h>

#include "store/contact.h"

struct ingest;

/* A list of {"kind","value","verified","evidence"} as Redis knows them; returns how many. */
size_t effect_identities(struct ingest *g, struct arena *a, const json_t *list,
                         enum link_basis link, struct contact_identity *out, size_t max);

#endif
