/* Any bytes as text and as bytes as they came: what is found lies inside and goes on, and once it
 * is masked nothing is found any more. */
#include "fuzz.h"

#include <touchline/kit/buf.h>

#include "ingest/mask_find.h"
#include "ingest/mask_priv.h"
#include "touchpoint/id.h"

static size_t count(struct str text, bool raw,
                    bool (*find)(struct str, size_t, bool, struct mask_span *)) {
    struct mask_span at = {0, 0};
    size_t n = 0, before = 0;
    while (find(text, at.end, raw, &at)) {
        must(at.begin >= before && at.end > at.begin && at.end <= text.n);
        before = at.end;
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct id_maker *ids;
    struct str in = str_make((const char *)data, size);
    unsigned choice = first_byte(&in);
    bool raw = choice & 1;
    struct mask_config config = {.with = choice / 2 % 3};
    struct mask_rule rule = {
        .config = &config, .find = choice & 8 ? FIND_CARD : FIND_IBAN, .name = "fuzz"};
    cleanup(buf_clear) struct buf out;
    if (!ids)
        ids = id_maker_new(str_c("secret"));
    struct mask mask = {.rules = &rule, .n = 1, .ids = ids};
    struct str text = exact(in);
    size_t n = count(text, raw, rule.find == FIND_CARD ? mask_find_card : mask_find_iban);
    buf_init(&out, 1 << 22);
    must(mask_rule_text(&mask, &rule, text, raw, &out) == n);
    if (n && config.with == MASK_MASK)
        must(out.n == text.n); /* a star for each sign, the rest where it stood */
    touch(buf_str(&out));
    free((char *)text.p);
    return 0;
}
