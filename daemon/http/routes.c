/* http/routes.c - see routes.h. */
#include "http/routes.h"

#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/list.h>

#include "http/bytes.h"
#include "http/http.h"

struct node {
    struct link link; /* among its siblings */
    struct link children;
    struct node *param; /* the child that takes any segment */
    struct str segment;
    struct route *routes;
};

struct routes {
    struct node root;
};

struct routes *routes_new(void) {
    struct routes *t = NEW(struct routes);
    link_init(&t->root.children);
    return t;
}

static void route_free(struct route *r) {
    free((char *)r->what->method);
    free((char *)r->what->pattern);
    free(r->what);
    free(r);
}

static void node_clear(struct node *n) {
    list_each (it, &n->children) {
        struct node *child = container_of(it, struct node, link);
        node_clear(child);
        free(child);
    }
    if (n->param)
        node_clear(n->param);
    free(n->param);
    free((char *)n->segment.p);
    for (struct route *r = n->routes, *next; r; r = next) {
        next = r->next;
        route_free(r);
    }
}

void routes_free(struct routes *t) {
    if (!t)
        return;
    node_clear(&t->root);
    free(t);
}

static struct node *node_new(struct str segment) {
    struct node *n = NEW(struct node);
    link_init(&n->link);
    link_init(&n->children);
    if (segment.p)
        n->segment = str_make(mem_dup(segment.p, segment.n), segment.n);
    return n;
}

static struct node *child_find(const struct node *n, struct str segment) {
    list_each (it, &n->children) {
        struct node *child = container_of(it, struct node, link);
        if (str_eq(child->segment, segment))
            return child;
    }
    return NULL;
}

/* The node of a pattern's next segment, made where missing. */
static struct node *child_of_pattern(struct node *n, struct str segment, struct route *r) {
    if (segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}') {
        if (r->names_n == ROUTE_PARAMS_MAX)
            return NULL;
        r->names[r->names_n++] = str_make(segment.p + 1, segment.n - 2);
        if (!n->param)
            n->param = node_new(STR_NONE);
        return n->param;
    }
    struct node *child = child_find(n, segment);
    if (!child) {
        child = node_new(segment);
        list_push(&n->children, &child->link);
    }
    return child;
}

static struct http_route *route_copy(const struct http_route *what) {
    struct http_route *copy = NEW(struct http_route);
    *copy = *what;
    copy->method = mem_dup(what->method, strlen(what->method));
    copy->pattern = mem_dup(what->pattern, strlen(what->pattern));
    return copy;
}

static struct node *node_of_pattern(struct routes *t, struct route *r) {
    struct str rest = str_c(r->what->pattern);
    if (!rest.n || rest.p[0] != '/')
        return NULL;
    rest = str_from(rest, 1);
    struct node *n = &t->root;
    for (unsigned depth = 0; n && rest.p; depth++) {
        struct str segment = str_cut(&rest, '/');
        if (depth == ROUTE_SEGMENTS_MAX)
            return NULL;
        n = child_of_pattern(n, segment, r);
    }
    return n;
}

bool routes_add(struct routes *t, const struct http_route *what, void *ctx) {
    struct route *r = NEW(struct route);
    r->what = route_copy(what);
    r->ctx = ctx;
    struct node *n = node_of_pattern(t, r);
    struct route **at = n ? &n->routes : NULL;
    bool taken = !n;
    while (!taken && *at) {
        taken = strcmp((*at)->what->method, what->method) == 0;
        at = &(*at)->next;
    }
    if (taken)
        route_free(r);
    else
        *at = r;
    return !taken;
}

/* ---- finding ---- */

struct search {
    struct arena *arena;
    struct str method;
    bool (*wanted)(const void *arg, const struct http_route *what);
    const void *arg;
    struct str values[ROUTE_PARAMS_MAX];
    unsigned values_n;
};

static struct str segment_decode(struct arena *a, struct str raw) {
    if (str_find(raw, '%') < 0)
        return raw;
    char *out = arena_new(a, raw.n);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '%') {
            out[n++] = (char)(byte_hex(raw.p[i + 1]) << 4 | byte_hex(raw.p[i + 2]));
            i += 2;
        } else {
            out[n++] = raw.p[i];
        }
    }
    return str_make(out, n);
}

static const struct route *by_method(const struct search *s, const struct route *r,
                                     const char *method) {
    for (; r; r = r->next)
        if (str_is(str_c(r->what->method), method) && s->wanted(s->arg, r->what))
            return r;
    return NULL;
}

static bool any_wanted(const struct search *s, const struct route *r) {
    for (; r; r = r->next)
        if (s->wanted(s->arg, r->what))
            return true;
    return false;
}

static const struct node *descend(struct search *s, const struct node *n, struct str rest) {
    if (!rest.p)
        return any_wanted(s, n->routes) ? n : NULL;
    struct str segment = segment_decode(s->arena, str_cut(&rest, '/'));
    const struct node *child = child_find(n, segment);
    const struct node *found = child ? descend(s, child, rest) : NULL;
    if (found || !n->param || !segment.n)
        return found;
    s->values[s->values_n++] = segment;
    found = descend(s, n->param, rest);
    if (!found)
        s->values_n--;
    return found;
}

void routes_find(const struct routes *t, struct arena *a, struct str method, struct str path,
                 bool (*wanted)(const void *arg, const struct http_route *what), const void *arg,
                 struct route_found *out) {
    struct search s = {.arena = a, .method = method, .wanted = wanted, .arg = arg};
    *out = (struct route_found){.route = NULL};
    const struct node *n = descend(&s, &t->root, str_from(path, 1));
    if (!n)
        return;
    char name[16] = "";
    memcpy(name, method.p, method.n < sizeof name - 1 ? method.n : sizeof name - 1);
    out->others = n->routes;
    out->route = by_method(&s, n->routes, name);
    if (!out->route && str_is(method, "HEAD"))
        out->route = by_method(&s, n->routes, "GET");
    memcpy(out->values, s.values, sizeof s.values);
}

bool routes_allow(const struct route *others, struct buf *out) {
    bool ok = true, head = false, get = false;
    for (const struct route *r = others; ok && r; r = r->next) {
        head |= strcmp(r->what->method, "HEAD") == 0;
        get |= strcmp(r->what->method, "GET") == 0;
        ok = (!out->n || buf_add_c(out, ", ")) && buf_add_c(out, r->what->method);
    }
    return ok && (head || !get || buf_add_c(out, ", HEAD"));
}

static void node_each(const struct node *n, void (*each)(void *arg, const struct http_route *what),
                      void *arg) {
    for (const struct route *r = n->routes; r; r = r->next)
        each(arg, r->what);
    list_each (it, &n->children)
        node_each(container_of(it, struct node, link), each, arg);
    if (n->param)
        node_each(n->param, each, arg);
}

void routes_each(const struct routes *t, void (*each)(void *arg, const struct http_route *what),
                 void *arg) {
    node_each(&t->root, each, arg);
}
