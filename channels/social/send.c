/* social/send.c - a reply on its way to a platform: one request, and what its answer means.
 *
 *   job ──► refuses? ──► wait for the hook's own pace ──► request ──► answer ──► sent | retry | never
 *
 * Retries only where they are safe: 429 and 503 (nobody took it), other 5xx and silence only from a
 * side that folds repetitions. Where it is unknown whether the message arrived it is not sent
 * again; the agent sees it as failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "hook.h"
#include "pace.h"

enum {
    SEND_TIMEOUT_MS = 20000,
    ANSWER_BYTES_MAX = 256 * 1024,
    PACE_WAIT_MAX_MS = 30000, /* longer waits go back to the outbox */
    BLOCK_MIN_MS = 1000,      /* 429 without Retry-After */
    BLOCK_MAX_MS = 15 * 60 * 1000,
};

/* One reply; its request lives in the arena until the answer. */
struct sending {
    struct link link;
    struct social *social;
    struct tl_job *job;
    struct tl_timer *timer; /* while it waits for the pace */
    const struct provider *provider;
    struct str name;
    struct tl_rate rate;
    struct arena arena;
    struct hook_request request;
    bool private_allowed;
};

struct named_pace {
    struct pace pace;
    char *name;
};

static struct pace *pace_of(struct social *s, struct str name) {
    struct named_pace *p = map_get(&s->paces, name);
    if (!p) {
        p = NEW(struct named_pace);
        p->name = mem_dup(name.p, name.n);
        map_put(&s->paces, str_c(p->name), p);
    }
    return &p->pace;
}

static void sending_free(struct sending *s) {
    link_remove(&s->link);
    if (s->timer)
        s->social->host->timer_free(s->timer);
    arena_clear(&s->arena);
    free(s);
}

void hook_send_stop(struct social *s) {
    size_t at = 0;
    struct named_pace *p;
    list_each (it, &s->sendings)
        sending_free(container_of(it, struct sending, link));
    while ((p = map_next(&s->paces, &at))) {
        free(p->name);
        free(p);
    }
    map_clear(&s->paces);
}

static void end(struct social *s, struct tl_job *job, enum tl_sent state, const char *diagnostic,
                int64_t retry_after_ms) {
    const struct tl_sent_result r = {.size = sizeof r,
                                     .state = state,
                                     .diagnostic = str_c(diagnostic),
                                     .retry_after_ms = retry_after_ms};
    s->host->sent(job, &r);
}

/* ---- the answer ---- */

static enum tl_sent judge_status(const struct sending *s, const struct tl_fetched *f) {
    if (f->status >= 200 && f->status < 300)
        return TL_SENT;
    if (f->status == 0)
        return f->maybe_sent && !s->request.repeatable ? TL_SENT_NEVER : TL_SENT_RETRY;
    if (f->status == 429 || f->status == 503)
        return TL_SENT_RETRY;
    return f->status >= 500 && s->request.repeatable ? TL_SENT_RETRY : TL_SENT_NEVER;
}

static void obey(struct sending *s, const struct tl_sent_result *r, int status) {
    int64_t wait_ms = r->retry_after_ms;
    if (status != 429 && !(wait_ms > 0 && r->state == TL_SENT_RETRY))
        return;
    wait_ms = wait_ms < BLOCK_MIN_MS   ? BLOCK_MIN_MS
              : wait_ms > BLOCK_MAX_MS ? BLOCK_MAX_MS
                                       : wait_ms;
    pace_block(pace_of(s->social, s->name), wait_ms, s->social->host->mono_ms());
}

static void fetched(void *arg, const struct tl_fetched *f) {
    struct sending *s = arg;
    cleanup(json_freep) json_t *answer = NULL;
    struct tl_sent_result r = {
        .size = sizeof r, .state = judge_status(s, f), .retry_after_ms = f->retry_after_ms};
    if (f->status == 0)
        r.diagnostic = f->maybe_sent ? str_c("no answer: it is unknown whether the message arrived")
                                     : f->error;
    else
        r.code = arena_strf(&s->arena, "%d", f->status);
    if (f->body.n && provider_parse(f->body, &answer, NULL))
        s->provider->answered(&s->arena, answer, &r);
    obey(s, &r, f->status);
    s->social->host->sent(s->job, &r);
    sending_free(s);
}

