/* sip/recount.h - reconcile of a source that reads files: the calls on disk against those that are
 * known. */
#ifndef SIP_RECOUNT_H
#define SIP_RECOUNT_H

#include <touchline/plugin.h>

struct sip;

/* false: that source reads no files, or there is none of that name. */
bool recount_begin(struct sip *s, struct tl_operation *op, const struct tl_operate *what);
/* Ends what is under way: the channel stops. */
void recount_stop(struct sip *s);

#endif
