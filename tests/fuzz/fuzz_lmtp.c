/* Fuzzes channels/email/lmtp_session.c: any bytes, in pieces as they say themselves. What the
 * pieces are must not matter: the same bytes at once give the same replies and the same mails. */
#include <stdint.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>

#include "email/lmtp_session.h"

static bool find(void *ctx, struct str address, struct str *out_mailbox) {
    (void)ctx;
    if (!address.n || (address.p[0] != 's' && address.p[0] != 'b'))
        return false;
    *out_mailbox = address.p[0] == 's' ? str_c("support") : str_c("billing");
    return true;
}

/* Hash over all replies and mails. */
static void run(struct str in, size_t step, uint8_t out[SHA256_BYTES]) {
    struct lmtp_budget budget = {.max_bytes = 60000};
    struct lmtp_session *s = lmtp_session_new(&(struct lmtp_options){
        .host_name = STR("mx"), .max_bytes = 20000, .budget = &budget, .find = find});
    struct sha256 *seen = sha256_begin();
    for (size_t taken = 1, said = 1; in.n && (taken || said);) {
        taken = lmtp_session_feed(s, str_upto(in, step));
        in = str_from(in, taken);
        struct buf *replies = lmtp_session_replies(s);
        said = replies->n;
        sha256_add(seen, buf_str(replies));
        buf_reset(replies);
        if (lmtp_session_state(s) == LMTP_WAIT) {
            sha256_add(seen, lmtp_session_mail(s));
            lmtp_session_outcome(s, str_c("support"), TL_KEPT, str_c("p_1"));
            lmtp_session_outcome(s, str_c("billing"), TL_BUSY, STR_NONE);
            said = 1;
        }
    }
    sha256_add(seen, buf_str(lmtp_session_replies(s)));
    sha256_end(seen, out);
    lmtp_session_free(s);
    if (budget.used_bytes)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    uint8_t pieces[SHA256_BYTES], whole[SHA256_BYTES];
    if (!n)
        return 0;
    struct str in = str_make((const char *)data + 1, n - 1);
    run(in, 1 + data[0] % 64, pieces);
    run(in, in.n ? in.n : 1, whole);
    if (memcmp(pieces, whole, sizeof pieces) != 0)
        abort();
    return 0;
}
