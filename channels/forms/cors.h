/* forms/cors.h - which web pages may send a form, and what a browser is told about it (Fetch, CORS
 * protocol). */
#ifndef FORMS_CORS_H
#define FORMS_CORS_H

#include <stdbool.h>

#include <touchline/plugin.h>

/* An entry is an origin ("https://www.example.org"); ":*" at its end stands for any port. An empty
 * list allows none that names itself. origin "null" is never allowed. */
bool cors_allowed(const struct tl_strs *origins, struct str origin);
/* The origin part of a Referer; absent where it is none. */
struct str cors_origin_of(struct str url);

#endif
