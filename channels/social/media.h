/* social/media.h - attachments that a message only names: media.c. */
#ifndef SOCIAL_MEDIA_H
#define SOCIAL_MEDIA_H

#include <stdbool.h>

#include <touchline/plugin.h>

struct social;

void hook_attach(void *instance, struct tl_media *media, const struct tl_attach *what);
/* Forgets what is under way; the host ends it. */
void hook_attach_stop(struct social *s);

#endif
