/* http/routes.h - from method and path to a route: a tree of path segments.
 *
 *   /v1 ─► contacts ─► {id} ─► timeline      a plain segment goes before a {parameter}
 */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

struct arena;
struct buf;
struct http_route;
struct routes;

enum { ROUTE_PARAMS_MAX = 4, ROUTE_SEGMENTS_MAX = 16 };

struct route {
    struct http_route *what; /* our copy */
    void *ctx;
    struct str names[ROUTE_PARAMS_MAX]; /* of the parameters, in order */
    unsigned names_n;
    struct route *next; /* another method at the same place */
};
struct route_found {
    const struct route *route;           /* NULL: none for this method */
    const struct route *others;          /* all methods of the path; NULL: no such path */
    struct str values[ROUTE_PARAMS_MAX]; /* decoded */
};

struct routes *routes_new(void);
void routes_free(struct routes *t);
/* false: method and pattern are taken, or the pattern is none. */
bool routes_add(struct routes *t, const struct http_route *what, void *ctx) must_check;
/* path has passed target_check. Values lie in the path or the arena. Only routes for which `wanted`
 * says yes are looked at. HEAD falls back to GET. */
void routes_find(const struct routes *t, struct arena *a, struct str method, struct str path,
                 bool (*wanted)(const void *arg, const struct http_route *what), const void *arg,
                 struct route_found *out);
/* "GET, HEAD, POST" */
bool routes_allow(const struct route *others, struct buf *out) must_check;
void routes_each(const struct routes *t, void (*each)(void *arg, const struct http_route *what),
                 void *arg);

#endif
