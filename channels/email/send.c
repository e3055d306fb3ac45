/* send.c - a reply to mail. */
#include "email.h"

void email_send(void *instance, struct tl_job *job, const struct tl_outbound *what) {
    const struct email *e = instance;
    const struct tl_sent_result result = {.size = sizeof result,
                                          .state = TL_SENT_NEVER,
                                          .diagnostic = STR("mail cannot be sent yet")};
    (void)what;
    e->host->sent(job, &result);
}

bool email_work(struct str kind, struct str payload, const struct tl_emit *out) {
    (void)payload;
    out->bad(out->ctx, kind, "mail cannot be sent yet");
    return false;
}
