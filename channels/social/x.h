/* social/x.h - between the two files of this provider. */
#ifndef SOCIAL_X_H
#define SOCIAL_X_H

#include "provider.h"

/* The `read` of its row (x_read.c). */
bool x_read(const json_t *root, const struct tl_read *in, const json_t *meta,
            const struct tl_emit *out);

#endif
