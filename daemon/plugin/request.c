/* plugin/request.c - channels' routes on the public listener, and the requests that come there. */
#include "plugin/plugin_priv.h"

#include <stdlib.h>
#include <string.h>

#include "http/http.h"

enum { RETRY_S = 5 };

/* http/ keeps a route for good, so it is never freed before the host; a channel that comes again
 * takes its old one. */
struct channel_route {
    struct link link;
    char *method, *pattern;
    tl_route_fn *serve; /* NULL: the channel has stopped */
    void *arg;
};

/* In the request's own arena. */
struct tl_request {
    struct http_request *r;
};

static void on_request(void *ctx, struct http_request *r) {
    struct channel_route *route = ctx;
    if (!route->serve) {
        http_problem(r, 404, "not-found", NULL, "nothing is here");
        return;
    }
    struct tl_request *req = arena_new(http_arena(r), sizeof *req);
    req->r = r;
    route->serve(route->arg, req);
}

static void route_free(struct channel_route *route) {
    link_remove(&route->link);
    free(route->method);
    free(route->pattern);
    free(route);
}

static struct channel_route *route_find(struct tl_channel *ch, const char *method,
                                        const char *pattern) {
    list_each (l, &ch->routes) {
        struct channel_route *route = container_of(l, struct channel_route, link);
        if (strcmp(route->method, method) == 0 && strcmp(route->pattern, pattern) == 0)
            return route;
    }
    return NULL;
}

bool host_route(struct tl_channel *ch, const char *method, const char *pattern, tl_route_fn *serve,
                void *arg) {
    struct channel_route *route = route_find(ch, method, pattern);
    if (route) {
        if (route->serve)
            return false;
        route->serve = serve;
        route->arg = arg;
        return true;
    }
    route = NEW(struct channel_route);
    route->method = mem_dup(method, strlen(method));
    route->pattern = mem_dup(pattern, strlen(pattern));
    route->serve = serve;
    route->arg = arg;
    struct http_route row = {.method = route->method,
                             .pattern = route->pattern,
                             .allow = ALLOW_NONE,
                             .flags = ROUTE_PUBLIC | ROUTE_ANY_BODY,
                             .serve = on_request,
                             .summary = "of a channel"};
    list_push(&ch->routes, &route->link);
    if (http_routes(ch->host->parts.http, &row, 1, route))
        return true;
    route_free(route);
    return false;
}

void routes_retire(struct tl_channel *ch) {
    list_each (l, &ch->routes)
        container_of(l, struct channel_route, link)->serve = NULL;
}

void routes_clear(struct tl_channel *ch) {
    struct link *l;
    while ((l = list_first(&ch->routes)))
        route_free(container_of(l, struct channel_route, link));
}

struct str host_request(struct tl_request *req, enum tl_request_part part) {
    switch (part) {
    case TL_REQ_METHOD:
        return http_method(req->r);
    case TL_REQ_PATH:
        return http_path(req->r);
    case TL_REQ_QUERY:
        return http_raw_query(req->r);
    case TL_REQ_BODY:
        return http_body(req->r);
    case TL_REQ_PEER:
        return http_peer(req->r);
    case TL_REQ_URL:
        return http_url(req->r);
    }
    return STR_NONE; /* of a later ABI */
}

struct str host_request_header(struct tl_request *req, const char *name) {
    return http_header(req->r, name);
}

struct str host_request_param(struct tl_request *req, const char *name) {
    return http_param(req->r, name);
}

void host_reply(struct tl_request *req, int status, const char *type, struct str body,
                const struct tl_header *headers, size_t headers_n) {
    struct http_request *r = req->r;
    for (size_t i = 0; i < headers_n; i++) {
        struct str name = arena_str(http_arena(r), headers[i].name);
        if (name.n)
            http_add_header(r, name.p, headers[i].value);
    }
    if (type)
        http_reply(r, status, type, body);
    else
        http_reply_empty(r, status);
}

void host_problem(struct tl_request *req, int status, const char *code, const char *pointer,
                  const char *detail) {
    if (status == 429 || status == 503)
        http_problem_retry(req->r, status, code, detail, RETRY_S);
    else
        http_problem(req->r, status, code, pointer, detail);
}
