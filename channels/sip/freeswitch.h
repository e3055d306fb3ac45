/* sip/freeswitch.h - what the files of FreeSWITCH's formats share: the variables of one leg, from
 * whatever they were written in, and what they say of a call. Pure. */
#ifndef SIP_FREESWITCH_H
#define SIP_FREESWITCH_H

#include "format.h"

/* The variables that are looked at; the order is that of freeswitch_names. */
enum fs_name {
    FS_UUID,
    FS_CALL_UUID,
    FS_BRIDGE_UUID,
    FS_SIGNAL_BOND,
    FS_ORIGINATING_LEG,
    FS_DIRECTION,
    FS_CALLER_NUMBER,
    FS_CALLER_NAME,
    FS_DESTINATION,
    FS_SIP_TO_USER,
    FS_SIP_REQ_USER,
    FS_SIP_FROM_USER,
    FS_START_UEPOCH,
    FS_ANSWER_UEPOCH,
    FS_END_UEPOCH,
    FS_START_EPOCH,
    FS_ANSWER_EPOCH,
    FS_END_EPOCH,
    FS_START_STAMP,
    FS_ANSWER_STAMP,
    FS_END_STAMP,
    FS_DURATION,
    FS_BILLSEC,
    FS_CAUSE,
    FS_CAUSE_Q850,
    FS_TERM_STATUS,
    FS_FAILURE_STATUS,
    FS_HANGUP,
    FS_LAST_APP,
    FS_ORIGINATE,
    FS_BRIDGE_CHANNEL,
    FS_DIALED_USER,
    FS_CC_QUEUE,
    FS_CC_AGENT,
    FS_CC_CAUSE,
    FS_CC_CANCEL,
    FS_RECORDING,
    FS_PRIVACY,
    FS_CONTEXT,
    FS_TRANSFER,
    FS_NAMES,
};
extern const char *const freeswitch_names[FS_NAMES];

struct fs_leg {
    struct str v[FS_NAMES];
    /* From the call flow: the first profile (what was dialled), in microseconds when it began. */
    struct str first_caller, first_name, first_destination, created;
};

/* What the leg says; false: *out_why. Percent-coded values must have been decoded. */
bool freeswitch_say(const struct format_in *in, const struct fs_leg *leg, struct call_line *out,
                    const char **out_why);
/* Fills a leg from XML (mod_xml_cdr). Values live in the arena. */
bool freeswitch_xml(struct arena *a, struct str xml, struct fs_leg *out, const char **out_why);

#endif
