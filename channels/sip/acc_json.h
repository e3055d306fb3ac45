/* sip/acc_json.h - an accounting record as a JSON object: Kamailio's acc_json, OpenSIPS' events.
 * Pure. */
#ifndef SIP_ACC_JSON_H
#define SIP_ACC_JSON_H

#include "acc.h"

/* Where in a line (a syslog's prefix before it) such an object begins; absent: nowhere. */
struct str acc_json_find(struct str line);
enum format_verdict acc_json_read(const struct format_in *in, struct str json,
                                  struct call_line *out, const char **out_why);

#endif
