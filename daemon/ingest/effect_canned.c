/* ingest/effect_canned.c - records of canned answers applied (again): {"id","answer","rev"},
 * without an answer it was deleted. The highest revision stands. */
#include <touchline/kit/jread.h>

#include "ingest/ingest_priv.h"
#include "store/canned.h"

enum { HEAD_MAX = 1 << 20 };

static void on_put(void *arg, const struct answer *a) {
    struct fault f;
    if (a->kind == ANSWER_OK) {
        job_done(arg);
    } else {
        fault_set(&f, FAULT_BUSY, "answer", "the store is away");
        job_failed(arg, &f);
    }
}

void job_canned(struct job *j) {
    cleanup(json_freep) json_t *head = NULL;
    cleanup(buf_clear) struct buf text;
    buf_init(&text, HEAD_MAX);
    bool read = jread_parse(j->r->head, HEAD_MAX, &head, NULL);
    const json_t *answer = json_object_get(head, "answer");
    struct str id = jget_str(head, "id");
    int64_t rev = jget_int(head, "rev", 0);
    if (!read || !id.n || rev < 1 || (answer && !jread_dump(&text, answer)))
        job_quarantine(j, "the record holds no canned answer");
    else
        store_canned_put(
            j->g->parts.store,
            &(struct canned){
                .id = id, .json = buf_str(&text), .mode = CANNED_AGAIN, .if_rev = -1, .rev = rev},
            on_put, j);
}
