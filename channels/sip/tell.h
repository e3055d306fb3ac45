/* sip/tell.h - a call as a touchpoint: whose it is, which way it went, its JSON. Pure. */
#ifndef SIP_TELL_H
#define SIP_TELL_H

#include "calls.h"
#include "settings.h"

struct tell {
    bool inbound;
    struct number caller, callee;
    const char *nobody; /* why it can be on nobody's timeline; NULL: it can */
    const char *label;  /* that reason as a metric's label */
};

void tell_judge(struct arena *a, const struct call *c, const struct log_config *rules,
                struct tell *out);
/* false: too large for the buffer. */
bool tell_write(struct buf *out, const struct call *c, const struct log_config *rules,
                const struct tell *t) must_check;

#endif
