/* ingest/attach.c - RECORD_MEDIA: what became of an attachment, into the entry that names it.
 *
 *   {"id": "p_…", "fetch": word, "sha256", "size", "type", "name"}     its bytes lie in the blob store
 *   {"id": "p_…", "fetch": word, "failed": reason}
 *
 * Applied as often as one likes: an entry that names the word no longer (an edit, a withdrawal, the
 * first time) stays as it is.
 */
#include <touchline/kit/jread.h>

#include "base/log.h"
#include "blob/blob.h"
#include "ingest/ingest_priv.h"

enum { HEAD_MAX = 64 << 10 };

struct attaching {
    struct job *j;
    json_t *head;
    struct id touchpoint;
    struct touchpoint_fetched what;
    bool withdrawn; /* the entry has no content any more */
};

static void erased(void *arg, bool ok) {
    (void)arg, (void)ok;
}

static bool amend(void *arg, json_t *entry) {
    struct attaching *a = arg;
    a->withdrawn = jget_bool(entry, "deleted", false);
    return touchpoint_fetched(entry, a->touchpoint, &a->what);
}

static void amended(void *arg, const struct fault *fault, enum amend_code code) {
    struct attaching *a = arg;
    struct job *j = a->j;
    json_decref(a->head);
    if (fault) {
        job_failed(j, fault);
        return;
    }
    /* The person was erased, or the message taken back, while it was under way. */
    if ((code == AMEND_ERASED || a->withdrawn) && a->what.sha256.n)
        blob_erase(j->g->parts.blobs, str_c(id_write('p', a->touchpoint).c), erased, NULL);
    if (code == AMEND_OK)
        note_step(j, a->touchpoint, a->what.sha256.n ? "attachment" : "attachment failed",
                  a->what.sha256.n ? STR_NONE : a->what.reason);
    job_done(j);
}

void job_attach(struct job *j) {
    struct attaching *a = arena_new(&j->arena, sizeof *a);
    struct fault f;
    *a = (struct attaching){.j = j};
    if (!jread_parse(j->r->head, HEAD_MAX, &a->head, &f) ||
        !id_read(jget_str(a->head, "id"), 'p', &a->touchpoint)) {
        json_decref(a->head);
        job_quarantine(j, "the record names no touchpoint");
        return;
    }
    a->what = (struct touchpoint_fetched){
        .word = jget_str(a->head, "fetch"),
        .sha256 = jget_str(a->head, "sha256"),
        .type = jget_str(a->head, "type"),
        .name = jget_str(a->head, "name"),
        .reason = arena_str(&j->arena, jget_str(a->head, "failed")),
        .size = jget_int(a->head, "size", 0),
    };
    store_amend(j->g->parts.store, a->touchpoint, amend, amended, a);
}