/* ---- the request ---- */

static void leave(struct sending *s) {
    const struct tl_fetch fetch = {
        .size = sizeof fetch,
        .method = str_c(s->request.method ? s->request.method : "POST"),
        .url = s->request.url,
        .headers = s->request.headers,
        .headers_n = s->request.headers_n,
        .body = s->request.body,
        .timeout_ms = SEND_TIMEOUT_MS,
        .max_bytes = ANSWER_BYTES_MAX,
        .private_allowed = s->private_allowed,
    };
    s->social->host->fetch(s->social->channel, &fetch, fetched, s);
}

static void go(struct sending *s);

static void waited(void *arg) {
    struct sending *s = arg;
    struct tl_timer *timer = s->timer;
    s->timer = NULL;
    s->social->host->timer_free(timer);
    go(s);
}

static void go(struct sending *s) {
    struct social *social = s->social;
    int64_t wait_ms = pace_take(pace_of(social, s->name), s->rate, social->host->mono_ms());
    if (wait_ms == 0) {
        leave(s);
    } else if (wait_ms <= PACE_WAIT_MAX_MS) {
        s->timer = social->host->timer(social->channel, (uint32_t)wait_ms, false, waited, s);
    } else {
        end(social, s->job, TL_SENT_RETRY, "the platform takes no more for a while", wait_ms);
        sending_free(s);
    }
}

/* What is to be sent, parsed; absent parts stay NULL. */
struct asked {
    const struct hook_config *config;
    const struct provider *provider;
    json_t *touchpoint, *answered;
};

static void asked_clear(struct asked *a) {
    json_decref(a->touchpoint);
    json_decref(a->answered);
}

/* NULL, or why this cannot be sent. */
static const char *ask(struct social *s, const struct tl_outbound *what, struct arena *a,
                       struct asked *out, struct hook_reply *out_reply) {
    out->config = hook_of_source(s, what->source);
    out->provider = out->config ? hook_provider(out->config->provider) : NULL;
    if (!out->provider)
        return "this hook is no longer configured";
    if (!out->provider->write)
        return "this platform takes no replies";
    if ((what->touchpoint.n &&
         !jread_parse(what->touchpoint, what->touchpoint.n + 1, &out->touchpoint, NULL)) ||
        (what->reply_to.n &&
         !jread_parse(what->reply_to, what->reply_to.n + 1, &out->answered, NULL)))
        return "the reply cannot be read";
    *out_reply = (struct hook_reply){.config = out->config,
                                     .touchpoint = out->touchpoint,
                                     .answered = out->answered,
                                     .id = what->id,
                                     .now_ms = s->host->now_ms()};
    return out->provider->refuses ? out->provider->refuses(a, out_reply) : NULL;
}

bool hook_refuses(void *instance, const struct tl_outbound *what, char *out_why, size_t max) {
    cleanup(arena_clear) struct arena a;
    cleanup(asked_clear) struct asked asked = {0};
    struct hook_reply reply;
    arena_init(&a);
    const char *why = ask(instance, what, &a, &asked, &reply);
    if (why)
        snprintf(out_why, max, "%s", why);
    return why != NULL;
}

void hook_send(void *instance, struct tl_job *job, const struct tl_outbound *what) {
    struct social *s = instance;
    cleanup(asked_clear) struct asked asked = {0};
    struct hook_reply reply;
    struct sending *sending = NEW(struct sending);
    sending->social = s;
    sending->job = job;
    arena_init(&sending->arena);
    list_push(&s->sendings, &sending->link);
    const char *why = ask(s, what, &sending->arena, &asked, &reply);
    if (!why && !asked.touchpoint)
        why = "the reply cannot be read";
    if (!why)
        why = asked.provider->write(&sending->arena, &reply, &sending->request);
    if (why) {
        end(s, job, TL_SENT_NEVER, why, 0);
        sending_free(sending);
        return;
    }
    sending->provider = asked.provider;
    sending->name = arena_str(&sending->arena, asked.config->name);
    sending->rate = asked.config->send.rate;
    sending->private_allowed = asked.config->send.base.n > 0;
    go(sending);
}
