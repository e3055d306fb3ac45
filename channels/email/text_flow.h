/* text_flow.h - format=flowed (RFC 3676): soft line ends taken out. Pure. */
#ifndef EMAIL_TEXT_FLOW_H
#define EMAIL_TEXT_FLOW_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* text has LF ends. delsp: the space that marks a soft end is no part of the text. */
struct str text_unflow(struct arena *a, struct str text, bool delsp);

#endif
