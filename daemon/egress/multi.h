/* egress/multi.h - a curl multi handle on a loop: its sockets and its timer (socket action). */
#ifndef EGRESS_MULTI_H
#define EGRESS_MULTI_H

#include <curl/curl.h>

struct loop;
struct loop_timer;

/* The egress thread's. `done` is called once a transfer, outside of libcurl, and must leave the
 * multi handle alive. */
struct multi {
    struct loop *loop;
    CURLM *curl;
    struct loop_timer *timer;
    void (*done)(struct multi *m, CURL *easy, CURLcode code);
    void *arg;
};

void multi_init(struct multi *m, struct loop *loop,
                void (*done)(struct multi *m, CURL *easy, CURLcode code), void *arg);
void multi_clear(struct multi *m);

#endif
