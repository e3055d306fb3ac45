/* social/twilio.h - between the two files of this provider. */
#ifndef SOCIAL_TWILIO_H
#define SOCIAL_TWILIO_H

#include "provider.h"

enum { TWILIO_FIELDS_MAX = 200 };

/* The `read_bytes` of its row (twilio_read.c). */
bool twilio_read(const struct tl_read *in, const json_t *meta, const struct tl_emit *out);
/* What X-Twilio-Signature is over, of an address and an urlencoded body: the address, then every
 * parameter's name and value, by name. Absent: too many parameters. In the arena. */
struct str twilio_signed(struct arena *a, struct str url, struct str form);

#endif
