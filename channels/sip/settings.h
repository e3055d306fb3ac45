/* sip/settings.h - what the operator says of a source of call records: its table of keys, its
 * check. */
#ifndef SIP_SETTINGS_H
#define SIP_SETTINGS_H

#include <touchline/plugin.h>

#include "number.h"

/* Records come from one of file, directory, listen; what can be posted (a format with `document`)
 * is taken at /cdr/NAME as well. */
struct log_config {
    struct str name, group, zone;
    struct str file, directory, listen;
    struct str user, password; /* of /cdr/NAME, Basic */
    struct str secret;         /* of packets (HEP's key) */
    struct tl_strs columns;    /* names of the columns, in their order */
    struct tl_strs contexts;   /* dialplan contexts by which calls come in */
    struct tl_pairs queues;    /* a queue's number or id to the name shown */
    int64_t format;
    bool trust_asserted; /* P-Asserted-Identity is the caller (RFC 3325) */
    struct trunk_config trunk;
};

extern const struct tl_key settings_keys[];
bool settings_check(const void *config, tl_report_fn *report, void *ctx);
/* The source's name: the group's where it has one, so that several files tell of the same calls. */
struct str settings_source(const struct log_config *c);

#endif
