/* kit/date.h - instants as milliseconds since 1970 UTC, and the forms they come in. Pure. */
#ifndef TOUCHLINE_KIT_DATE_H
#define TOUCHLINE_KIT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { DATE_RFC3339_MAX = 32 };

/* "2026-11-23T08:00:00.000Z"; out holds DATE_RFC3339_MAX. Years 0 to 9999; others are clamped. */
void date_format(int64_t ms, char out[DATE_RFC3339_MAX]);
/* RFC 3339 5.6, any offset, any fraction (cut to ms), 'T' or space; leap second 60 becomes 59. */
bool date_parse(struct str s, int64_t *out_ms) must_check;
/* RFC 5322 3.3 with the obsolete zones and two-digit years of 4.3, comments skipped. */
bool date_parse_mail(struct str s, int64_t *out_ms) must_check;
/* RFC 9110 5.6.7, for the Date header: "Sun, 06 Nov 1994 08:49:37 GMT". out holds 32. */
void date_format_http(int64_t ms, char out[32]);
/* RFC 5322 in UTC: "Mon, 23 Nov 2026 08:00:00 +0000". out holds 40. */
void date_format_mail(int64_t ms, char out[40]);
/* Civil date to days since 1970-01-01, proleptic Gregorian. */
int64_t date_days(int year, int month, int day);

#endif
