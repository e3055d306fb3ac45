/* sip/settings.h - what the operator says of a log: its table of keys, its check. */
#ifndef SIP_SETTINGS_H
#define SIP_SETTINGS_H

#include <touchline/plugin.h>

#include "number.h"

struct format;

struct log_config {
    struct str name, file, zone;
    int64_t format;
    struct trunk_config trunk;
};

extern const struct tl_key settings_keys[];
bool settings_check(const void *config, tl_report_fn *report, void *ctx);
/* By its index among the choices of `format`. */
const struct format *settings_format(int64_t index);

#endif
