/* ingest/effect_conversation.c - an agent's change of a conversation, applied: its status and
 * owner, and that the clocks of its task rest while it is pending.
 */
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/log.h"
#include "ingest/effect.h"
#include "ingest/ingest_priv.h"
#include "store/task.h"

static void rested(void *arg, const struct answer *a) {
    struct effect *e = arg;
    struct fault f;
    if (a->kind != ANSWER_LATER) {
        effect_end(e);
        return;
    }
    fault_set(&f, FAULT_BUSY, "task", "the store is away");
    effect_fail(e, &f);
}

static void changed(void *arg, const struct fault *fault, const struct change *c) {
    enum { PENDING = 1 }; /* of open, pending, resolved */
    struct effect *e = arg;
    int64_t status = jget_int(e->head, "status", -1);
    if (fault) {
        effect_fail(e, fault);
        return;
    }
    /* It may be gone, or lie beyond what is kept. */
    if (c->code == CHANGE_NONE || c->code == CHANGE_GONE)
        log_info("ingest.effect_void", "id=%s", log_value(e->j->r->id));
    if (status < 0)
        effect_end(e);
    else
        store_task_rests(e->g->parts.store, clock_wall_ms(), jget_str(e->head, "conversation"),
                         e->at_ms, status == PENDING, rested, e);
}

static void located(void *arg, const struct fault *fault, bool found, bool erased, struct id part) {
    struct effect *e = arg;
    struct conversation_change c = {.part = part,
                                    .status = (int)jget_int(e->head, "status", -1),
                                    .owner = jget_str(e->head, "owner"),
                                    .at_ms = e->at_ms,
                                    .if_rev = -1,
                                    .rev = e->rev};
    (void)erased;
    if (fault)
        effect_fail(e, fault);
    else if (!found || !id_read(jget_str(e->head, "conversation"), 'v', &c.conversation))
        effect_end(e);
    else
        store_conversation_change(e->g->parts.store, &c, changed, e);
}

void effect_conversation(struct effect *e) {
    struct id conversation;
    if (id_read(jget_str(e->head, "conversation"), 'v', &conversation))
        store_locate(e->g->parts.store, conversation, located, e);
    else
        effect_bad(e, "the record names no conversation");
}
