/* imap_scan.c - UID SEARCH by windows.
 *
 * "559:*" always names the last mail too, also when its UID is below 559 (RFC 3501 6.4.8): what
 * lies below the window is left out. UIDNEXT is a prediction: the last window has no end.
 */
#include "imap_scan.h"

#include <stdio.h>
#include <time.h>

#include <touchline/kit/own.h>

enum { WINDOW_MIN = 5000, WINDOW_MAX = 300000, WHOLE_MAX = 50000 };

void imap_scan_begin(struct imap_scan *s, struct imap_session *session, uint32_t from,
                     int64_t since_ms, imap_scanned_fn *done, void *arg) {
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)(since_ms / 1000);
    struct tm tm;
    *s = (struct imap_scan){.session = session,
                            .from = from ? from : 1,
                            .window = WINDOW_MIN,
                            .done = done,
                            .arg = arg};
    if (since_ms > 0 && gmtime_r(&t, &tm))
        snprintf(s->date, sizeof s->date, "%d-%s-%04d", tm.tm_mday, months[tm.tm_mon],
                 (tm.tm_year + 1900) % 10000);
}

void imap_scan_clear(struct imap_scan *s) {
    imap_uids_clear(&s->uids);
}

static void on_data(void *arg, const struct imap_reader *r, const struct imap_response *data) {
    struct imap_scan *s = arg;
    if ((str_is_nocase(data->word, "SEARCH") || str_is_nocase(data->word, "ESEARCH")) &&
        !imap_search_read(r, data, &s->uids, IMAP_SCAN_MAX))
        s->bad = true;
}

static void leave_out_below(struct imap_scan *s, uint64_t from) {
    size_t below = 0;
    while (below < s->uids.n && s->uids.items[below] < from)
        below++;
    s->uids.n -= below;
    if (below && s->uids.n)
        memmove(s->uids.items, s->uids.items + below, s->uids.n * sizeof *s->uids.items);
}

static void on_done(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_scan *s = arg;
    if (result != IMAP_OK || s->bad) {
        s->done(s->arg, false, NULL, 0,
                s->bad ? str_c("its list of mails cannot be read") : end->text);
        return;
    }
    imap_uids_sort(&s->uids);
    leave_out_below(s, s->from);
    s->from += s->window;
    if (s->uids.n || s->last) {
        s->window = WINDOW_MIN;
        s->done(s->arg, true, s->uids.items, s->uids.n, STR_NONE);
        return;
    }
    /* Nothing there: UIDs can lie far apart. */
    s->window = s->window < WINDOW_MAX / 4 ? s->window * 4 : WINDOW_MAX;
    imap_scan_next(s);
}

void imap_scan_next(struct imap_scan *s) {
    const struct imap_facts *facts = imap_session_facts(s->session);
    char line[128];
    uint64_t to = s->from + s->window - 1;
    s->uids.n = 0;
    if (s->last || s->from > UINT32_MAX) {
        s->done(s->arg, true, NULL, 0, STR_NONE);
        return;
    }
    s->last = facts->exists <= WHOLE_MAX || to >= UINT32_MAX ||
              (facts->uid_next && to + 1 >= facts->uid_next);
    int n = snprintf(line, sizeof line, "UID SEARCH UID %llu:", (unsigned long long)s->from);
    n += s->last ? snprintf(line + n, sizeof line - (size_t)n, "*")
                 : snprintf(line + n, sizeof line - (size_t)n, "%llu", (unsigned long long)to);
    if (s->date[0])
        snprintf(line + n, sizeof line - (size_t)n, " SINCE %s", s->date);
    imap_session_command(s->session, str_c(line), on_data, on_done, s);
}
