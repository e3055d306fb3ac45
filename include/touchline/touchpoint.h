/* touchline/touchpoint.h - the JSON of a touchpoint, as it crosses the ABI and the worker's socket.
 *
 * What a channel writes (submit's `touchpoint`, read's emit) is the contract's push object with
 * more members allowed. Absent and null mean the same. Everything is checked by the daemon as if a
 * stranger had sent it.
 *
 *   { "source_id": "…"            own id within the source; absent: the entry's
 *     "revision": 0               highest stands
 *     "deleted": false
 *     "channel", "kind", "direction", "at", "subject", "text", "reply_text", "html", "language",
 *     "thread", "tags", "priority", "data"
 *     "from": {"name", "email", "phone", "social": {"network","id","handle"}, "external": {…},
 *              "verified": false, "evidence": "signature"}    verified holds for the platform's own id
 *     "to": [{"name","email","phone",…}], "cc", "reply_to"
 *     "message_id": "<…>"         also the provider's message id; other touchpoints refer to it
 *     "in_reply_to": ["<…>"], "references": ["<…>"]     oldest first, as in the header
 *     "auto": null | "bounce" …   "delivery": {…}   "call": {…}
 *     "warnings": ["date missing"]
 *     "attachments": [{"name", "type", "inline", "cid", and one of
 *                      "data" (base64), "ref" (emit->blob), "fetch" (the channel's own word for
 *                      what it will fetch later, by attach)}]
 *     "echo": true                of an outbound one: it may be our own reply come back; joined to
 *                                 that by its message_id, else a touchpoint of its own
 *     "envelope": {"from": "…", "to": "…"} }
 *
 * A delivery update names the outbound message instead of being a touchpoint of its own:
 *
 *   { "update": {"message_id": "wamid…", "at": "…", "delivery": {"state": "read", …}} }
 */
#ifndef TOUCHLINE_TOUCHPOINT_H
#define TOUCHLINE_TOUCHPOINT_H

#include <touchline/kit/buf.h>
#include <touchline/str.h>

/* Helps to write one object or array: a comma where one is due, strings escaped, absent strings as
 * null. `ok` turns false when the buf is full and stays so; look at it once at the end. */
struct jwrite {
    struct buf *out;
    bool comma, ok;
};

void jwrite_init(struct jwrite *w, struct buf *out);
/* key NULL inside an array or at the top; '{' or '[', then '}' or ']'. */
void jwrite_open(struct jwrite *w, const char *key, char bracket);
void jwrite_close(struct jwrite *w, char bracket);
void jwrite_str(struct jwrite *w, const char *key, struct str s);
void jwrite_c(struct jwrite *w, const char *key, const char *s);
void jwrite_int(struct jwrite *w, const char *key, int64_t v);
void jwrite_bool(struct jwrite *w, const char *key, bool v);
void jwrite_null(struct jwrite *w, const char *key);
void jwrite_time(struct jwrite *w, const char *key, int64_t ms); /* RFC 3339; below 0 gives null */
void jwrite_raw(struct jwrite *w, const char *key, struct str json);

#endif
