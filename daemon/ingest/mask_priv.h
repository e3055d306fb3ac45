/* ingest/mask_priv.h - what mask.c (rules), mask_text.c (one text) and mask_touchpoint.c (a whole
 * one) share. */
#ifndef INGEST_MASK_PRIV_H
#define INGEST_MASK_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "ingest/mask.h"

enum mask_find { FIND_NOTHING = 0, FIND_CARD = 1, FIND_IBAN = 2, FIND_PATTERN = 4 };

struct mask_rule {
    const struct mask_config *config;
    unsigned find;       /* of enum mask_find */
    pcre2_code *pattern; /* of FIND_PATTERN */
    char name[40];       /* of the metric: "card", "card+iban", "pattern 3" */
};

struct mask {
    struct mask_rule *rules;
    size_t n;
    struct id_maker *ids;
};

/* Whether the rule is for this channel ("form") or the plugin that took it in ("forms"). */
bool mask_rule_for(const struct mask_rule *r, struct str channel, struct str plugin);
void mask_count(const struct mask_rule *r, struct str channel, size_t n);
/* The text with what the rule finds replaced; returns how often. 0: out is empty, nothing was
 * found. */
size_t mask_rule_text(const struct mask *m, const struct mask_rule *r, struct str text, bool raw,
                      struct buf *out);
/* What stands in place of a whole value. */
void mask_rule_whole(const struct mask *m, const struct mask_rule *r, struct str text,
                     struct buf *out);

#endif
