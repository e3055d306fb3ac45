/* ingest/episode.c - what the rules and the router are told of the episode that a touchpoint
 * belongs to: who owns it, and how many times the person has come about the same thing.
 *
 * What is kept came with the look at the contact, so it costs no call of its own, but where the
 * contact was merged of several parts: then each is asked. The rule itself is store/episode.c.
 */
#include <touchline/kit/jread.h>

#include "ingest/ingest_priv.h"
#include "ingest/subject.h"
#include "store/episode.h"

enum { MATTER_MIN = 3 }; /* a shorter text says nothing */

/* ---- what it is about ---- */

/* Stays the same over daemons and restarts, unlike the kit's: FNV-1a. 0: nothing. */
static uint32_t hash_of(struct str s) {
    uint32_t h = 2166136261u;
    if (s.n < MATTER_MIN)
        return 0;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h ? h : 1;
}

static uint32_t subject_hash(const struct touchpoint *tp) {
    struct subject s;
    subject_read(tp->subject, &s);
    return hash_of(s.base);
}

/* An order's number, by the names that forms and hooks give it. */
static uint32_t order_hash(const struct touchpoint *tp) {
    static const char *const names[] = {"order",    "order_number",  "order_id",
                                        "order_no", "bestellnummer", "auftragsnummer"};
    const json_t *data = json_object_get(tp->json, "data");
    for (size_t i = 0; i < COUNT(names); i++) {
        const json_t *v = json_object_get(data, names[i]);
        char digits[32];
        if (json_is_string(v))
            return hash_of(str_trim(str_make(json_string_value(v), json_string_length(v))));
        if (json_is_integer(v)) {
            snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v));
            return hash_of(str_c(digits));
        }
    }
    return 0;
}

void episode_facts(const struct unit *u, struct append *out) {
    out->episode_ms = u->g->parts.episode_ms;
    if (out->episode_ms) {
        out->subject_hash = subject_hash(u->tp);
        out->order_hash = order_hash(u->tp);
    }
}

/* ---- whose, and how many times ---- */

static struct episode_visit visit_of(const struct unit *u) {
    const struct touchpoint *tp = u->tp;
    int64_t at = tp->at_ms < tp->received_ms ? tp->at_ms : tp->received_ms;
    struct episode_visit v = {
        .from_ms = at,
        .to_ms = at,
        .channel = store_channel(tp->channel),
        .inbound = 1,
        .touchpoints = 1,
        .first = tp->id,
        .conversation = tp->id,
        .subject = subject_hash(tp),
        .order = order_hash(tp),
    };
    if (u->existing)
        v.conversation = u->existing->id;
    else if (u->mode == JOIN_ID)
        v.conversation = u->conversation;
    return v;
}

static void judge(struct unit *u, struct episodes *e) {
    int64_t window = u->g->parts.episode_ms;
    struct episode_visit v = visit_of(u);
    struct episode ep;
    episodes_note(e, &v);
    u->repeat = (int64_t)episode_repeat(e, window, &v);
    if (episode_at(e, window, v.from_ms, &ep))
        u->episode_owner = arena_str(&u->arena, ep.owner);
}

struct remembering {
    struct unit *u;
    void (*next)(struct unit *u);
};

static void remembered(void *arg, const struct fault *fault, const struct episodes *all) {
    struct remembering *r = arg;
    struct episodes e;
    if (fault) {
        unit_fail(r->u, fault);
        return;
    }
    episodes_copy(&e, all, &r->u->arena);
    judge(r->u, &e);
    r->next(r->u);
}

void unit_episode(struct unit *u, void (*next)(struct unit *u)) {
    const struct look_contact *c = contact_looked(u);
    struct episodes e;
    u->repeat = 0;
    u->episode_owner = STR_NONE;
    if (!u->g->parts.episode_ms || !str_is(u->tp->direction, "inbound") || u->tp->auto_kind.n) {
        next(u);
        return;
    }
    if (c && c->parts_n) {
        struct remembering *r = arena_new(&u->arena, sizeof *r);
        *r = (struct remembering){u, next};
        store_episodes(u->g->parts.store, u->contact, remembered, r);
        return;
    }
    episodes_init(&e, &u->arena);
    if (c)
        episodes_add(&e, c->visits, c->marks);
    judge(u, &e);
    next(u);
}
