/* address.h - mail addresses: the list of a header field, one address, what may go to a server.
 *
 * An own reader, linear and without recursion: the one of the MIME library has overflowed its stack
 * on crafted fields, and the daemon itself needs addresses too (configuration, RCPT).
 */
#ifndef EMAIL_ADDRESS_H
#define EMAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

enum { ADDRESS_MAX_BYTES = 320, ADDRESS_LIST_MAX = 200 };

struct address {
    struct str name;  /* unquoted, still with encoded words; absent when there is none */
    struct str email; /* local@domain without brackets, comments and route; absent: a name alone */
};

/* Reads an unfolded field value (RFC 5322 3.4 with groups and obsolete routes; anything else as
 * well as it can be). Returns how many were written; all memory is the arena's. */
size_t address_list(struct arena *a, struct str value, struct address *out, size_t max);

/* One @ outside quotes, both sides there, no control, space or bracket, domain of labels or a
 * literal. */
bool address_valid(struct str email);
/* As address_valid, and ASCII: what libesmtp may be given (it checks nothing itself). */
bool address_sendable(struct str email);

/* At the last @; false without one. */
bool address_split(struct str email, struct str *out_local, struct str *out_domain);

/* Whether mail for `given` goes to `own`: case aside, with or without +anything before the @. */
bool address_matches(struct str own, struct str given);

#endif
