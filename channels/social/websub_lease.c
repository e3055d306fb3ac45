/* social/websub_lease.c - subscriptions are asked for at start, and again when three quarters of a
 * lease have passed; a hub that refuses is asked every hour. Nothing is stored: to ask once too
 * often does no harm.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/list.h>

#include "websub.h"

enum {
    FIRST_MS = 2000, /* the listener must be up before the hub asks back */
    AGAIN_MS = 3600 * 1000,
    LEASE_S = 864000,
    LEASE_MAX_S = 90 * 86400,
    NAME_MAX_BYTES = 64,
};

struct subscription {
    struct link link;
    struct subscriptions *subs;
    char *hook, *topic;
    int64_t next_ms; /* monotonic */
};

struct subscriptions {
    struct social *social;
    struct tl_timer *timer;
    struct link all;
};

static struct subscription *find(struct subscriptions *subs, struct str hook, struct str topic) {
    list_each (l, &subs->all) {
        struct subscription *s = container_of(l, struct subscription, link);
        if (str_is(hook, s->hook) && str_is(topic, s->topic))
            return s;
    }
    return NULL;
}

static void subscription_free(struct subscription *s) {
    link_remove(&s->link);
    free(s->hook);
    free(s->topic);
    free(s);
}

static void tell(struct subscription *s, bool ok, const char *detail) {
    const struct tl_host *h = s->subs->social->host;
    char part[NAME_MAX_BYTES + 16];
    snprintf(part, sizeof part, "websub %.64s", s->hook);
    h->health(s->subs->social->channel, str_c(part), ok ? TL_OK : TL_DEGRADED, detail);
}

static void on_answer(void *arg, const struct tl_fetched *f) {
    struct subscription *s = arg;
    char detail[64];
    bool ok = f->status >= 200 && f->status < 300;
    snprintf(detail, sizeof detail, "the hub answered %d", f->status);
    tell(s, ok, ok ? "" : f->status ? detail : "the hub did not answer");
}

static void ask(struct subscription *s, const struct hook_config *c) {
    struct social *social = s->subs->social;
    cleanup(arena_clear) struct arena a;
    struct hook_request r = {0};
    arena_init(&a);
    const struct pair form[] = {{STR("hub.mode"), STR("subscribe")},
                                {STR("hub.topic"), str_c(s->topic)},
                                {STR("hub.callback"), c->url},
                                {STR("hub.secret"), c->secret},
                                {STR("hub.lease_seconds"), STR("864000")}};
    hook_request_form(&a, &r, form, COUNT(form));
    const struct tl_fetch fetch = {.size = sizeof fetch,
                                   .method = STR("POST"),
                                   .url = c->hub,
                                   .headers = r.headers,
                                   .headers_n = r.headers_n,
                                   .body = r.body,
                                   .private_allowed = true};
    social->host->fetch(social->channel, &fetch, on_answer, s);
}

/* Those that the configuration names, and no others. */
static void adopt(struct subscriptions *subs) {
    const struct tl_items *all = subs->social->config;
    int64_t now = subs->social->host->mono_ms();
    for (size_t i = 0; i < all->n; i++) {
        const struct hook_config *c = &((const struct hook_config *)all->items)[i];
        bool asks = c->provider == PROVIDER_WEBSUB && c->hub.n && c->url.n;
        for (size_t k = 0; asks && k < c->topics.n; k++) {
            if (find(subs, c->name, c->topics.items[k]))
                continue;
            struct subscription *s = NEW(struct subscription);
            s->subs = subs;
            s->hook = mem_dup(c->name.p, c->name.n);
            s->topic = mem_dup(c->topics.items[k].p, c->topics.items[k].n);
            s->next_ms = now + FIRST_MS;
            list_push(&subs->all, &s->link);
        }
    }
}

static bool is_configured(const struct hook_config *c, const char *topic) {
    for (size_t i = 0; c && i < c->topics.n; i++)
        if (str_is(c->topics.items[i], topic))
            return c->hub.n && c->url.n;
    return false;
}

static void on_timer(void *arg) {
    struct subscriptions *subs = arg;
    int64_t now = subs->social->host->mono_ms();
    list_each (l, &subs->all) {
        struct subscription *s = container_of(l, struct subscription, link);
        const struct hook_config *c = hook_find(subs->social, str_c(s->hook));
        if (s->next_ms > now || !is_configured(c, s->topic))
            continue; /* kept: an answer may be under way */
        s->next_ms = now + AGAIN_MS;
        ask(s, c);
    }
}

struct subscriptions *subscriptions_new(struct social *s) {
    struct subscriptions *subs = NEW(struct subscriptions);
    link_init(&subs->all);
    subs->social = s;
    adopt(subs);
    subs->timer = s->host->timer(s->channel, FIRST_MS, true, on_timer, subs);
    return subs;
}

void subscriptions_reload(struct subscriptions *subs) {
    adopt(subs);
}

void subscriptions_free(struct subscriptions *subs) {
    struct link *l;
    if (!subs)
        return;
    subs->social->host->timer_free(subs->timer);
    while ((l = list_first(&subs->all)))
        subscription_free(container_of(l, struct subscription, link));
    free(subs);
}

void subscriptions_leased(struct subscriptions *subs, struct str hook, struct str topic,
                          int64_t lease_s) {
    struct subscription *s = find(subs, hook, topic);
    if (!s)
        return;
    if (lease_s < 60 || lease_s > LEASE_MAX_S)
        lease_s = lease_s < 60 ? 60 : LEASE_S;
    s->next_ms = subs->social->host->mono_ms() + lease_s * 750;
    tell(s, true, "");
}
