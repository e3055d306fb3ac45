/* imap_cursor.c - text form and the window's arithmetic. */
#include "imap_cursor.h"

#include <inttypes.h>
#include <stdio.h>

bool imap_cursor_read(struct str text, struct imap_cursor *out) {
    char copy[IMAP_CURSOR_MAX];
    struct imap_cursor c = {0};
    int end = 0;
    if (!text.n || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    int n = sscanf(copy,
                   "1 %16" SCNx64 " %10" SCNu32 " %10" SCNu32 " %16" SCNx64 " %10" SCNu32
                   " %19" SCNd64 " %19" SCNd64 "%n",
                   &c.mailbox, &c.validity, &c.last, &c.window, &c.acted, &c.born_ms, &c.caught_ms,
                   &end);
    if (n != 7 || (size_t)end != text.n)
        return false;
    *out = c;
    return true;
}

struct str imap_cursor_write(const struct imap_cursor *c, char out[IMAP_CURSOR_MAX]) {
    int n = snprintf(
        out, IMAP_CURSOR_MAX,
        "1 %016" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRIx64 " %" PRIu32 " %" PRId64 " %" PRId64,
        c->mailbox, c->validity, c->last, c->window, c->acted, c->born_ms, c->caught_ms);
    return str_make(out, (size_t)n);
}

bool imap_cursor_wants(const struct imap_cursor *c, uint32_t uid) {
    if (!uid || uid == c->last)
        return false;
    if (uid > c->last)
        return true;
    uint32_t below = c->last - uid - 1;
    return below < IMAP_WINDOW && !(c->window >> below & 1);
}

uint32_t imap_cursor_from(const struct imap_cursor *c) {
    return c->last > IMAP_WINDOW ? c->last - IMAP_WINDOW : 1;
}

struct imap_cursor imap_cursor_with(struct imap_cursor c, uint32_t uid) {
    if (uid > c.last) {
        uint32_t up = uid - c.last;
        c.window = up > IMAP_WINDOW ? 0 : c.window << up;
        if (c.last && up <= IMAP_WINDOW)
            c.window |= UINT64_C(1) << (up - 1);
        c.window &= (UINT64_C(1) << IMAP_WINDOW) - 1;
        c.last = uid;
    } else if (uid < c.last && c.last - uid <= IMAP_WINDOW) {
        c.window |= UINT64_C(1) << (c.last - uid - 1);
    }
    return c;
}

void imap_cursor_renew(struct imap_cursor *c, uint32_t validity) {
    c->validity = validity;
    c->last = c->acted = 0;
    c->window = 0;
}
