/* api/session.c - agents log in: a password becomes a session, as cookie and as bearer token.
 *
 * The password is always hashed, also for an agent that does not exist, so that answers take the
 * same time. Failures are counted per address and per agent (10 a minute, then 429).
 */
#include <stdlib.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "delivery/delivery.h"
#include "store/session.h"
#include "worker/worker.h"

enum {
    SESSION_IDLE_MS = 12 * 3600 * 1000,
    TOKEN_BYTES = 32,
    LIMIT_SLOTS = 4096,
    LIMIT_FAILURES = 10,
    LIMIT_WINDOW_MS = 60000
};

/* Argon2id of nothing anyone knows: what an unknown agent's password is compared with. */
static const char unknown_phc[] = "$argon2id$v=19$m=65536,t=2,p=1$V7J0qfUuoDyZ4YrfNMxbdw$"
                                  "nvxpmDpEQBfRkKcL0k3YwsB3cdSxAcqnFQDUH4JWYQE";

/* Failures by the hash of an address or a name: a small table that forgets, never one that grows.
 */
struct login_limits {
    struct {
        uint64_t key;
        int64_t since_ms;
        int count;
    } slots[LIMIT_SLOTS];
};

struct login_limits *login_limits_new(void) {
    return NEW(struct login_limits);
}
void login_limits_free(struct login_limits *l) {
    free(l);
}

bool login_limited(struct login_limits *l, struct str who) {
    uint64_t key = hash64(who);
    int64_t now = clock_mono_ms();
    size_t i = key % LIMIT_SLOTS;
    return l->slots[i].key == key && now - l->slots[i].since_ms < LIMIT_WINDOW_MS &&
           l->slots[i].count >= LIMIT_FAILURES;
}

void login_failed(struct login_limits *l, struct str who) {
    uint64_t key = hash64(who);
    int64_t now = clock_mono_ms();
    size_t i = key % LIMIT_SLOTS;
    if (l->slots[i].key != key || now - l->slots[i].since_ms >= LIMIT_WINDOW_MS) {
        l->slots[i].key = key;
        l->slots[i].since_ms = now;
        l->slots[i].count = 0;
    }
    l->slots[i].count++;
}

struct login {
    struct call *call;
    struct str agent; /* in the request's arena */
    bool known;
    char token[64];
    uint8_t hash[SHA256_BYTES];
};

static void token_make(struct login *l) {
    uint8_t random[TOKEN_BYTES];
    cleanup(buf_clear) struct buf b;
    buf_init(&b, sizeof l->token);
    bytes_random(random, sizeof random);
    bool ok = base64url_encode(&b, str_make((const char *)random, sizeof random));
    assert(ok);
    memcpy(l->token, buf_c(&b), b.n + 1);
    sha256(str_c(l->token), l->hash);
}

static void session_kept(void *arg, const struct answer *a) {
    struct login *l = arg;
    struct call *c = l->call;
    if (a->kind != ANSWER_OK) {
        call_answer(c, a);
        return;
    }
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 4096);
    struct jwrite w;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "agent", l->agent);
    jwrite_c(&w, "token", l->token);
    jwrite_time(&w, "expires_at", clock_wall_ms() + SESSION_IDLE_MS);
    jwrite_close(&w, '}');
    bool tls = str_starts(http_url(c->r), (struct str)STR("https:"));
    http_add_header(c->r, "Set-Cookie",
                    arena_strf(http_arena(c->r),
                               "touchline_session=%s; Path=/; HttpOnly; SameSite=Strict%s",
                               l->token, tls ? "; Secure" : ""));
    call_reply(c, 201, buf_str(&b));
}

static void password_checked(void *arg, const struct worker_answer *a) {
    struct login *l = arg;
    struct call *c = l->call;
    struct api *api = c->api;
    if (!a->ok || !l->known) {
        if (a->killed) {
            call_problem(c, 503, "busy", NULL, "the password could not be checked; try again");
            return;
        }
        login_failed(api->logins, http_peer(c->r));
        login_failed(api->logins, l->agent);
        call_problem(c, 401, "login", NULL, "agent or password is wrong");
        return;
    }
    token_make(l);
    store_session_put(api->parts.store, l->hash, l->agent, SESSION_IDLE_MS, session_kept, l);
}

static const struct agent_config *agent_by_id(const struct api *a, struct str id) {
    const struct agent_config *all = a->parts.agents->items;
    for (size_t i = 0; i < a->parts.agents->n; i++)
        if (str_eq(all[i].id, id))
            return &all[i];
    return NULL;
}

static void session_begin(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 201);
    cleanup(json_freep) json_t *j = NULL;
    struct str agent, password;
    struct fault f = {0};
    if (!call_json(c, false, &j))
        return;
    if (!jread_str(j, "agent", "", &agent, &f) || !jread_str(j, "password", "", &password, &f)) {
        call_fault(c, &f);
        return;
    }
    if (!agent.n || !password.p || agent.n > 200 || password.n > 1024) {
        call_problem(c, 422, "invalid", agent.n ? "/password" : "/agent",
                     "agent and password are needed");
        return;
    }
    if (login_limited(a->logins, http_peer(r)) || login_limited(a->logins, agent)) {
        http_problem_retry(r, 429, "login-limit", "too many wrong passwords; wait a minute", 60);
        return;
    }
    struct login *l = arena_new(http_arena(r), sizeof *l);
    l->call = c;
    l->agent = arena_str(http_arena(r), agent);
    const struct agent_config *who = agent_by_id(a, agent);
    l->known = who && who->password.n;
    struct str phc = l->known ? who->password : str_c(unknown_phc);
    if (!worker_password_verify(a->parts.workers, phc, password, password_checked, l, &f))
        call_fault(c, &f);
}

static void session_dropped(void *arg, const struct answer *a) {
    struct call *c = arg;
    if (a->kind != ANSWER_OK && a->kind != ANSWER_NOT_FOUND) {
        call_answer(c, a);
        return;
    }
    delivery_end(c->api->parts.delivery, http_who(c->r)->name);
    http_add_header(c->r, "Set-Cookie",
                    str_c("touchline_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    call_reply(c, 204, STR_NONE);
}

/* The token itself, from whichever way it came. */
static struct str token_of(struct http_request *r) {
    struct str bearer = http_header(r, "Authorization"), cookies = http_header(r, "Cookie");
    const struct str name = STR("touchline_session=");
    if (bearer.n > 7)
        return str_trim(str_from(bearer, 7));
    while (cookies.p) {
        struct str one = str_trim(str_cut(&cookies, ';'));
        if (str_starts(one, name))
            return str_from(one, name.n);
    }
    return STR_NONE;
}

static void session_end(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    uint8_t hash[SHA256_BYTES];
    sha256(token_of(r), hash);
    store_session_drop(a->parts.store, hash, session_dropped, call_new(a, r, 204));
}

const struct http_route session_routes[] = {
    {"POST", "/v1/session", ALLOW_NONE, 0, session_begin, "log in"},
    {"DELETE", "/v1/session", ALLOW_AGENT | ALLOW_SUPERVISOR, 0, session_end, "log out"},
};
const size_t session_routes_n = COUNT(session_routes);
