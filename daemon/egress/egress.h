/* egress/egress.h - the libcurl thread: HTTP and streams out, no private addresses, deadlines,
 * caps.
 *
 * One thread with its own event loop and curl multi handle, since name resolution in libcurl can
 * block. Redirects off, protocols http and https only, no proxy, no netrc, own byte cap. Addresses
 * are checked after resolution and before connect (CURLOPT_OPENSOCKETFUNCTION).
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include <stdbool.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct loop;
struct egress;

bool egress_open(struct loop *loop, struct egress **out, struct fault *f) must_check;
void egress_close(struct egress *e); /* fails what is under way; blocks shortly */
/* Copies what it needs. done once, on the loop, never from inside. When 256 are queued it is
 * answered with status 0 and "busy". */
void egress_fetch(struct egress *e, const struct tl_fetch *what, tl_fetched_fn *done, void *arg);

/* A connection that libcurl opens and logs in (IMAP), then raw bytes both ways. `event` as
 * tl_stream_fn says: on the loop, never from inside; after DOWN or DENIED the stream is gone. NULL:
 * too many, or the daemon is stopping. */
struct egress_stream;
struct egress_stream *egress_stream_open(struct egress *e, const struct tl_stream_open *what,
                                         tl_stream_fn *event, void *arg);
void egress_stream_write(struct egress_stream *s, struct str bytes);
void egress_stream_hold(struct egress_stream *s, bool held);
void egress_stream_close(struct egress_stream *take_s);

#endif
