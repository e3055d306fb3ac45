/* sip/format.h - a format of call log: one line to what it says about a call. Pure; a file each, a
 * row each in plugin.c. */
#ifndef SIP_FORMAT_H
#define SIP_FORMAT_H

#include "calls.h"
#include "zone.h"

enum format_verdict {
    FORMAT_NOTHING, /* no call record: another program's line, a comment */
    FORMAT_LINE,
    FORMAT_BAD, /* a call record that cannot be read: *out_why */
};

struct format {
    const char *name; /* as the configuration names it */
    enum format_verdict (*read)(struct arena *a, struct str line, const struct zone *zone,
                                struct call_line *out, const char **out_why);
};

extern const struct format format_kamailio, format_asterisk_csv;

#endif
