/* http/server.c - the front door as a whole: opened, reloaded, drained, closed. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "http/auth.h"
#include "http/http_priv.h"
#include "http/limits.h"

enum { ANSWER_HEAD_BYTES = 64 * 1024 };

static void on_sweep(void *arg) {
    struct http_server *s = arg;
    phases_sweep(s);
    loop_timer_set(s->sweep, SWEEP_MS);
}

static void take_limits(struct http_server *s, const struct limits_config *limits) {
    s->limits = *limits;
    s->reader_limits =
        (struct reader_limits){(size_t)limits->header_bytes, (size_t)limits->body_bytes};
}

/* All of a configuration's listeners, or none. */
static bool listeners_new(struct http_server *s, const struct tl_items *configs, struct link *list,
                          struct fault *f) {
    const struct listen_config *config = configs->items;
    for (size_t i = 0; i < configs->n; i++) {
        struct listener *l;
        if (!listener_new(s, &config[i], &l, f))
            return false;
        list_push(list, &l->link);
    }
    return true;
}

static void listeners_free(struct link *list) {
    list_each (it, list) {
        link_remove(it);
        listener_unref(container_of(it, struct listener, link));
    }
}

bool http_open(struct loop *loop, const struct tl_items *listens,
               const struct limits_config *limits, struct http_server **out, struct fault *f) {
    struct http_server *s = NEW(struct http_server);
    s->loop = loop;
    link_init(&s->listeners);
    link_init(&s->writing);
    link_init(&s->requests);
    phases_init(s);
    take_limits(s, limits);
    buf_init(&s->head, ANSWER_HEAD_BYTES);
    s->read_bytes = mem_new(READ_BYTES);
    s->routes = routes_new();
    s->auth = auth_new(NULL, NULL);
    s->clients = clients_new();
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->sweep = loop_timer_new(loop, SWEEP_MS, on_sweep, s);
    s->resume = loop_timer_new(loop, SWEEP_MS, listener_resume_all, s);
    loop_timer_stop(s->resume);
    if (!listeners_new(s, listens, &s->listeners, f)) {
        http_close(s);
        return false;
    }
    *out = s;
    return true;
}

bool http_routes(struct http_server *s, const struct http_route *table, size_t n, void *ctx) {
    for (size_t i = 0; i < n; i++)
        if (!routes_add(s->routes, &table[i], ctx))
            return false;
    return true;
}

void http_auth(struct http_server *s, const struct tl_items *tokens, const struct tl_items *agents,
               const struct http_sessions *sessions) {
    auth_unref(s->auth);
    s->auth = auth_new(tokens, agents);
    s->sessions = sessions ? *sessions : (struct http_sessions){.ctx = NULL};
}

static bool listeners_open(struct link *list, struct fault *f) {
    list_each (it, list) {
        struct listener *l = container_of(it, struct listener, link);
        if (l->fd < 0 && !listener_open(l, f))
            return false;
    }
    return true;
}

bool http_listen(struct http_server *s, struct fault *f) {
    s->listening = listeners_open(&s->listeners, f);
    return s->listening;
}

static struct listener *listener_at(const struct link *list, struct str where) {
    list_each (it, list) {
        struct listener *l = container_of(it, struct listener, link);
        if (str_eq(l->where, where))
            return l;
    }
    return NULL;
}

/* The new list takes over what is open at the same address; what is left over in the old one goes.
 */
static void listeners_adopt(struct http_server *s, struct link *fresh) {
    struct link stay;
    link_init(&stay);
    list_each (it, fresh) {
        struct listener *l = container_of(it, struct listener, link);
        struct listener *old = listener_at(&s->listeners, l->where);
        link_remove(it);
        if (old)
            listener_take_config(old, l);
        list_push(&stay, old ? &old->link : it);
    }
    list_each (it, &s->listeners) {
        struct listener *l = container_of(it, struct listener, link);
        link_remove(it);
        listener_close(l); /* its connections go on */
        listener_unref(l);
    }
    list_each (it, &stay)
        list_push(&s->listeners, it);
}

bool http_reload(struct http_server *s, const struct tl_items *listens,
                 const struct limits_config *limits, struct fault *f) {
    struct link fresh;
    link_init(&fresh);
    bool ok = listeners_new(s, listens, &fresh, f);
    list_each (it, &fresh) {
        struct listener *l = container_of(it, struct listener, link);
        if (ok && s->listening && !listener_at(&s->listeners, l->where))
            ok = listener_open(l, f);
    }
    if (!ok) {
        listeners_free(&fresh);
        return false;
    }
    listeners_adopt(s, &fresh);
    take_limits(s, limits);
    return true;
}

static void stop_accepting(struct http_server *s) {
    loop_timer_stop(s->resume);
    list_each (it, &s->listeners)
        listener_close(container_of(it, struct listener, link));
}

void http_drain(struct http_server *s) {
    s->draining = true;
    stop_accepting(s);
    phases_drain(s);
}

size_t http_open_requests(const struct http_server *s) {
    return s->requests_n;
}

void http_close(struct http_server *s) {
    if (!s)
        return;
    s->closing = true;
    stop_accepting(s);
    phases_close_all(s);
    list_each (it, &s->requests)
        request_free(container_of(it, struct http_request, link));
    listeners_free(&s->listeners);
    loop_timer_free(s->sweep);
    loop_timer_free(s->resume);
    clients_free(s->clients);
    routes_free(s->routes);
    auth_unref(s->auth);
    buf_clear(&s->head);
    free(s->read_bytes);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    free(s);
}

int http_port(const struct http_server *s, size_t n) {
    list_each (it, &s->listeners) {
        const struct listener *l = container_of(it, struct listener, link);
        struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
        socklen_t size = sizeof at;
        if (n--)
            continue;
        if (l->fd < 0 || getsockname(l->fd, (struct sockaddr *)&at, &size) != 0)
            return 0;
        if (at.ss_family == AF_INET)
            return ntohs(((struct sockaddr_in *)&at)->sin_port);
        return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port) : 0;
    }
    return 0;
}

void http_each_route(const struct http_server *s,
                     void (*each)(void *arg, const struct http_route *r), void *arg) {
    routes_each(s->routes, each, arg);
}
