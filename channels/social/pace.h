/* social/pace.h - how fast a hook's replies may leave: a bucket of its own, and what the platform
 * said of waiting (429). Pure. */
#ifndef SOCIAL_PACE_H
#define SOCIAL_PACE_H

#include <stdint.h>

#include <touchline/plugin.h>

struct pace {
    double tokens;
    int64_t at_ms;      /* when tokens were counted; 0: never */
    int64_t blocked_ms; /* nothing leaves before */
};

/* Takes one. 0: it may leave now; else so many ms to wait, and nothing was taken. rate.count 0: no
 * bucket. Clock: monotonic. */
int64_t pace_take(struct pace *p, struct tl_rate rate, int64_t now_ms);
/* The platform asks to wait. */
void pace_block(struct pace *p, int64_t wait_ms, int64_t now_ms);

#endif
