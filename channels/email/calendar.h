/* calendar.h - what an invitation says (RFC 5545, RFC 5546). Pure, linear. */
#ifndef EMAIL_CALENDAR_H
#define EMAIL_CALENDAR_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

struct jwrite;

/* Of its first event; absent what it does not say. Times as written, "2026-12-01T10:00:00" with a Z
 * in UTC, or a day alone. */
struct calendar {
    struct str method, summary, start, end, timezone, location, organizer, uid, status;
};

/* text: UTF-8, LF ends. false: it is no calendar. */
bool calendar_read(struct arena *a, struct str text, struct calendar *out);

/* Some lines for a mail that has no text of its own. */
struct str calendar_text(struct arena *a, const struct calendar *c);

/* As an object, member "calendar". */
void calendar_write(struct jwrite *w, const struct calendar *c);

#endif
