/* social/websub.h - subscriptions of feeds, kept alive. */
#ifndef SOCIAL_WEBSUB_H
#define SOCIAL_WEBSUB_H

#include "hook.h"

struct subscriptions;
/* Asks the hub of each hook for its topics, and again before a lease ends. */
struct subscriptions *subscriptions_new(struct social *s);
void subscriptions_reload(struct subscriptions *subs);
void subscriptions_free(struct subscriptions *subs);
/* The hub has confirmed a topic for so long. */
void subscriptions_leased(struct subscriptions *subs, struct str hook, struct str topic,
                          int64_t lease_s);

#endif
