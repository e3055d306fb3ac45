/* forms/captcha.c - see captcha.h. The makers' siteverify interfaces, all of one shape. */
#include "captcha.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/list.h>
#include <touchline/kit/own.h>
#include <touchline/kit/urlencoded.h>

enum {
    TIMEOUT_MS = 3000,
    ANSWER_MAX = 64 * 1024,
    BODY_MAX = 16 * 1024,
    TOKEN_MAX = 4096,
    PASSED_MAX = 4096,
    PASSED_MS = 10 * 60 * 1000
};

static const struct {
    const char *field, *address;
} makers[] = {
    [CAPTCHA_TURNSTILE] = {"cf-turnstile-response",
                           "https://challenges.cloudflare.com/turnstile/v0/siteverify"},
    [CAPTCHA_HCAPTCHA] = {"h-captcha-response", "https://api.hcaptcha.com/siteverify"},
    [CAPTCHA_RECAPTCHA] = {"g-recaptcha-response",
                           "https://www.google.com/recaptcha/api/siteverify"},
};

/* Of one submission: being asked while `asked`, else passed. */
struct check {
    struct link link; /* captcha.checks, oldest first */
    struct captcha *captcha;
    uint8_t key[SHA256_BYTES];
    struct captcha_config config;
    struct str hostnames[8]; /* copies in `text`, as all of config */
    struct arena text;
    bool asked;
    int64_t until_ms;
    struct link waiters;
};

struct waiter {
    struct link link;
    captcha_fn *done;
    void *arg;
};

struct captcha {
    const struct tl_host *host;
    struct tl_channel *channel;
    struct link checks;
    size_t checks_n;
};

struct captcha *captcha_new(const struct tl_host *host, struct tl_channel *channel) {
    struct captcha *c = NEW(struct captcha);
    c->host = host;
    c->channel = channel;
    link_init(&c->checks);
    return c;
}

static void check_free(struct check *k) {
    link_remove(&k->link);
    k->captcha->checks_n--;
    list_each (it, &k->waiters) {
        struct waiter *w = container_of(it, struct waiter, link);
        link_remove(&w->link);
        free(w);
    }
    arena_clear(&k->text);
    free(k);
}

void captcha_free(struct captcha *c) {
    if (!c)
        return;
    list_each (it, &c->checks)
        check_free(container_of(it, struct check, link));
    free(c);
}

const char *captcha_field(const struct captcha_config *config) {
    return makers[config->provider].field;
}

bool captcha_is_field(struct str name) {
    for (size_t i = 0; i < COUNT(makers); i++)
        if (str_is(name, makers[i].field))
            return true;
    return false;
}

/* ---- the answer ---- */

static bool host_fits(const struct captcha_config *c, struct str host) {
    for (size_t i = 0; i < c->hostnames.n; i++)
        if (str_eq_nocase(c->hostnames.items[i], host))
            return true;
    return !c->hostnames.n;
}

enum captcha_verdict captcha_judge(const struct captcha_config *c, struct str answer) {
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(answer, ANSWER_MAX, &j, NULL) ||
        !json_is_boolean(json_object_get(j, "success")))
        return CAPTCHA_UNKNOWN;
    const json_t *score = json_object_get(j, "score");
    bool good = jget_bool(j, "success", false) && host_fits(c, jget_str(j, "hostname")) &&
                (!c->action.n || str_eq(c->action, jget_str(j, "action"))) &&
                (!json_is_number(score) || json_number_value(score) * 100 >= (double)c->score);
    return good ? CAPTCHA_PASSED : CAPTCHA_REFUSED;
}

static void tell(struct check *k, enum captcha_verdict verdict) {
    list_each (it, &k->waiters) {
        struct waiter *w = container_of(it, struct waiter, link);
        struct waiter told = *w;
        link_remove(&w->link);
        free(w);
        told.done(told.arg, verdict);
    }
    k->asked = false;
    if (verdict != CAPTCHA_PASSED)
        check_free(k);
}

