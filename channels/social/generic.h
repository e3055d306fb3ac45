/* social/generic.h - any JSON by a map of pointers. Pure. */
#ifndef SOCIAL_GENERIC_H
#define SOCIAL_GENERIC_H

#include "provider.h"

/* NULL, or why this entry of `map` cannot be meant. */
const char *generic_map_fault(struct str field, struct str value);
/* One item (map's values: pointers into it, or constants) as a touchpoint; NULL and the reason. */
json_t *generic_item(struct arena *a, const json_t *map, const json_t *item, const char **out_why);

#endif
