/* social/whatsapp.h - between the two files of this provider. */
#ifndef SOCIAL_WHATSAPP_H
#define SOCIAL_WHATSAPP_H

#include "provider.h"

/* The `read` of its row (whatsapp_read.c). */
bool whatsapp_read(const json_t *root, const struct tl_read *in, const json_t *meta,
                   const struct tl_emit *out);
/* What a message says in words, by its type, and what it carries (whatsapp_text.c). */
struct str whatsapp_text(struct arena *a, const json_t *message, struct str type);

#endif