static void answered(void *arg, const struct tl_fetched *a) {
    struct check *k = arg;
    struct captcha *c = k->captcha;
    enum captcha_verdict v =
        a->status == 200 ? captcha_judge(&k->config, a->body) : CAPTCHA_UNKNOWN;
    static const char *const words[] = {"passed", "refused", "unknown"};
    c->host->count(c->channel, "captchas", words[v], 1);
    if (v == CAPTCHA_UNKNOWN)
        c->host->log(c->channel, TL_WARN, "forms.captcha", "reason=unreachable");
    tell(k, v);
}

/* ---- the question ---- */

static bool add_pair(struct buf *out, const char *name, struct str value) {
    if (!value.n)
        return true;
    return (!out->n || buf_add_byte(out, '&')) && buf_add_c(out, name) && buf_add_byte(out, '=') &&
           percent_encode(out, value);
}

static void ask(struct check *k, struct str token, struct str peer) {
    static const struct tl_header headers[] = {
        {STR("Content-Type"), STR("application/x-www-form-urlencoded")}};
    const struct captcha_config *c = &k->config;
    cleanup(buf_clear) struct buf body;
    buf_init(&body, BODY_MAX);
    if (!add_pair(&body, "secret", c->secret) || !add_pair(&body, "response", token) ||
        !add_pair(&body, "remoteip", peer) || !add_pair(&body, "sitekey", c->sitekey)) {
        tell(k, CAPTCHA_REFUSED);
        return;
    }
    const struct tl_fetch what = {
        .size = sizeof what,
        .method = str_c("POST"),
        .url = c->address.n ? c->address : str_c(makers[c->provider].address),
        .headers = headers,
        .headers_n = COUNT(headers),
        .body = buf_str(&body),
        .timeout_ms = TIMEOUT_MS,
        .max_bytes = ANSWER_MAX,
        .private_allowed = c->address.n > 0,
    };
    k->captcha->host->fetch(k->captcha->channel, &what, answered, k);
}

/* The configuration may be replaced while the maker is asked. */
static void keep_config(struct check *k, const struct captcha_config *c) {
    k->config = *c;
    k->config.secret = arena_str(&k->text, c->secret);
    k->config.sitekey = arena_str(&k->text, c->sitekey);
    k->config.address = arena_str(&k->text, c->address);
    k->config.action = arena_str(&k->text, c->action);
    size_t n = c->hostnames.n < COUNT(k->hostnames) ? c->hostnames.n : COUNT(k->hostnames);
    for (size_t i = 0; i < n; i++)
        k->hostnames[i] = arena_str(&k->text, c->hostnames.items[i]);
    k->config.hostnames = (struct tl_strs){k->hostnames, n};
}

static struct check *check_new(struct captcha *c, const struct captcha_config *config,
                               const uint8_t key[SHA256_BYTES], int64_t now_ms) {
    struct check *k = NEW(struct check);
    k->captcha = c;
    memcpy(k->key, key, SHA256_BYTES);
    arena_init(&k->text);
    link_init(&k->waiters);
    keep_config(k, config);
    k->asked = true;
    k->until_ms = now_ms + PASSED_MS;
    list_push(&c->checks, &k->link);
    c->checks_n++;
    return k;
}

static struct check *check_find(struct captcha *c, const uint8_t key[SHA256_BYTES],
                                int64_t now_ms) {
    struct check *found = NULL;
    list_each (it, &c->checks) {
        struct check *k = container_of(it, struct check, link);
        if (!k->asked && (k->until_ms <= now_ms || c->checks_n > PASSED_MAX))
            check_free(k);
        else if (memcmp(k->key, key, SHA256_BYTES) == 0)
            found = k;
    }
    return found;
}

void captcha_check(struct captcha *c, const struct captcha_config *config, struct str token,
                   struct str peer, struct str same, captcha_fn *done, void *arg) {
    uint8_t key[SHA256_BYTES];
    int64_t now = c->host->mono_ms();
    if (!token.n || token.n > TOKEN_MAX) {
        done(arg, CAPTCHA_REFUSED);
        return;
    }
    sha256(same, key);
    struct check *k = check_find(c, key, now);
    if (k && !k->asked) {
        done(arg, CAPTCHA_PASSED);
        return;
    }
    bool first = !k;
    if (first)
        k = check_new(c, config, key, now);
    struct waiter *w = NEW(struct waiter);
    *w = (struct waiter){.done = done, .arg = arg};
    list_push(&k->waiters, &w->link);
    if (first)
        ask(k, token, peer);
}
