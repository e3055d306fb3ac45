/* social/webfinger.c - GET /.well-known/webfinger: which actor stands behind acct:NAME@HOST (RFC
 * 7033). NAME is a hook's, HOST the one of its actor's address. */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "activitypub.h"
#include "hook.h"

enum { PAIRS_MAX = 10 };

static bool is_it(struct arena *a, const struct hook_config *c, struct str resource) {
    struct str acct =
        arena_strf(a, "acct:%.*s@%.*s", STR_ARG(c->name), STR_ARG(activitypub_host(c->actor)));
    return c->provider == PROVIDER_MASTODON && c->actor.n &&
           (str_eq_nocase(resource, acct) || str_eq(resource, c->actor));
}

static void answer(struct social *s, struct tl_request *req, const struct hook_config *c) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct str host = activitypub_host(c->actor);
    struct str subject = arena_strf(&a, "acct:%.*s@%.*s", STR_ARG(c->name), STR_ARG(host));
    cleanup(json_freep) json_t *json = json_pack(
        "{s:o, s:[o], s:[{s:s, s:s, s:o}]}", "subject", jstr(subject), "aliases", jstr(c->actor),
        "links", "rel", "self", "type", "application/activity+json", "href", jstr(c->actor));
    char *text = json_dumps(json, JSON_COMPACT);
    s->host->reply(req, 200, "application/jrd+json", str_c(text), NULL, 0);
    free(text);
}

void webfinger_serve(void *arg, struct tl_request *req) {
    struct social *s = arg;
    const struct hook_config *all = s->config->items;
    cleanup(arena_clear) struct arena a;
    struct pair pairs[PAIRS_MAX];
    struct str resource = STR_NONE;
    size_t n = 0;
    arena_init(&a);
    if (!urlencoded_parse(&a, s->host->request(req, TL_REQ_QUERY), pairs, PAIRS_MAX, &n, NULL))
        n = 0;
    for (size_t i = 0; i < n; i++)
        if (str_is(pairs[i].name, "resource"))
            resource = pairs[i].value;
    for (size_t i = 0; i < s->config->n; i++)
        if (is_it(&a, &all[i], resource)) {
            answer(s, req, &all[i]);
            return;
        }
    s->host->problem(req, 404, "not-found", NULL, "nobody of that name is here");
}
