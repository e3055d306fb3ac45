/* social/hook.h - one hook: its handshake, its deliveries, its replies; and the table of providers.
 */
#ifndef SOCIAL_HOOK_H
#define SOCIAL_HOOK_H

#include <touchline/kit/list.h>
#include <touchline/plugin.h>

#include "provider.h"

struct social {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct tl_items *config;    /* struct hook_config */
    struct link deliveries, sendings; /* under way; no answer comes after stop */
};

/* NULL beyond the end. */
const struct provider *hook_provider(int64_t index);
const struct provider *hook_provider_named(struct str name);
const struct hook_config *hook_find(const struct social *s, struct str name);

/* Forgets the deliveries that wait for their commit. */
void hook_stop(struct social *s);
void hook_serve_get(void *arg, struct tl_request *req);
void hook_serve_post(void *arg, struct tl_request *req);
bool hook_read(const struct tl_read *in, const struct tl_emit *out);
/* social/send.c */
void hook_send(void *instance, struct tl_job *job, const struct tl_outbound *what);
/* Forgets the replies that wait for the platform; the host ends their jobs. */
void hook_send_stop(struct social *s);

#endif
