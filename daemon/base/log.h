/* base/log.h - the one logger: one line an event, logfmt, on stderr.
 *
 *   2026-11-23T08:00:00.000Z level=warn event=spool.full bytes=4294967296
 *
 * Under systemd (JOURNAL_STREAM set) a line begins with <N> instead of the time. Never blocks: what
 * the sink does not take is counted and told later (log.dropped). Event names are
 * "room.what"; values are escaped outside 0x21..0x7E. Any thread. Lines are at most 4 KiB.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include <touchline/kit/fault.h>
#include <touchline/str.h>

enum log_level { LOG_ERROR = 1, LOG_WARN = 2, LOG_INFO = 3, LOG_DEBUG = 4 };

void log_setup(enum log_level level);
bool log_level_on(enum log_level level);
/* format gives "key=value key=value"; a string value from outside goes through log_value. */
void log_event(enum log_level level, const char *event, const char *format, ...) printf_like(3, 4);
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_event(LOG_DEBUG, event, __VA_ARGS__)

/* For "%s": s escaped and cut to 200 bytes, in one of a few thread-local buffers (good for one
 * call). */
const char *log_value(struct str s);
/* For "%s": a pseudonym of personal data, p:16 hex digits of a keyed hash of this process's life.
 */
const char *log_person(struct str s);
/* For "%s": place and reason of a fault, escaped. */
const char *log_fault(const struct fault *f);

#endif
