/* Fuzzes channels/email/read.c: of any bytes comes one touchpoint, and it is JSON. */
#include "fuzz.h"

#include <touchline/kit/jread.h>

#include "email/email.h"

static void on_touchpoint(void *ctx, struct str json) {
    size_t *n = ctx;
    json_t *parsed = NULL;
    if (!jread_parse(json, 64 << 20, &parsed, NULL))
        abort();
    *n += json_object_get(parsed, "update") == NULL;
    json_decref(parsed);
}

static void on_blob(void *ctx, struct str ref, struct str bytes) {
    (void)ctx, (void)ref, (void)bytes;
}
static void on_bad(void *ctx, struct str piece, const char *reason) {
    (void)ctx, (void)piece, (void)reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    size_t touchpoints = 0;
    const struct tl_emit out = {.size = sizeof out,
                                .ctx = &touchpoints,
                                .touchpoint = on_touchpoint,
                                .blob = on_blob,
                                .bad = on_bad};
    const struct tl_read in = {.size = sizeof in,
                               .format = STR("mime"),
                               .meta = STR("{\"envelope_from\":\"\",\"envelope_to\":[\"a@b\"]}"),
                               .body = {.p = (const char *)data, .n = n},
                               .received_ms = 1795420800000};
    if (!email_read(&in, &out) || touchpoints != 1)
        abort();
    return 0;
}
