/* outbox/notice.c - what we say by ourselves: a reply like an agent's, but marked, and awaited by
 * nobody.
 */
#include <touchline/touchpoint.h>

#include "base/log.h"
#include "outbox/outbox_priv.h"

enum { NOTICE_MAX = 64 << 10 };

static void said(void *arg, const struct answer *a) {
    (void)arg;
    if (a->kind != ANSWER_OK)
        log_warn("outbox.notice", "reason=%s", log_value(str_c(a->detail ? a->detail : a->code)));
}

void outbox_notice(struct outbox *o, const struct outbox_notice *n) {
    cleanup(buf_clear) struct buf body;
    struct jwrite w;
    buf_init(&body, NOTICE_MAX);
    jwrite_init(&w, &body);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "subject", n->subject);
    jwrite_str(&w, "text", n->text);
    jwrite_close(&w, '}');
    const struct outbox_reply reply = {.conversation = n->conversation,
                                       .body = buf_str(&body),
                                       .nonce = n->touchpoint,
                                       .automatic = true};
    if (w.ok)
        outbox_reply(o, &reply, said, NULL);
}
