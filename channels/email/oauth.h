/* oauth.h - a token for a mailbox, from a command or a file.
 *
 * Asked for in a child, since a command may take its time. What comes is the token itself, or the
 * JSON of a token endpoint (RFC 6749 5.1): {"access_token": "…", "expires_in": 3600}.
 */
#ifndef EMAIL_OAUTH_H
#define EMAIL_OAUTH_H

#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

enum { OAUTH_TEXT_MAX = 64 * 1024, OAUTH_DEADLINE_MS = 30000 };

struct tl_strs;
struct email;

/* In the daemon: asks for one; done is called once, not from inside. */
typedef void oauth_done_fn(void *arg, bool ok, struct str token_or_reason, int64_t lives_ms);
struct oauth_ask;
struct oauth_ask *oauth_ask(struct email *e, struct tl_strs command, struct str file,
                            oauth_done_fn *done, void *arg);
/* done will not be called any more. */
void oauth_forget(struct oauth_ask *take_ask);

/* In the child: the job's payload to the answer {"token", "lives_ms"}. */
bool oauth_work(struct str payload, const struct tl_emit *out);

/* Pure: text of a token endpoint or a bare token. lives_ms 0: not told. */
bool oauth_read(struct str text, struct buf *out_token, int64_t *out_lives_ms, struct fault *f)
    must_check;

#endif
