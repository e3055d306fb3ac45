/* ingest/rules_priv.h - conditions as compiled; shared by rules.c (reading the file) and
 * condition.c (judging). */
#ifndef INGEST_RULES_PRIV_H
#define INGEST_RULES_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <touchline/kit/arena.h>

#include "ingest/rules.h"

enum condition_kind {
    COND_ALL,    /* children */
    COND_ANY,    /* children */
    COND_NOT,    /* one child */
    COND_EQUALS, /* one of values */
    COND_MATCHES,
    COND_STARTS,
    COND_ENDS,
    COND_HAS,
    COND_ABOVE,
    COND_BELOW,
    COND_EXISTS,
    COND_OPEN, /* now, in one of the calendars named by values */
};

struct condition {
    enum condition_kind kind;
    struct str field;
    struct str *values;
    size_t values_n;
    double number;
    bool wanted; /* of EXISTS */
    pcre2_code *pattern;
    struct condition *children;
    size_t children_n;
};

/* ingest/condition.c */
bool condition_holds(const struct condition *c, const struct rule_facts *facts);
/* true for a path that a touchpoint, contact or conversation can have; else *out_near may name the
 * nearest. */
bool condition_field_known(struct str field, const char **out_near);

#endif
