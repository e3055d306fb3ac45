/* Any bytes as an LMTP session, at once and in pieces: both give the same replies and mails. In
 * WAIT each recipient gets its outcome; the gathered bytes stay within the budget. */
#include "fuzz.h"

#include "email/lmtp_session.h"

enum { MAIL_MAX = 4096, REPLIES_MAX = 1 << 20 };

static bool find(void *ctx, struct str address, struct str *out_mailbox) {
    (void)ctx;
    touch(address);
    if (!address.n || address.p[0] == 'x')
        return false;
    *out_mailbox = str_c(address.p[0] == 's' ? "sales" : "support");
    return true;
}

/* What is heard and said, one after another; too much of it counts as nothing. */
static void add(struct buf *all, struct str s) {
    if (!buf_add(all, s))
        all->n = 0;
}

static void give_outcomes(struct lmtp_session *s, struct buf *all) {
    static const enum tl_status statuses[] = {TL_KEPT, TL_DUPLICATE, TL_BUSY, TL_FAILED};
    static const char *const mailboxes[] = {"support", "sales"};
    size_t n;
    const struct lmtp_recipient *r = lmtp_session_recipients(s, &n);
    must(n > 0 && n <= LMTP_RCPT_MAX);
    for (size_t i = 0; i < n; i++)
        touch(r[i].address);
    struct str mail = lmtp_session_mail(s);
    must(mail.n <= MAIL_MAX);
    add(all, mail);
    add(all, lmtp_session_sender(s));
    for (size_t i = 0; i < COUNT(mailboxes); i++)
        if (lmtp_session_state(s) == LMTP_WAIT)
            lmtp_session_outcome(s, str_c(mailboxes[i]), statuses[mail.n % COUNT(statuses)],
                                 str_c("p_1"));
    must(lmtp_session_state(s) != LMTP_WAIT);
}

static void take_replies(struct lmtp_session *s, struct buf *all) {
    struct buf *b = lmtp_session_replies(s);
    must(!b->n || str_ends(buf_str(b), (struct str)STR("\r\n")));
    add(all, buf_str(b));
    buf_reset(b);
}

static void session(struct str in, size_t most, struct buf *all) {
    struct lmtp_budget budget = {.max_bytes = MAIL_MAX};
    struct lmtp_options o = {
        .host_name = STR("localhost"), .max_bytes = MAIL_MAX, .budget = &budget, .find = find};
    struct lmtp_session *s = lmtp_session_new(&o);
    take_replies(s, all);
    while (in.n && lmtp_session_state(s) != LMTP_CLOSED) {
        struct str piece = exact(str_upto(in, most));
        size_t eaten = lmtp_session_feed(s, piece);
        free((char *)piece.p);
        must(eaten <= piece.n && budget.used_bytes <= budget.max_bytes);
        in = str_from(in, eaten);
        bool waits = lmtp_session_state(s) == LMTP_WAIT;
        must(eaten || waits || lmtp_session_replies(s)->n);
        take_replies(s, all);
        if (waits) {
            give_outcomes(s, all);
            take_replies(s, all);
        }
    }
    lmtp_session_end(s, "4.4.2 idle too long");
    take_replies(s, all);
    lmtp_session_free(s);
    must(budget.used_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_make((const char *)data, size);
    cleanup(buf_clear) struct buf whole, pieces;
    buf_init(&whole, REPLIES_MAX);
    buf_init(&pieces, REPLIES_MAX);
    session(in, SIZE_MAX, &whole);
    session(in, 1 + size % 7, &pieces);
    must(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
