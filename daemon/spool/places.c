/* spool/places.c - what is kept of each source: where each thing stood in it, and what a day
 * brought.
 *
 * A place is written by the commit of its record, also where that is known already: what the
 * source has and the ledger has not was never taken in. The figures are gathered over a group and
 * written once a source and group.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { SOURCE_MAX = 200, SOURCES_MAX = 1024 /* in one group; beyond it they count as one */ };
static const int64_t day_ms = 86400000;

struct source_tally {
    char source[SOURCE_MAX + 1];
    int64_t received, kept, duplicate, quarantined;
};

bool place_write(struct writer *w, const struct record *r, struct fault *f) {
    if (!r->place.n)
        return true;
    sqlite3_stmt *s = db_statement(&w->db, SQL_PLACE_ADD, f);
    if (!s)
        return false;
    db_bind_text(s, 1, r->source);
    db_bind_text(s, 2, r->place);
    db_bind_text(s, 3, r->id);
    sqlite3_bind_int64(s, 4, clock_wall_ms());
    return db_run(&w->db, s, f);
}

/* PLUGIN:INSTANCE; what an event of a push calls its source would be one more each. */
static struct str counted_as(struct str source) {
    struct str rest = source;
    struct str plugin = str_cut(&rest, ':');
    struct str instance = str_cut(&rest, ':');
    return str_upto(str_make(source.p, plugin.n + 1 + instance.n), SOURCE_MAX);
}

static struct source_tally *tally_of(struct writer *w, struct str source) {
    struct str name = w->tallies_n < SOURCES_MAX ? counted_as(source) : str_c("other");
    for (size_t i = 0; i < w->tallies_n; i++)
        if (str_is(name, w->tallies[i].source))
            return &w->tallies[i];
    if (w->tallies_n == w->tallies_room) {
        w->tallies_room = w->tallies_room ? w->tallies_room * 2 : 8;
        w->tallies = mem_grow(w->tallies, w->tallies_room * sizeof *w->tallies);
    }
    struct source_tally *t = &w->tallies[w->tallies_n++];
    *t = (struct source_tally){0};
    memcpy(t->source, name.p, name.n);
    return t;
}

void tally_push(struct writer *w, const struct push *p) {
    const struct record *r = p->record;
    if ((r->kind != RECORD_TOUCHPOINT && r->kind != RECORD_RAW) || !r->source.n ||
        !memchr(r->source.p, ':', r->source.n))
        return;
    struct source_tally *t = tally_of(w, r->source);
    t->received++;
    t->kept += p->verdict == SPOOL_KEPT;
    t->duplicate += p->verdict == SPOOL_KNOWN;
    t->quarantined += p->verdict == SPOOL_KEPT && (r->flags & RECORD_QUARANTINED);
}

bool tally_quarantined(struct writer *w, uint64_t seq, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECORD_SOURCE, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)seq);
    enum db_step step = db_step(&w->db, s, f);
    if (step != DB_ROW)
        return step == DB_END;
    struct str source = db_column(s, 0);
    if (source.n && memchr(source.p, ':', source.n))
        tally_of(w, source)->quarantined++;
    db_done(s);
    return true;
}

bool tallies_write(struct writer *w, struct fault *f) {
    must_run_on(THREAD_SPOOL);
    int64_t today = clock_wall_ms() / day_ms;
    for (size_t i = 0; i < w->tallies_n; i++) {
        const struct source_tally *t = &w->tallies[i];
        sqlite3_stmt *s = db_statement(&w->db, SQL_TALLY_ADD, f);
        if (!s)
            return false;
        db_bind_text(s, 1, str_c(t->source));
        sqlite3_bind_int64(s, 2, today);
        sqlite3_bind_int64(s, 3, t->received);
        sqlite3_bind_int64(s, 4, t->kept);
        sqlite3_bind_int64(s, 5, t->duplicate);
        sqlite3_bind_int64(s, 6, t->quarantined);
        if (!db_run(&w->db, s, f))
            return false;
    }
    return true;
}

void tallies_forget(struct writer *w) {
    w->tallies_n = 0;
}
