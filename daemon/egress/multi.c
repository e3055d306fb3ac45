/* egress/multi.c - libcurl's multi interface on a loop: one event a socket, one timer. */
#include "egress/multi.h"

#include <stdlib.h>

#include <touchline/kit/own.h>

#include "base/loop.h"

/* One socket that libcurl watches. */
struct watch {
    struct multi *multi;
    struct event *event;
};

static void finish_done(struct multi *m) {
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(m->curl, &left)))
        if (msg->msg == CURLMSG_DONE)
            m->done(m, msg->easy_handle, msg->data.result);
}

static void act(struct multi *m, curl_socket_t fd, int what) {
    int running;
    curl_multi_socket_action(m->curl, fd, what, &running);
    finish_done(m);
}

static void on_socket(evutil_socket_t fd, short what, void *arg) {
    struct watch *w = arg;
    act(w->multi, fd,
        (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg) {
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *curl, long after_ms, void *arg) {
    (void)curl;
    struct multi *m = arg;
    if (after_ms < 0)
        loop_timer_stop(m->timer);
    else
        loop_timer_set(m->timer, after_ms);
    return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch_arg) {
    (void)easy;
    struct multi *m = arg;
    struct watch *w = watch_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            event_free(w->event);
            free(w);
            curl_multi_assign(m->curl, fd, NULL);
        }
        return 0;
    }
    short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0));
    struct event_base *base = loop_base(m->loop);
    if (!w) {
        w = NEW(struct watch);
        w->multi = m;
        w->event = event_new(base, fd, events, on_socket, w);
        curl_multi_assign(m->curl, fd, w);
    } else {
        event_del(w->event);
        event_assign(w->event, base, fd, events, on_socket, w);
    }
    event_add(w->event, NULL);
    return 0;
}

void multi_init(struct multi *m, struct loop *loop,
                void (*done)(struct multi *m, CURL *easy, CURLcode code), void *arg) {
    m->loop = loop;
    m->done = done;
    m->arg = arg;
    m->timer = loop_timer_new(loop, 0, on_timer, m);
    loop_timer_stop(m->timer);
    m->curl = curl_multi_init();
    assert(m->curl); /* memory: small and fixed */
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
}

void multi_clear(struct multi *m) {
    curl_multi_cleanup(m->curl);
    loop_timer_free(m->timer);
}
