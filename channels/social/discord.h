/* social/discord.h - between the two files of this provider. */
#ifndef SOCIAL_DISCORD_H
#define SOCIAL_DISCORD_H

#include "provider.h"

/* The `read` of its row (discord_read.c). */
bool discord_read(const json_t *root, const struct tl_read *in, const json_t *meta,
                  const struct tl_emit *out);

#endif
