/* Fuzzes channels/email/html_text.c: what comes out of UTF-8 is UTF-8 and fits. */
#include "fuzz.h"

#include <touchline/kit/utf8.h>

#include "email/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct buf html, text;
    buf_init(&html, 4 * n + 16);
    buf_init(&text, 64 * 1024);
    if (!utf8_mend(&html, str_make((const char *)data, n)))
        abort();
    html_text(&text, buf_str(&html));
    if (!utf8_valid(buf_str(&text)))
        abort();
    (void)html_charset(buf_str(&html));
    buf_clear(&html);
    buf_clear(&text);
    return 0;
}
