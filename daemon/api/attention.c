/* api/attention.c - who looks at a conversation, or writes in it: put, and shown with it.
 *
 * Kept by contact, told to others on their streams; it hinders nobody. See store/attention.h.
 */
#include "store/attention.h"

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "store/read.h"
#include "store/task.h"

enum { SHOWN_MAX = 64 << 20 };

/* One more member at the end of an object. */
static bool with_member(struct buf *out, struct str object, const char *key, struct str value) {
    buf_init(out, SHOWN_MAX);
    return object.n >= 2 && buf_add(out, str_upto(object, object.n - 1)) &&
           buf_addf(out, "%s\"%s\":", object.n > 2 ? "," : "", key) && buf_add(out, value) &&
           buf_add_byte(out, '}');
}

/* ---- put ---- */

struct putting {
    struct call *call;
    struct str state;
};

static void on_conversation(void *arg, const struct answer *a) {
    struct putting *p = arg;
    struct call *c = p->call;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind != ANSWER_OK) {
        call_answer(c, a);
        return;
    }
    const struct attention put = {
        .contact = jread_parse(a->json, a->json.n, &j, NULL) ? jget_str(j, "contact") : STR_NONE,
        .conversation = http_param(c->r, "id"),
        .agent = http_who(c->r)->name,
        .state = p->state};
    if (str_is(p->state, "replying")) /* accepted work that nobody touches would come back */
        store_task_touched(c->api->parts.store, clock_wall_ms(), http_param(c->r, "id"), NULL,
                           NULL);
    if (!store_attention_put(c->api->parts.store, &put, call_answer, c))
        call_problem(c, 404, "not-found", NULL, "there is no such resource");
}

static void attention_put(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    struct fault f = {0};
    struct str state;
    if (!call_json(c, false, &j))
        return;
    const json_t *said = json_object_get(j, "state");
    if (!jread_str(j, "state", "", &state, &f)) {
        call_fault(c, &f);
    } else if (!said || (state.p && !str_is(state, "viewing") && !str_is(state, "replying"))) {
        call_problem(c, 422, "invalid", "/state", "one of viewing, replying, or null");
    } else {
        struct putting *p = arena_new(http_arena(r), sizeof *p);
        *p = (struct putting){c, arena_str(http_arena(r), state)};
        store_get_conversation(a->parts.store, http_param(r, "id"), 1, STR_NONE, on_conversation,
                               p);
    }
}

/* ---- shown with an answer ---- */

struct showing {
    struct call *call;
    struct answer answer; /* of the question before, its JSON in the request's arena */
};

/* False: there is nobody to ask about, or nothing to ask for. */
static bool ask(struct call *c, const struct answer *a, answer_fn *then) {
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL))
        return false;
    struct showing *s = arena_new(http_arena(c->r), sizeof *s);
    *s = (struct showing){c, *a};
    s->answer.json = arena_str(http_arena(c->r), a->json);
    return store_attention(c->api->parts.store, jget_str(j, "contact"), http_who(c->r)->name, then,
                           s);
}

static void on_shown(void *arg, const struct answer *others) {
    struct showing *s = arg;
    cleanup(buf_clear) struct buf b;
    struct str list = others->kind == ANSWER_OK ? others->json : str_c("[]");
    if (with_member(&b, s->answer.json, "attention", list))
        s->answer.json = buf_str(&b);
    call_answer(s->call, &s->answer);
}

void attention_show(void *call, const struct answer *conversation) {
    if (!ask(call, conversation, on_shown))
        call_answer(call, conversation);
}

/* {"code","detail","agents"}; false: nobody writes. */
static bool warning(const json_t *others, struct buf *out) {
    const json_t *one;
    struct jwrite w;
    size_t i, n = 0;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "code", "also-replying");
    jwrite_c(&w, "detail", "somebody else is writing to this person");
    jwrite_open(&w, "agents", '[');
    json_array_foreach(others, i, one) if (str_is(jget_str(one, "state"), "replying")) {
        jwrite_str(&w, NULL, jget_str(one, "agent"));
        n++;
    }
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    return w.ok && n;
}

static void on_replied(void *arg, const struct answer *others) {
    struct showing *s = arg;
    cleanup(json_freep) json_t *j = NULL;
    cleanup(buf_clear) struct buf text, whole;
    buf_init(&text, SHOWN_MAX);
    buf_init(&whole, SHOWN_MAX);
    if (others->kind == ANSWER_OK && jread_parse(others->json, others->json.n, &j, NULL) &&
        warning(j, &text) && with_member(&whole, s->answer.json, "warning", buf_str(&text)))
        s->answer.json = buf_str(&whole);
    call_answer(s->call, &s->answer);
}

void attention_warn(void *call, const struct answer *reply) {
    if (!ask(call, reply, on_replied))
        call_answer(call, reply);
}

const struct http_route attention_routes[] = {
    {"PUT", "/v1/conversations/{id}/attention", ALLOW_STAFF, 0, attention_put,
     "looking at it, or writing in it"},
};
const size_t attention_routes_n = COUNT(attention_routes);
