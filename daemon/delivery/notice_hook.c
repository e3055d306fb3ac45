/* delivery/notice_hook.c - one attempt by webhook: a signed POST (Standard Webhooks 1.0).
 *
 * The body is the same at every attempt, so is webhook-id; time and signature are the attempt's.
 */
#include <stdio.h>

#include <touchline/kit/webhook.h>

#include "base/clock.h"
#include "delivery/notices_priv.h"
#include "egress/egress.h"

enum { GONE = 410 };

static void remember_gone(struct notices *n, struct str url) {
    if (!map_get(&n->gone, url)) {
        char *copy = mem_dup(url.p, url.n);
        map_put(&n->gone, str_make(copy, url.n), copy);
    }
}

static void on_fetched(void *arg, const struct tl_fetched *f) {
    struct notice_attempt *a = arg;
    char why[64];
    snprintf(why, sizeof why, "status %d", f->status);
    if (f->status >= 200 && f->status < 300) {
        notice_attempt_end(a, NOTICE_SENT, STR_NONE, 0);
    } else if (f->status == GONE) {
        remember_gone(a->n, a->url);
        notice_attempt_end(a, NOTICE_NEVER, str_c(why), 0);
    } else {
        notice_attempt_end(a, NOTICE_RETRY, f->status ? str_c(why) : f->error, f->retry_after_ms);
    }
}

void notice_hook(struct notice_attempt *a, const struct agent_config *to) {
    cleanup(buf_clear) struct buf body, signature;
    int64_t now_s = clock_wall_ms() / 1000;
    buf_init(&body, NOTICE_JSON_MAX);
    buf_init(&signature, 256);
    if (map_get(&a->n->gone, to->webhook.url)) {
        notice_attempt_end(a, NOTICE_SKIPPED, str_c("the address has answered 410"), 0);
        return;
    }
    if (!notice_hook_body(&body, &a->notice) ||
        !webhook_sign(to->webhook.secret, a->id, now_s, buf_str(&body), &signature)) {
        notice_attempt_end(a, NOTICE_NEVER, str_c("it cannot be written"), 0);
        return;
    }
    a->url = arena_str(&a->arena, to->webhook.url);
    struct str seconds = arena_strf(&a->arena, "%lld", (long long)now_s);
    const struct tl_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("webhook-id"), a->id},
        {STR("webhook-timestamp"), seconds},
        {STR("webhook-signature"), buf_str(&signature)},
    };
    /* The operator wrote the address himself, as a channel's `send.base`. */
    const struct tl_fetch fetch = {.size = sizeof fetch,
                                   .method = STR("POST"),
                                   .url = a->url,
                                   .headers = headers,
                                   .headers_n = COUNT(headers),
                                   .body = buf_str(&body),
                                   .private_allowed = true};
    egress_fetch(a->n->egress, &fetch, on_fetched, a);
}
