/* imap_cursor.h - how far a mailbox was read. Pure.
 *
 *          last - 50                   last
 *   ────────────┼──1─1─0─1─1─1─0─1─1─1──┤  ─ ─ ─ ─ ► not yet looked at
 *    all done   └── window: 0 not seen ─┘
 *
 * Servers may show a higher UID before a lower one. So the last 50 UIDs are remembered one by one:
 * what turns up among them later is still new.
 */
#ifndef EMAIL_IMAP_CURSOR_H
#define EMAIL_IMAP_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { IMAP_WINDOW = 50, IMAP_CURSOR_MAX = 160 };

struct imap_cursor {
    uint64_t mailbox;  /* hash of server, user, folder: another one begins anew */
    uint32_t validity; /* UIDVALIDITY; 0: nothing read yet */
    uint32_t last;     /* highest UID taken in */
    uint64_t window;   /* bit i: UID last - 1 - i was taken in */
    uint32_t acted;    /* up to here the after-action was carried out */
    int64_t born_ms;   /* older mails are none of ours; 0: all are */
    int64_t caught_ms; /* when all that was there had been taken in; 0: never yet */
};

bool imap_cursor_read(struct str text, struct imap_cursor *out) must_check;
struct str imap_cursor_write(const struct imap_cursor *c, char out[IMAP_CURSOR_MAX]);
/* Whether this UID is still to be taken in. */
bool imap_cursor_wants(const struct imap_cursor *c, uint32_t uid);
/* The lowest UID that could be: where to search from. */
uint32_t imap_cursor_from(const struct imap_cursor *c);
/* The same cursor once this UID has been taken in. */
struct imap_cursor imap_cursor_with(struct imap_cursor c, uint32_t uid);
/* A new epoch: every UID means another mail now. */
void imap_cursor_renew(struct imap_cursor *c, uint32_t validity);

#endif
