/* plugin/job.c - what a channel has done for it: requests out, work in a child, replies sent.
 *
 * An answer for a channel that has stopped meanwhile is dropped here.
 */
#include <stdlib.h>

#include <touchline/kit/arena.h>

#include "egress/egress.h"
#include "plugin/plugin_priv.h"
#include "worker/worker.h"

/* ---- fetch ---- */

struct fetching {
    struct pending pending;
    tl_fetched_fn *done;
    void *arg;
};

static void on_fetched(void *arg, const struct tl_fetched *answer) {
    struct fetching *f = arg;
    if (!f->pending.dead)
        f->done(f->arg, answer);
    pending_free(&f->pending);
}

void host_fetch(struct tl_channel *ch, const struct tl_fetch *what, tl_fetched_fn *done,
                void *arg) {
    struct fetching *f = pending_new(ch->host, ch, sizeof *f);
    struct tl_fetch whole;
    f->done = done;
    f->arg = arg;
    sized_copy(&whole, sizeof whole, what, what->size);
    whole.size = sizeof whole;
    egress_fetch(ch->host->parts.egress, &whole, on_fetched, f);
}

/* ---- work ---- */

struct working {
    struct pending pending;
    tl_worked_fn *done;
    void *arg;
    struct fault fault;
};

static void working_end(struct working *take_w, bool ok, struct str text) {
    if (!take_w->pending.dead)
        take_w->done(take_w->arg, ok, text);
    pending_free(&take_w->pending);
}

/* The answer of a plugin's work is its one ANSWER; where it said only what was bad, that. */
static void on_worked(void *arg, const struct worker_answer *answer) {
    struct str text = STR_NONE;
    for (size_t i = 0; i < answer->n; i++) {
        const struct worker_item *item = &answer->items[i];
        if (item->type == WORKER_ANSWER)
            text = item->bytes;
        else if (item->type == WORKER_BAD && !text.p)
            text = item->ref_or_reason;
    }
    if (!text.p)
        text = str_c(answer->reason ? answer->reason : "");
    working_end(arg, answer->ok, text);
}

static void tell_busy(struct pending *p) {
    struct working *w = container_of(p, struct working, pending);
    working_end(w, false, str_c(w->fault.reason));
}

void host_work(struct tl_channel *ch, struct str kind, struct str payload, uint32_t deadline_ms,
               tl_worked_fn *done, void *arg) {
    struct working *w = pending_new(ch->host, ch, sizeof *w);
    w->done = done;
    w->arg = arg;
    if (!worker_work(ch->host->parts.workers, str_c(ch->name), kind, payload, deadline_ms,
                     on_worked, w, &w->fault))
        pending_soon(&w->pending, tell_busy);
}

/* ---- replies ---- */

typedef void sent_fn(void *arg, const struct tl_sent_result *result);

/* Given out to a channel's send; comes back by host->sent, once. A channel that stops before gives
 * an answer all the same: nobody took the reply yet. */
struct tl_job {
    struct pending pending;
    sent_fn *done;
    void *arg;
    struct arena arena;
    struct tl_sent_result result;
};

static void tell_sent(struct pending *p) {
    struct tl_job *job = container_of(p, struct tl_job, pending);
    if (!p->dead)
        job->done(job->arg, &job->result);
    arena_clear(&job->arena);
    pending_free(p);
}

void host_sent(struct tl_job *job, const struct tl_sent_result *result) {
    struct tl_sent_result *r = &job->result;
    sized_copy(r, sizeof *r, result, result->size);
    r->size = sizeof *r;
    struct str *views[] = {&r->provider_id, &r->code, &r->status, &r->diagnostic};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&job->arena, *views[i]);
    pending_soon(&job->pending, tell_sent);
}

static void nobody_took_it(struct pending *p) {
    static const struct tl_sent_result none = {.size = sizeof none,
                                               .state = TL_SENT_RETRY,
                                               .diagnostic = STR("no channel to send it now")};
    host_sent(container_of(p, struct tl_job, pending), &none);
}

/* Where the source's own channel sends nothing (a form), mail does, if it is there. */
static struct tl_channel *way_out(struct plugin_host *h, struct str source) {
    const struct str first =
        STR("agent:"); /* an agent writes first, by the channel that is named */
    struct tl_channel *ch = str_starts(source, first) ? channel_find(h, str_from(source, first.n))
                                                      : channel_of_source(h, source);
    if (ch && ch->instance && !ch->plugin.send)
        ch = channel_find(h, str_c("email"));
    return ch && ch->instance && ch->plugin.send ? ch : NULL;
}

static bool who(void *ctx, struct str source, struct str *out_name, struct str *out_address) {
    struct tl_channel *ch = way_out(ctx, source);
    struct str name = STR_NONE, address = STR_NONE;
    if (!ch || !ch->plugin.sender(ch->instance, source, &name, &address))
        return false;
    *out_name = name;
    *out_address = address;
    return true;
}

static bool refuses(void *ctx, const struct tl_outbound *what, char *out_why, size_t max) {
    struct tl_channel *ch = way_out(ctx, what->source);
    return ch && ch->plugin.refuses && ch->plugin.refuses(ch->instance, what, out_why, max);
}

static void send_reply(void *ctx, const struct tl_outbound *what, sent_fn *done, void *arg) {
    struct plugin_host *h = ctx;
    struct tl_channel *ch = way_out(h, what->source);
    struct tl_job *job = pending_new(h, ch, sizeof *job);
    job->done = done;
    job->arg = arg;
    job->pending.orphaned = nobody_took_it;
    arena_init(&job->arena);
    if (ch)
        ch->plugin.send(ch->instance, job, what);
    else
        nobody_took_it(&job->pending);
}

struct sender plugin_host_sender(struct plugin_host *h) {
    return (struct sender){.ctx = h, .who = who, .refuses = refuses, .send = send_reply};
}
