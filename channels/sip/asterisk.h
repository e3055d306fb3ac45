/* sip/asterisk.h - what Asterisk's records share: the fields of a CDR, its times, channel names.
 * Pure. */
#ifndef SIP_ASTERISK_H
#define SIP_ASTERISK_H

#include "format.h"

struct ast_cdr {
    struct str accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start,
        answer, end, duration, billsec, disposition, amaflags, uniqueid, userfield, peeraccount,
        linkedid, sequence, recording, did;
};

/* Sets the field of that name, as CDR() and cdr_custom.conf know it; false: none of ours. */
bool ast_cdr_set(struct ast_cdr *cdr, struct str name, struct str value);
/* What the record says; raw: all of it, the call's name where it has no id. */
enum format_verdict ast_cdr_read(const struct format_in *in, const struct ast_cdr *cdr,
                                 struct str raw, struct call_line *out, const char **out_why);

/* (name-)digits.digits, the first digits are seconds of UTC: when the channel was created. */
bool ast_unique_ms(struct str s, int64_t *out_ms);
/* "2026-11-23 09:00:00" of the zone, or seconds since 1970 with a fraction; -1: none. Of a time
 * that is there twice the one that is not before not_before_ms. */
int64_t ast_time(const struct format_in *in, struct str s, int64_t not_before_ms);
bool ast_is_local(struct str channel);
/* "PJSIP/100-0000001f" to "PJSIP/100". */
struct str ast_device(struct str channel);
/* The name of "Alice" <1001>, and the number. */
struct str ast_display(struct arena *a, struct str clid);
struct str ast_number(struct str clid);
/* s, h, i, t and their kind are no number that anybody dialled. */
struct str ast_dialled(struct str exten);

#endif
