/* social/send.c - a reply on its way to a platform: one request, and what its answer means.
 *
 * Retries only where they are safe: 429 and 5xx with an answer, or no answer from a side that folds
 * repetitions. Where it is unknown whether the message arrived it is not sent again; the agent sees
 * it as failed.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "hook.h"

enum { SEND_TIMEOUT_MS = 20000, ANSWER_BYTES_MAX = 256 * 1024 };

struct sending {
    struct link link;
    struct social *social;
    struct tl_job *job;
    const struct provider *provider;
    bool repeatable;
};

static void end(struct social *s, struct tl_job *job, enum tl_sent state, const char *diagnostic) {
    const struct tl_sent_result r = {
        .size = sizeof r, .state = state, .diagnostic = str_c(diagnostic)};
    s->host->sent(job, &r);
}

static void sending_free(struct sending *s) {
    link_remove(&s->link);
    free(s);
}

void hook_send_stop(struct social *s) {
    list_each (it, &s->sendings)
        sending_free(container_of(it, struct sending, link));
}

static enum tl_sent judge_status(const struct sending *s, const struct tl_fetched *f) {
    if (f->status >= 200 && f->status < 300)
        return TL_SENT;
    if (f->status == 0)
        return f->maybe_sent && !s->repeatable ? TL_SENT_NEVER : TL_SENT_RETRY;
    return f->status == 429 || f->status >= 500 ? TL_SENT_RETRY : TL_SENT_NEVER;
}

static void fetched(void *arg, const struct tl_fetched *f) {
    struct sending *s = arg;
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *answer = NULL;
    arena_init(&a);
    struct tl_sent_result r = {
        .size = sizeof r, .state = judge_status(s, f), .retry_after_ms = f->retry_after_ms};
    if (f->status == 0)
        r.diagnostic = f->maybe_sent ? str_c("no answer: it is unknown whether the message arrived")
                                     : f->error;
    else
        r.code = arena_strf(&a, "%d", f->status);
    if (f->body.n && jread_parse(f->body, ANSWER_BYTES_MAX, &answer, NULL))
        s->provider->answered(&a, answer, &r);
    s->social->host->sent(s->job, &r);
    sending_free(s);
}

void hook_send(void *instance, struct tl_job *job, const struct tl_outbound *what) {
    struct social *s = instance;
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *touchpoint = NULL, *reply_to = NULL;
    struct str name = what->source;
    arena_init(&a);
    (void)str_cut(&name, ':');
    const struct hook_config *c = hook_find(s, name);
    const char *why = "the reply cannot be read";
    struct hook_request request = {0};
    if (!c) {
        end(s, job, TL_SENT_NEVER, "this hook is no longer configured");
        return;
    }
    const struct provider *p = hook_provider(c->provider);
    bool ok =
        jread_parse(what->touchpoint, what->touchpoint.n + 1, &touchpoint, NULL) &&
        (!what->reply_to.n || jread_parse(what->reply_to, what->reply_to.n + 1, &reply_to, NULL));
    if (!ok || !p->write(&a, c, touchpoint, reply_to, what, s->host->now_ms(), &request, &why)) {
        end(s, job, TL_SENT_NEVER, why);
        return;
    }
    struct sending *sending = NEW(struct sending);
    *sending =
        (struct sending){.social = s, .job = job, .provider = p, .repeatable = request.repeatable};
    list_push(&s->sendings, &sending->link);
    const struct tl_fetch fetch = {
        .size = sizeof fetch,
        .method = STR("POST"),
        .url = request.url,
        .headers = request.headers,
        .headers_n = request.headers_n,
        .body = request.body,
        .timeout_ms = SEND_TIMEOUT_MS,
        .max_bytes = ANSWER_BYTES_MAX,
        .private_allowed = c->send.base.n > 0,
    };
    s->host->fetch(s->channel, &fetch, fetched, sending);
}
