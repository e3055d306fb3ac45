/* forms/cors.c - see cors.h. */
#include "cors.h"

static bool any_port(struct str pattern, struct str origin) {
    struct str base = str_upto(pattern, pattern.n - 2);
    if (!str_starts(origin, base))
        return false;
    struct str port = str_from(origin, base.n);
    if (!port.n)
        return true;
    for (size_t i = 1; i < port.n; i++)
        if (port.p[i] < '0' || port.p[i] > '9')
            return false;
    return port.p[0] == ':' && port.n > 1;
}

bool cors_allowed(const struct tl_strs *origins, struct str origin) {
    for (size_t i = 0; i < origins->n; i++) {
        struct str one = origins->items[i];
        if (str_ends(one, (struct str)STR(":*")) ? any_port(one, origin)
                                                 : str_eq_nocase(one, origin))
            return true;
    }
    return false;
}

struct str cors_origin_of(struct str url) {
    for (size_t i = 0; i + 2 < url.n; i++) {
        if (url.p[i] != ':' || url.p[i + 1] != '/' || url.p[i + 2] != '/')
            continue;
        size_t end = i + 3;
        while (end < url.n && url.p[end] != '/' && url.p[end] != '?' && url.p[end] != '#')
            end++;
        return str_upto(url, end);
    }
    return STR_NONE;
}
