/* imap_act.c - what is done with a mail that was taken in: marked as seen, or moved.
 *
 *   UID MOVE (RFC 6851), or where that is not offered
 *   UID COPY ─► UID STORE \Deleted ─► UID EXPUNGE of these alone (RFC 4315); without UIDPLUS they
 *   stay marked as deleted, since EXPUNGE would take other people's deleted mails along
 */
#include <stdio.h>

#include <touchline/kit/own.h>

#include "imap_box.h"

enum { SET_BYTES = 4000, LINE_MAX_BYTES = 16384 };

static void act_some(struct imap_box *b);
static void on_done(void *arg, enum imap_result result, const struct imap_response *end);
static void on_copied(void *arg, enum imap_result result, const struct imap_response *end);
static void on_deleted(void *arg, enum imap_result result, const struct imap_response *end);

static void say(struct imap_box *b, const char *verb, const char *what, struct str folder,
                imap_done_fn *done) {
    cleanup(buf_clear) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    bool ok = buf_addf(&line, "UID %s ", verb);
    b->acting_n = imap_uids_write(b->todo.items, b->todo.n, &line, SET_BYTES);
    ok = ok && buf_add_c(&line, what) && buf_add(&line, folder);
    if (ok)
        imap_session_command(b->session, buf_str(&line), NULL, done, b);
    else
        box_fail(b, "a command became too long");
}

/* They stay on the list and are tried again after the next mails. */
static void failed(struct imap_box *b, const struct imap_response *end) {
    box_count(b, "imap_after_failed", NULL);
    box_health(b, TL_DEGRADED, "mails are taken in but cannot be %s: %.*s",
               b->after == AFTER_MOVE ? "moved" : "marked", STR_ARG(str_upto(end->text, 120)));
    b->acted(b);
}

static void on_done(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    if (result != IMAP_OK) {
        failed(b, end);
        return;
    }
    b->todo.n -= b->acting_n;
    memmove(b->todo.items, b->todo.items + b->acting_n, b->todo.n * sizeof *b->todo.items);
    act_some(b);
}

static void on_copied(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    if (result == IMAP_OK)
        say(b, "STORE", " +FLAGS.SILENT (\\Deleted)", STR_NONE, on_deleted);
    else
        failed(b, end);
}

static void on_deleted(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    if (result == IMAP_OK && imap_session_facts(b->session)->features & IMAP_HAS_UIDPLUS)
        say(b, "EXPUNGE", "", STR_NONE, on_done);
    else
        on_done(b, result, end);
}

static void act_some(struct imap_box *b) {
    if (!b->todo.n) {
        b->cursor.acted = b->cursor.last;
        b->acted(b);
    } else if (b->after == AFTER_SEEN) {
        say(b, "STORE", " +FLAGS.SILENT (\\Seen)", STR_NONE, on_done);
    } else if (imap_session_facts(b->session)->features & IMAP_HAS_MOVE) {
        say(b, "MOVE", " ", b->folder, on_done);
    } else {
        say(b, "COPY", " ", b->folder, on_copied);
    }
}

void box_act(struct imap_box *b, void (*then)(struct imap_box *b)) {
    b->acted = then;
    b->state = BOX_ACTING;
    if (b->after == AFTER_NONE || imap_session_facts(b->session)->read_only) {
        b->todo.n = 0;
        then(b);
        return;
    }
    imap_uids_sort(&b->todo);
    act_some(b);
}

/* ---- what an earlier run left ---- */

static void on_found(void *arg, const struct imap_reader *r, const struct imap_response *data) {
    struct imap_box *b = arg;
    if (str_is_nocase(data->word, "SEARCH") || str_is_nocase(data->word, "ESEARCH"))
        (void)!imap_search_read(r, data, &b->todo, IMAP_SCAN_MAX);
}

static void on_found_all(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    size_t kept = 0;
    (void)result, (void)end;
    imap_uids_sort(&b->todo);
    for (size_t i = 0; i < b->todo.n; i++) {
        uint32_t uid = b->todo.items[i];
        if (uid > b->cursor.acted && uid <= b->cursor.last && !imap_cursor_wants(&b->cursor, uid))
            b->todo.items[kept++] = uid;
    }
    b->todo.n = kept;
    box_act(b, b->acted);
}

void box_redo(struct imap_box *b, void (*then)(struct imap_box *b)) {
    const struct imap_cursor *c = &b->cursor;
    char line[96], date[24] = "";
    struct imap_scan dated;
    b->acted = then;
    b->state = BOX_REDOING;
    b->todo.n = 0;
    if (b->after == AFTER_NONE || c->acted >= c->last) {
        then(b);
        return;
    }
    if (c->born_ms) {
        imap_scan_begin(&dated, b->session, 1, c->born_ms, NULL, NULL);
        snprintf(date, sizeof date, "%s", dated.date);
    }
    snprintf(line, sizeof line, "UID SEARCH UID %u:%u%s%s%s", c->acted + 1, c->last,
             b->after == AFTER_SEEN ? " UNSEEN" : "", date[0] ? " SINCE " : "", date);
    imap_session_command(b->session, str_c(line), on_found, on_found_all, b);
}
