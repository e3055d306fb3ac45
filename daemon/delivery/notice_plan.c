/* delivery/notice_plan.c - when a notice is tried again, and what a webhook says. Pure. */
#include <touchline/touchpoint.h>

#include "delivery/notices_priv.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* Standard Webhooks, "Deliverability and reliability": ten attempts over three days. */
static const int32_t pauses_ms[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                    10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
enum {
    OFFER_FIRST_MS = 5 * SECOND,
    OFFER_MAX_MS = 5 * MINUTE,
    OFFER_TRIES_MAX = 300, /* an offer of a day */
    ASKED_MAX_MS = 24 * HOUR,
};

/* An offer of two minutes would be over after the second of those pauses. */
static int64_t offer_pause_ms(int64_t tries) {
    if (tries > OFFER_TRIES_MAX)
        return -1;
    int64_t ms = tries < 8 ? (int64_t)OFFER_FIRST_MS << (tries - 1) : OFFER_MAX_MS;
    return ms < OFFER_MAX_MS ? ms : OFFER_MAX_MS;
}

int64_t notice_pause_ms(struct str type, int64_t tries, int64_t retry_after_ms) {
    int64_t at = tries < 1 ? 1 : tries;
    int64_t ms = str_is(type, "offer")            ? offer_pause_ms(at)
                 : (size_t)at <= COUNT(pauses_ms) ? pauses_ms[at - 1]
                                                  : -1;
    int64_t asked = retry_after_ms < ASKED_MAX_MS ? retry_after_ms : ASKED_MAX_MS;
    return ms >= 0 && asked > ms ? asked : ms;
}

static struct str entry_of(struct str key) {
    str_cut(&key, ' ');
    return key;
}

struct str notice_id(struct arena *a, struct str key) {
    return arena_strf(a, "n_%.*s", STR_ARG(entry_of(key)));
}

int64_t notice_at_ms(struct str key) {
    struct str entry = entry_of(key), digits = str_cut(&entry, '-');
    int64_t ms = 0;
    for (size_t i = 0; i < digits.n && i < 15 && digits.p[i] >= '0' && digits.p[i] <= '9'; i++)
        ms = ms * 10 + (digits.p[i] - '0');
    return ms;
}

bool notice_hook_body(struct buf *out, const struct notice *notice) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "type", notice->type);
    jwrite_time(&w, "timestamp", notice_at_ms(notice->key));
    jwrite_raw(&w, "data", notice->json);
    jwrite_close(&w, '}');
    return w.ok;
}
