/* spool/read_receipt.c - a receipt as the contract shows it.
 *
 *   { "id": "p_…", "state": "applied", "steps": [{"at": "…", "step": "kept", "detail": "spool
 * 4711"}, …] }
 *
 * The state is that of the newest record: kept while it is pending, quarantined, else applied,
 * unless a later step says more. Of a receipt without a record here the last step is all there is
 * to say.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/touchpoint.h>

#include "spool/spool_priv.h"

enum { RECEIPT_BYTES = 4 << 20, STATE_MAX = 32 };

/* Steps that stand as a state of their own. */
static bool is_state(struct str step) {
    static const char *const states[] = {"dropped", "erased", "complete"};
    for (size_t i = 0; i < COUNT(states); i++)
        if (str_is(step, states[i]))
            return true;
    return false;
}

static void write_step(struct jwrite *j, int64_t at_ms, const char *step, struct str detail) {
    jwrite_open(j, NULL, '{');
    jwrite_time(j, "at", at_ms);
    jwrite_c(j, "step", step);
    jwrite_str(j, "detail", detail.n ? detail : STR_NONE);
    jwrite_close(j, '}');
}

/* Lines "AT\tSTEP\tDETAIL"; what the last of them says of the state is left in out_state. */
static void write_lines(struct jwrite *j, struct str lines, char out_state[STATE_MAX], bool stray) {
    while (lines.n) {
        struct str detail = str_cut(&lines, '\n');
        struct str at = str_cut(&detail, '\t'), step = str_cut(&detail, '\t');
        char number[24], name[64];
        snprintf(number, sizeof number, "%.*s", STR_ARG(at));
        snprintf(name, sizeof name, "%.*s", STR_ARG(step));
        write_step(j, strtoll(number, NULL, 10), name, detail);
        if (stray || is_state(step))
            snprintf(out_state, STATE_MAX, "%.*s", STR_ARG(step));
    }
}

/* One row: a record and what was noted of it. */
static void write_row(struct jwrite *j, sqlite3_stmt *s, char out_state[STATE_MAX]) {
    uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
    bool pending = sqlite3_column_int(s, 3), quarantined = sqlite3_column_int(s, 4);
    if (seq) {
        char detail[40];
        snprintf(detail, sizeof detail, "spool %llu", (unsigned long long)seq);
        write_step(j, sqlite3_column_int64(s, 1), "kept", str_c(detail));
        snprintf(out_state, STATE_MAX, "%s",
                 pending       ? "kept"
                 : quarantined ? "quarantined"
                               : "applied");
    }
    char before[STATE_MAX];
    memcpy(before, out_state, STATE_MAX);
    write_lines(j, db_column(s, 2), out_state, !seq);
    if (pending || quarantined)
        memcpy(out_state, before, STATE_MAX); /* tried again since */
}

static bool write_receipt(struct reader *r, const struct question *q, const int64_t *rows, size_t n,
                          struct jwrite *j, char state[STATE_MAX], bool *out_found,
                          struct fault *f) {
    for (size_t i = 0; i < n; i++) {
        sqlite3_stmt *s = db_statement(&r->db, SQL_RECEIPT, f);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, rows[i]);
        enum db_step step = db_step(&r->db, s, f);
        if (step == DB_FAILED)
            return false;
        if (step == DB_END)
            continue;
        if (str_eq(db_column(s, 5), q->text)) {
            *out_found = true;
            write_row(j, s, state);
        }
        db_done(s);
    }
    return true;
}

bool read_receipt(struct reader *r, struct question *q, struct fault *f) {
    int64_t *rows = NULL;
    size_t n = 0;
    if (!read_rows_of(r, q, &rows, &n, f))
        return false;
    cleanup(buf_clear) struct buf steps;
    buf_init(&steps, RECEIPT_BYTES);
    struct jwrite j, whole;
    char state[STATE_MAX] = "";
    jwrite_init(&j, &steps);
    jwrite_open(&j, NULL, '[');
    if (!write_receipt(r, q, rows, n, &j, state, &q->found, f))
        return false;
    jwrite_close(&j, ']');
    jwrite_init(&whole, &q->json);
    jwrite_open(&whole, NULL, '{');
    jwrite_str(&whole, "id", q->text);
    jwrite_c(&whole, "state", state);
    jwrite_raw(&whole, "steps", buf_str(&steps));
    jwrite_close(&whole, '}');
    return (j.ok && whole.ok) || fault_set(f, FAULT_SYSTEM, "receipt", "too long");
}
