/* ingest/callback.c - a call in vain waits to be called back; a talk with that person ends the
 * wait.
 *
 * While the task of a missed call is open, all calls of that contact belong to its conversation,
 * over whichever switch they came: another call in vain makes no second task, and one in which both
 * talked, whoever called, settles the one that waits. A talk that was earlier than the last call in
 * vain settles nothing (records come in any order).
 */
#include <touchline/kit/jread.h>

#include "ingest/ingest_priv.h"
#include "ingest/letter.h"

struct str unit_open_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]) {
    if (letter_is(tp))
        return letter_subject_field(tp, out);
    struct str source = str_is(tp->channel, "call") ? str_c("callback") : tp->source;
    return contact_open_field(tp->channel, source, out);
}

bool is_talk(const struct touchpoint *tp) {
    struct str how = jget_str(json_object_get(tp->json, "call"), "disposition");
    return str_is(tp->channel, "call") && str_is(how, "answered") && !tp->deleted;
}

static void settled(void *arg, const struct answer *a) {
    struct unit *u = arg;
    struct fault f;
    if (a->kind == ANSWER_LATER) {
        fault_set(&f, FAULT_BUSY, "task", "%s", a->detail ? a->detail : "it could not be settled");
        unit_fail(u, &f);
        return;
    }
    unit_finish(u);
}

void unit_settle(struct unit *u) {
    const struct settler *s = &u->g->parts.settler;
    struct id_text task = id_write('t', u->task);
    bool inbound = str_is(u->tp->direction, "inbound");
    if (!s->settle) {
        unit_finish(u);
        return;
    }
    s->settle(s->ctx, str_c(task.c),
              str_c(inbound ? "the person called again and was answered"
                            : "the person was called and answered"),
              settled, u);
}
