/* sip/call.h - one call: what a line adds to it, what it comes to. Pure; used by calls.c. */
#ifndef SIP_CALL_H
#define SIP_CALL_H

#include "calls.h"

struct call *call_new(struct str id, int64_t now_ms);
void call_free(struct call *call);
/* false: these bytes are known. */
bool call_is_news(struct call *call, struct str raw);
void call_add_line(struct call *call, const struct call_line *line);
/* What another call knows, that turned out to be the same one. */
void call_absorb(struct call *call, const struct call *other);
/* Only that somebody hung up: the tail of a call whose lines before the kept place are not read
 * again, or of one older than the log. It says nothing of who called. */
bool call_is_tail_only(const struct call *call);
/* How long its lines must rest before it is told; -1: it has not ended. */
int64_t call_settles_ms(const struct call *call);

#endif
