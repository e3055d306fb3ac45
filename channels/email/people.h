/* people.h - who a mail is from and to: the addresses of its fields, as they are shown. Child only.
 */
#ifndef EMAIL_PEOPLE_H
#define EMAIL_PEOPLE_H

#include <stdbool.h>

#include "address.h"
#include "header.h"

struct warnings;

/* What the fields are read with. */
struct people {
    struct arena *arena;
    const struct headers *headers;
    const char *charset; /* of raw 8-bit; NULL: not known */
    struct warnings *warnings;
};

/* The addresses of a field, with names decoded and on one line; of what is no address the name
 * alone. */
size_t people_read(const struct people *p, const char *header, struct address *out, size_t max);

/* Who wrote. *out_alone: it is the one address of the one From. Without an email: nobody says. */
struct address people_sender(const struct people *p, bool *out_alone);

#endif
