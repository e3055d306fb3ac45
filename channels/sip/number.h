/* sip/number.h - telephone numbers by the rules of a trunk (E.164). Pure. */
#ifndef SIP_NUMBER_H
#define SIP_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/plugin.h>

struct trunk_config {
    int64_t country;              /* 49 */
    struct str national;          /* what stands before a national number: "0" */
    struct tl_strs international; /* what stands before a country code: "00" */
    struct tl_strs inbound;       /* ours: "+4930555" begins so, "100" is that extension */
    struct str extensions;        /* digits of an extension: "2-4" */
};

enum number_kind {
    NUMBER_E164,      /* text is "+…" */
    NUMBER_EXTENSION, /* of our own exchange */
    NUMBER_WITHHELD,
    NUMBER_UNKNOWN,
};
struct number {
    enum number_kind kind;
    struct str text; /* E.164, or as it was dialled */
};

/* raw: a number, the user part of a SIP URI, a whole sip: or tel: URI (RFC 3966), with or without a
 * display name. Of a tel: number that is local its phone-context counts (a prefix with '+'); of one
 * that was ported (npdi, rn) the number itself. What the trunk's rules leave unread libphonenumber
 * may read, by the trunk's country. */
struct number number_read(struct arena *a, const struct trunk_config *t, struct str raw);
/* Whether a number called is ours. */
bool number_inbound(const struct trunk_config *t, const struct number *called);
/* "2-4" to its bounds; absent gives 2 to 6. */
bool extensions_read(struct str s, size_t *out_min, size_t *out_max);

#endif
