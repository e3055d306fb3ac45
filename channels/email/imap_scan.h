/* imap_scan.h - which UIDs are there: asked for in windows, so that no answer is without bounds. */
#ifndef EMAIL_IMAP_SCAN_H
#define EMAIL_IMAP_SCAN_H

#include "imap_session.h"
#include "imap_value.h"

enum { IMAP_SCAN_MAX = 400000 };

/* uids: of the next window that has any, ascending; n 0: there are none left. Views live until the
 * next call. false: the server would not say; reason. */
typedef void imap_scanned_fn(void *arg, bool ok, const uint32_t *uids, size_t n, struct str reason);

struct imap_scan {
    struct imap_session *session;
    char date[24]; /* of SINCE; empty: all */
    uint64_t from; /* first UID of the next window */
    uint32_t window;
    bool last; /* the window under way has no end */
    struct imap_uids uids;
    bool bad;
    imap_scanned_fn *done;
    void *arg;
};

/* From that UID on, by day of arrival not before since_ms (0: all). */
void imap_scan_begin(struct imap_scan *s, struct imap_session *session, uint32_t from,
                     int64_t since_ms, imap_scanned_fn *done, void *arg);
void imap_scan_next(struct imap_scan *s);
void imap_scan_clear(struct imap_scan *s);

#endif
