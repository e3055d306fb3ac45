/* Any bytes as a delivery: the first byte chooses the provider, the rest is the body. What is
 * emitted is JSON; a delivery that gives nothing says why. Signatures are judged over it too. */
#include "fuzz.h"

#include <touchline/kit/jread.h>

#include "social/hook.h"
#include "social/signature.h"

enum { JSON_MAX = 16 << 20 };

struct emitted {
    const struct provider *provider;
    size_t touchpoints, bad;
};

static struct hook_config config = {
    .name = STR("hook"),
    .secret = STR("whsec_dG91Y2hsaW5lLWRldmVsb3BtZW50LXNlY3JldA=="),
    .verify = STR("verify"),
    .send = {.token = STR("token"), .sender = STR("106"), .base = STR("http://127.0.0.1:1")},
};

/* An agent answers: the request made of it is whole. */
static void answer(const struct provider *p, const json_t *reply_to) {
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *touchpoint = NULL, *body = NULL;
    struct hook_request request = {0};
    arena_init(&a);
    json_t *from = json_object_get(reply_to, "from");
    touchpoint = json_pack("{s:[O*], s:s, s:s}", "to", from, "text", "Hello", "at",
                           "2026-11-23T08:00:00.000Z");
    if (!touchpoint)
        return;
    const struct hook_reply reply = {.config = &config,
                                     .touchpoint = touchpoint,
                                     .answered = reply_to,
                                     .id = STR("p_1"),
                                     .now_ms = 1795420800000};
    if (!p->write || (p->refuses && p->refuses(&a, &reply)) || p->write(&a, &reply, &request))
        return;
    must(request.headers_n <= COUNT(request.headers) && request.url.n);
    must(!str_starts(request.body, str_c("{")) || jread_parse(request.body, JSON_MAX, &body, NULL));
}

static void on_touchpoint(void *ctx, struct str json) {
    struct emitted *e = ctx;
    cleanup(json_freep) json_t *j = NULL;
    must(jread_parse(json, JSON_MAX, &j, NULL) && json_is_object(j));
    answer(e->provider, j);
    e->touchpoints++;
}

static void on_bad(void *ctx, struct str piece, const char *reason) {
    struct emitted *e = ctx;
    touch(piece);
    must(reason && reason[0]);
    e->bad++;
}

/* The platform's answer to what we sent. */
static void answered(const struct provider *p, struct str body) {
    cleanup(arena_clear) struct arena a;
    cleanup(json_freep) json_t *j = NULL;
    struct tl_sent_result r = {.size = sizeof r};
    arena_init(&a);
    if (!p->answered || !jread_parse(body, JSON_MAX, &j, NULL))
        return;
    p->answered(&a, j, &r);
    touch(r.provider_id);
    touch(r.code);
    touch(r.diagnostic);
}

/* The body's own lines as the headers of a signed delivery. */
static void judge_signature(struct str in) {
    struct str rest = in;
    const struct standard_headers h = {.id = str_cut(&rest, '\n'),
                                       .timestamp = str_cut(&rest, '\n'),
                                       .signature = str_cut(&rest, '\n')};
    struct str body = rest.p ? rest : str_make("", 0);
    must(signature_standard(config.secret, &h, body, 1795420800000) != SIGNATURE_GOOD);
    must(!signature_meta(&config, h.signature, body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = exact(str_make((const char *)data, size)), body = in;
    unsigned which = first_byte(&body) % (PROVIDERS_N + 1);
    const struct provider *p = hook_provider(which);
    config.provider = which;
    if (p) {
        struct emitted e = {.provider = p};
        const struct tl_emit emit = {
            .size = sizeof emit, .ctx = &e, .touchpoint = on_touchpoint, .bad = on_bad};
        const struct tl_read what = {.size = sizeof what,
                                     .format = str_c(p->name),
                                     .meta =
                                         STR("{\"delivery_id\":\"d1\",\"map\":{\"items\":\"/a\","
                                             "\"id\":\"/id\",\"text\":\"/t\",\"at\":\"/at\","
                                             "\"from.id\":\"/f\",\"data.x\":\"/x\"}}"),
                                     .body = body};
        if (!hook_read(&what, &emit))
            must(e.bad > 0);
        answered(p, body);
    } else {
        judge_signature(body);
    }
    free((char *)in.p);
    return 0;
}
