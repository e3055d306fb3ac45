/* social/hook.h - one hook: its requests, its deliveries, its replies; and the table of providers.
 */
#ifndef SOCIAL_HOOK_H
#define SOCIAL_HOOK_H

#include <touchline/kit/list.h>
#include <touchline/kit/map.h>
#include <touchline/plugin.h>

#include "provider.h"

struct social {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct tl_items *config;               /* struct hook_config */
    struct link deliveries, sendings, fetchings; /* under way; no answer comes after stop */
    struct key_cache *keys;                      /* of ActivityPub's actors */
    struct subscriptions *subscriptions;         /* of WebSub's topics */
    struct map paces;                            /* hook's name -> struct pace (pace.h) */
};

/* NULL beyond the end. */
const struct provider *hook_provider(int64_t index);
const struct provider *hook_provider_named(struct str name);
const struct hook_config *hook_find(const struct social *s, struct str name);
/* The hook of a source, "social:NAME". */
const struct hook_config *hook_of_source(const struct social *s, struct str source);

/* Forgets the deliveries that wait for their commit. */
void hook_stop(struct social *s);
/* A new configuration is in force: what waits for its verdict sees that. */
void hook_reload(struct social *s);
/* GET and POST /hooks/{name}. */
void hook_serve(void *arg, struct tl_request *req);
/* GET /.well-known/webfinger. webfinger.c */
void webfinger_serve(void *arg, struct tl_request *req);
bool hook_read(const struct tl_read *in, const struct tl_emit *out);
/* social/send.c */
void hook_send(void *instance, struct tl_job *job, const struct tl_outbound *what);
bool hook_refuses(void *instance, const struct tl_outbound *what, char *out_why, size_t max);
/* Forgets the replies that wait for the platform; the host ends their jobs. */
void hook_send_stop(struct social *s);

#endif
