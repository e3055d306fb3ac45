/* egress/transfer.c - the egress thread: libcurl's multi interface on a loop of its own.
 *
 *   in ─► start ─► curl_multi (socket action) ─► finish ─► out
 *
 * Two multi handles, since connections are kept and used again: one that was opened to a private
 * address, because the operator wrote it, must never serve a request that may not go there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/thread.h"
#include "egress/address.h"
#include "egress/egress_priv.h"
#include "egress/multi.h"
#include "egress/stream_priv.h"

enum { CONNECT_MS = 10000, CONNECTIONS_MAX = 64, RETRY_AFTER_MAX_S = 7 * 86400 };

struct transfer {
    struct transfer_queues *queues;
    struct loop *loop;
    struct multi multis[2]; /* by private_allowed */
    struct link active;
};

/* ---- One request ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
    struct request *r = arg;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (!r->private_allowed && !address_public(&a->addr)) {
        r->blocked = true;
        return CURL_SOCKET_BAD; /* libcurl tries the name's next address */
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take_bytes(char *p, size_t size, size_t n, void *arg) {
    struct request *r = arg;
    if (buf_add(&r->answer, str_make(p, size * n)))
        return size * n;
    r->too_large = true;
    return 0;
}

static bool set_method(struct request *r) {
    CURL *h = r->easy;
    if (strcmp(r->method, "GET") == 0)
        return !curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
    if (strcmp(r->method, "HEAD") == 0)
        return !curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    /* libcurl repeats a request by itself when a kept connection turns out to be dead; what must
     * not happen twice gets a connection of its own. */
    return !curl_easy_setopt(h, CURLOPT_POST, 1L) &&
           !curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method) &&
           !curl_easy_setopt(h, CURLOPT_POSTFIELDS, buf_c(&r->body)) &&
           !curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) &&
           !curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
}

static bool set_options(struct request *r) {
    CURL *h = r->easy;
    /* An upload that trickles is ended by the timeout; an answer's size by our own count. */
    return !curl_easy_setopt(h, CURLOPT_PRIVATE, r) && !curl_easy_setopt(h, CURLOPT_URL, r->url) &&
           !curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) && !curl_easy_setopt(h, CURLOPT_PROXY, "") &&
           !curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           !curl_easy_setopt(h, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
           !curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) &&
           !curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms) &&
           !curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
           !curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, r) &&
           !curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_bytes) &&
           !curl_easy_setopt(h, CURLOPT_WRITEDATA, r) &&
           !curl_easy_setopt(h, CURLOPT_ERRORBUFFER, r->error) &&
           !curl_easy_setopt(h, CURLOPT_HTTPHEADER, r->headers) && set_method(r);
}

static void give_back(struct transfer *t, struct request *r) {
    link_remove(&r->link);
    if (r->easy)
        curl_easy_cleanup(steal(&r->easy));
    queue_push_always(t->queues->out, r);
}

static void start(struct transfer *t, struct request *r) {
    struct multi *m = &t->multis[r->private_allowed];
    list_push(&t->active, &r->link);
    r->easy = curl_easy_init();
    if (r->easy && set_options(r) && curl_multi_add_handle(m->curl, r->easy) == CURLM_OK)
        return;
    if (!r->error[0])
        snprintf(r->error, sizeof r->error, "the request could not be set up");
    give_back(t, r);
}

static void set_error(struct request *r, CURLcode code) {
    if (r->too_large)
        snprintf(r->error, sizeof r->error, "the answer is larger than %zu bytes", r->answer.max);
    else if (r->blocked && code == CURLE_COULDNT_CONNECT)
        snprintf(r->error, sizeof r->error, "the address is not a public one");
    else if (!r->error[0])
        snprintf(r->error, sizeof r->error, "%s", curl_easy_strerror(code));
    buf_clear(&r->answer);
}

static void take_facts(struct request *r, CURL *easy) {
    const char *type = NULL, *location = NULL;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    snprintf(r->type, sizeof r->type, "%s", type ? type : "");
    if (location)
        r->location = mem_dup(location, strlen(location));
}

static void finish(struct transfer *t, CURL *easy, CURLcode code) {
    struct request *r;
    long status = 0, sent = 0;
    curl_off_t wait_s = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    curl_multi_remove_handle(t->multis[r->private_allowed].curl, easy);
    if (code == CURLE_OK) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait_s);
        take_facts(r, easy);
        wait_s = wait_s < 0 ? 0 : wait_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : wait_s;
        r->status = (int)status;
        r->retry_after_ms = (int64_t)wait_s * 1000;
    } else {
        /* From the first byte on the other side may have acted on it. */
        r->maybe_sent = sent > 0;
        set_error(r, code);
    }
    give_back(t, r);
}

/* ---- libcurl on the loop ---- */

static void on_done(struct multi *m, CURL *easy, CURLcode code) {
    finish(m->arg, easy, code);
}

static void on_requests(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct transfer *t = arg;
    void *items[16];
    size_t n = queue_take(t->queues->in, items, COUNT(items));
    for (size_t i = 0; i < n; i++) {
        if (items[i])
            start(t, items[i]);
        else
            loop_stop(t->loop);
    }
}

static void fail_active(struct transfer *t) {
    while (list_first(&t->active)) {
        struct request *r = container_of(list_first(&t->active), struct request, link);
        long sent = 0;
        curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &sent);
        curl_multi_remove_handle(t->multis[r->private_allowed].curl, r->easy);
        r->maybe_sent = sent > 0;
        snprintf(r->error, sizeof r->error, "the daemon is stopping");
        buf_clear(&r->answer);
        give_back(t, r);
    }
}

void transfer_run(void *transfer_queues) {
    must_run_on(THREAD_EGRESS);
    struct transfer t = {.queues = transfer_queues};
    t.loop = loop_new();
    link_init(&t.active);
    for (size_t i = 0; i < COUNT(t.multis); i++) {
        multi_init(&t.multis[i], t.loop, on_done, &t);
        curl_multi_setopt(t.multis[i].curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
    }
    struct stream_thread *streams = stream_thread_new(t.loop, t.queues);
    struct event *bell =
        event_new(loop_base(t.loop), queue_fd(t.queues->in), EV_READ | EV_PERSIST, on_requests, &t);
    event_add(bell, NULL);
    loop_run(t.loop);
    fail_active(&t);
    stream_thread_free(streams);
    event_free(bell);
    for (size_t i = 0; i < COUNT(t.multis); i++)
        multi_clear(&t.multis[i]);
    loop_free(t.loop);
}
