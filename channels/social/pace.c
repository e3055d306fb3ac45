/* social/pace.c - see pace.h. */
#include "pace.h"

static void refill(struct pace *p, struct tl_rate rate, int64_t now_ms) {
    double full = (double)rate.count;
    if (!p->at_ms)
        p->tokens = full;
    else if (now_ms > p->at_ms)
        p->tokens += (double)(now_ms - p->at_ms) * full / (double)rate.per_ms;
    if (p->tokens > full)
        p->tokens = full;
    p->at_ms = now_ms ? now_ms : 1;
}

int64_t pace_take(struct pace *p, struct tl_rate rate, int64_t now_ms) {
    if (p->blocked_ms > now_ms)
        return p->blocked_ms - now_ms;
    if (rate.count <= 0 || rate.per_ms <= 0)
        return 0;
    refill(p, rate, now_ms);
    if (p->tokens < 1)
        return (int64_t)((1 - p->tokens) * (double)rate.per_ms / (double)rate.count) + 1;
    p->tokens -= 1;
    return 0;
}

void pace_block(struct pace *p, int64_t wait_ms, int64_t now_ms) {
    if (now_ms + wait_ms > p->blocked_ms)
        p->blocked_ms = now_ms + wait_ms;
}
