/* ingest/subject.h - what a subject is without the marks of answering and forwarding (RFC 5256 2.1,
 * and the words of other languages). Pure, linear.
 */
#ifndef INGEST_SUBJECT_H
#define INGEST_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/str.h>

enum { SUBJECT_BASE_MAX = 512 };

struct subject {
    char text[SUBJECT_BASE_MAX];
    struct str base; /* in text: one space between words, ASCII letters small; may be empty */
    unsigned depth;  /* answers marked: "Re: Re[4]:" is 5 */
    bool forwarded;
};
void subject_read(struct str subject, struct subject *out);

#endif
