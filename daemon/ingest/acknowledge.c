/* ingest/acknowledge.c - tells whoever begins a conversation that it was received (RFC 3834).
 *
 * Only a person's mail is answered, only when it begins something, and once in a while to one
 * person: Redis decides that, so of two daemons, or of a mail applied twice, one answer comes. What
 * is said was written by the operator alone; nothing of the mail is repeated.
 */
#include "ingest/acknowledge.h"

#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"

enum { FRESH_MS = 24 * 3600 * 1000 };

struct acknowledging {
    struct unit *u;
    void (*next)(struct unit *u);
    struct str subject, text; /* in the unit's arena */
};

bool unit_is_letter(const struct unit *u) {
    const struct touchpoint *tp = u->tp;
    return str_is(tp->channel, "email") && str_starts(tp->source, (struct str)STR("email:")) &&
           str_is(tp->direction, "inbound") && str_is(tp->kind, "message") && !tp->auto_kind.n &&
           !tp->deleted && !u->is_fixed;
}

/* Who does not want to be written to is not. */
static bool is_objecting(const struct unit *u) {
    cleanup(json_freep) json_t *profile = NULL;
    for (size_t i = 0; i < u->look.contacts_n; i++) {
        const struct look_contact *c = &u->look.contacts[i];
        if (id_same(c->id, u->contact) && c->profile.n &&
            jread_parse(c->profile, PROFILE_MAX, &profile, NULL))
            return json_is_true(json_object_get(profile, "no_contact"));
    }
    return false;
}

static bool may_be_answered(const struct unit *u) {
    const json_t *from = json_object_get(u->tp->json, "from");
    const json_t *data = json_object_get(u->tp->json, "data");
    bool fresh = clock_wall_ms() - u->tp->received_ms < FRESH_MS;
    return unit_is_letter(u) && u->appended.code == APPEND_NEW && !u->was_applied &&
           !u->j->replay && fresh && id_same(u->appended.conversation, u->tp->id) && !u->is_flood &&
           jget_str(from, "email").n && !jget_bool(data, "no_auto_reply", false) &&
           !is_objecting(u);
}

/* "Subject: …", an empty line, the words; without the first two a subject of our own. */
static void words_take(struct unit *u, struct str text, struct acknowledging *a) {
    static const struct str head = STR("Subject:");
    a->subject = str_c("We have received your message");
    if (text.n > head.n && str_eq_nocase(str_upto(text, head.n), head)) {
        struct str rest = text, line = str_cut(&rest, '\n');
        a->subject = arena_str(&u->arena, str_trim(str_from(line, head.n)));
        text = str_trim(rest);
    }
    a->text = arena_str(&u->arena, text);
}

static void judged(void *arg, const struct fault *fault, int64_t n) {
    struct acknowledging *a = arg;
    struct unit *u = a->u;
    const struct acknowledger *by = &u->g->parts.acknowledger;
    struct id_text conversation = id_write('v', u->appended.conversation);
    struct id_text touchpoint = id_write('p', u->tp->id);
    const struct acknowledgement said = {.conversation = str_c(conversation.c),
                                         .touchpoint = str_c(touchpoint.c),
                                         .subject = a->subject,
                                         .text = a->text};
    /* Without an answer of the store nothing is said: better none than two. */
    if (!fault && n == 1) {
        metric_add(METRIC_ACKNOWLEDGED, 1);
        note_step(u->j, u->tp->id, "acknowledged", STR_NONE);
        by->send(by->ctx, &said);
    }
    a->next(u);
}

void unit_acknowledge(struct unit *u, void (*next)(struct unit *u)) {
    const struct acknowledger *by = &u->g->parts.acknowledger;
    struct tl_acknowledge wanted = {.size = sizeof wanted};
    if (!by->asks || !may_be_answered(u) || !by->asks(by->ctx, u->tp->source, &wanted)) {
        next(u);
        return;
    }
    struct acknowledging *a = arena_new(&u->arena, sizeof *a);
    a->u = u;
    a->next = next;
    words_take(u, wanted.text, a);
    store_once(u->g->parts.store, u->contact, u->tp->id, clock_wall_ms(), wanted.once_per_ms,
               judged, a);
}
