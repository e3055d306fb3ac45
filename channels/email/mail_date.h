/* mail_date.h - the Date of a mail: by RFC 5322, else as it is met. Pure. */
#ifndef EMAIL_MAIL_DATE_H
#define EMAIL_MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/str.h>

/* "Mon, 23 Nov 2026 07:00:00 +0000", and: names written out, dashes, a month in front of the day,
 * the order of ctime and of ISO 8601, no zone (UTC), "GMT+0100", dots in the time, AM and PM.
 * false: there is no day, month and year in it, or no such time. */
bool mail_date(struct str value, int64_t *out_ms);

#endif
