/* http/notice.c - log lines that a stranger can cause: a few a second of each kind, the rest
 * counted.
 *
 * An attack is to be seen in the log, not to fill it. Addresses are told as networks.
 */
#include "base/clock.h"
#include "base/log.h"
#include "http/http_priv.h"

static const struct {
    const char *event, *format;
    int a_second;
} kinds[NOTICE_COUNT] = {
    [NOTICE_REJECT] = {"http.reject", "reason=%s src=%s left_out=%u", 10},
    [NOTICE_TIMEOUT] = {"http.timeout", "phase=%s src=%s left_out=%u", 10},
    [NOTICE_CONN_LIMIT] = {"http.conn_limit", "limit=%s src=%s left_out=%u", 1},
    [NOTICE_FILES] = {"fd.exhausted", "accepting=%s src=%s left_out=%u", 1},
    [NOTICE_TLS] = {"tls.reject", "phase=%s src=%s left_out=%u", 10},
    [NOTICE_AUTH] = {"auth.fail", "why=%s src=%s left_out=%u", 10},
};

/* Loop thread only. */
static struct gate {
    int64_t second;
    int told;
    unsigned left_out;
} gates[NOTICE_COUNT];

void notice(enum notice which, const struct address *peer, const char *why) {
    struct gate *g = &gates[which];
    int64_t second = clock_mono_ms() / 1000;
    if (second != g->second) {
        g->second = second;
        g->told = 0;
    }
    if (g->told >= kinds[which].a_second) {
        g->left_out++;
        return;
    }
    char src[ADDRESS_TEXT] = "-";
    if (peer)
        address_text_masked(peer, src);
    g->told++;
    log_event(LOG_WARN, kinds[which].event, kinds[which].format, why, src, g->left_out);
    g->left_out = 0;
}
