/* spool/schema.h - the tables of spool.db. What each holds stands in README.md. */
#ifndef SPOOL_SCHEMA_H
#define SPOOL_SCHEMA_H

#include <stdbool.h>

#include <touchline/kit/fault.h>

struct db;

/* Makes the tables in an empty file. Faults: SYSTEM; STATE (place "schema"): a newer major wrote
 * it. */
bool schema_make(struct db *d, struct fault *f) must_check;

#endif
