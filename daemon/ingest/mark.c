/* ingest/mark.c - addresses that cannot be written to: marked where an agent sees it, on the
 * contact's identity.
 *
 * A hard bounce and a complaint mark the address that they are about; soft ones pass. Whoever
 * writes from an address that bounced shows that it works.
 */
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/metrics.h"
#include "ingest/ingest_priv.h"

enum { MARK_MAX = 2048 };

static void marked(void *arg, const struct fault *fault, int64_t n) {
    if (!fault && n == 1)
        metric_add_label(METRIC_ADDRESSES_MARKED, arg, 1);
}

static void unmarked(void *arg, const struct fault *fault, int64_t n) {
    (void)arg, (void)fault, (void)n;
}

static bool mark_json(const struct unit *u, const char *state, struct buf *out) {
    const json_t *delivery = u->tp->delivery;
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "state", state);
    jwrite_time(&w, "at", u->tp->at_ms);
    jwrite_str(&w, "status", str_upto(jget_str(delivery, "status"), 16));
    jwrite_str(&w, "reason", str_upto(jget_str(delivery, "reason"), 64));
    jwrite_c(&w, "touchpoint", id_write('p', u->tp->id).c);
    jwrite_close(&w, '}');
    return w.ok;
}

static void mark(struct unit *u, struct str recipient, const char *state) {
    cleanup(buf_clear) struct buf json;
    struct str email;
    buf_init(&json, MARK_MAX);
    if (!email_normalise(&u->arena, recipient, &email) || !mark_json(u, state, &json))
        return;
    struct id hash = id_identity(u->g->parts.ids, str_c("email"), email);
    store_mark(u->g->parts.store, u->contact, hash, buf_str(&json), marked,
               (void *)(uintptr_t)state);
    if (!id_same(u->part, u->contact))
        store_mark(u->g->parts.store, u->part, hash, buf_str(&json), marked,
                   (void *)(uintptr_t)state);
}

/* A report is believed about a message of ours alone: that it names one that we sent, with our
 * token, has led it to this contact. */
static bool is_about_ours(const struct unit *u) {
    for (size_t i = 0; i < u->references_n; i++)
        if (u->tokens[i] && u->look.references[i].found && u->look.references[i].has_contact &&
            id_same(u->look.contacts[u->look.references[i].contact].id, u->contact))
            return true;
    return false;
}

void unit_mark(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    const json_t *about = json_object_get(json_object_get(tp->json, "data"), "report");
    if (unit_is_letter(u)) {
        for (size_t i = 0; i < u->hashes_n && !u->is_new_contact; i++)
            if (str_is(tp->identities[i].kind, "email"))
                store_unmark(u->g->parts.store, u->contact, u->hashes[i], unmarked, NULL);
    } else if (!is_about_ours(u)) {
        return;
    } else if (str_is(tp->auto_kind, "bounce") && jget_bool(tp->delivery, "hard", false)) {
        mark(u, jget_str(tp->delivery, "recipient"), "bounced");
    } else if (str_is(tp->auto_kind, "feedback")) {
        mark(u, jget_str(about, "recipient"), "complained");
    }
}
