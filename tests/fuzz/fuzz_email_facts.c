/* Fuzzes what is read off a header beside its text: Authentication-Results, Thread-Index, signals
 * of automatic mail, and the words of a bounce. Whatever comes, an answer comes. */
#include "fuzz.h"

#include "email/auto.h"
#include "email/bounce_reason.h"
#include "email/bounce_words.h"
#include "email/reply_html.h"
#include "email/thread.h"
#include "email/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const struct str servers[] = {STR("mx.example.org")};
    struct arena a;
    struct headers h;
    struct str in = exact(str_make((const char *)data, n));
    arena_init(&a);
    headers_read(&a, in, &h);
    (void)trust_sender(&a, &h, servers, 1, str_c("jana@example.org"));
    touch(thread_index_root(&a, &h));
    enum auto_class c = auto_classify(&h, in, false);
    must(c < AUTO_CLASSES);
    const struct bounce_facts facts = {.line = in,
                                       .words = in,
                                       .status = bounce_status(in),
                                       .code = bounce_code(in),
                                       .server = in,
                                       .command = bounce_command(in)};
    must(bounce_reason(&facts) != NULL);
    touch(bounce_reason_line(in));
    (void)bounce_is_delay(in, in);
    struct str head = reply_html_head(in);
    must(head.n <= in.n);
    touch(reply_of(&a, in, in));
    arena_clear(&a);
    free((char *)(uintptr_t)in.p);
    return 0;
}
