/* ingest/canned.h - placeholders of canned answers: {contact.name} and its like, replaced by what
 * they stand for, once and literally. Pure.
 */
#ifndef INGEST_CANNED_H
#define INGEST_CANNED_H

#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/str.h>

/* An absent one has no value here. */
struct canned_values {
    struct str contact_name, agent_name, conversation_subject;
};

/* Names under contact., agent. and conversation. are ours: an unknown one is refused. Every other
 * brace is text. Fault INPUT: place `place`, the name. */
bool canned_check(struct str text, const char *place, struct fault *f) must_check;
/* Fault INPUT: a placeholder without a value, or what came of it is too long. What was put in is
 * not looked at again. */
bool canned_fill(struct str text, const struct canned_values *v, const char *place, struct buf *out,
                 struct fault *f) must_check;

#endif
