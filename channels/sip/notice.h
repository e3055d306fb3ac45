/* sip/notice.h - hears of new lines and renamed files at once (inotify), where polling alone would
 * be late: a log that is rotated twice within a tick. Best effort; the timer looks all the same. */
#ifndef SIP_NOTICE_H
#define SIP_NOTICE_H

#include <touchline/str.h>

struct event_base;
struct notice;

/* NULL where there is no inotify. */
struct notice *notice_new(struct event_base *base, void (*changed)(void *arg), void *arg);
void notice_free(struct notice *n);
/* Watches the folder of a file; again is harmless. */
void notice_file(struct notice *n, struct str path);

#endif
