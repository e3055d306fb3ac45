/* imap_session.h - one connection: commands with tags nobody can guess, one at a time, and what the
 * server says of the mailbox meanwhile.
 *
 * A callback may close the session; it lives until the call has returned. After `down` it is gone.
 * A server that says nothing for a minute while it owes an answer is hung up on.
 */
#ifndef EMAIL_IMAP_SESSION_H
#define EMAIL_IMAP_SESSION_H

#include <touchline/plugin.h>

#include "imap_reader.h"

struct email;
struct imap_config;
struct imap_session;

enum imap_result { IMAP_OK, IMAP_NO, IMAP_REJECTED /* BAD */ };

struct imap_session_events {
    void (*up)(void *arg);
    /* EXISTS went up, or the like: there may be something new. */
    void (*news)(void *arg);
    void (*down)(void *arg, bool denied, struct str why);
};

enum imap_feature {
    IMAP_HAS_IDLE = 1,
    IMAP_HAS_MOVE = 2,
    IMAP_HAS_UIDPLUS = 4,
};

/* What is known of server and mailbox. */
struct imap_facts {
    uint32_t features;
    uint32_t exists, validity, uid_next;
    bool read_only;
    bool fresh; /* EXISTS went up; the owner takes it back when he looks */
};

/* Data that comes while the command runs; the end of it. */
typedef void imap_data_fn(void *arg, const struct imap_reader *r, const struct imap_response *data);
typedef void imap_done_fn(void *arg, enum imap_result result, const struct imap_response *end);

/* bearer: instead of the password. literal_max: what is kept of the literals of one response. NULL:
 * no more connections can be had. */
struct imap_session *imap_session_open(struct email *e, const struct imap_config *config,
                                       struct str bearer, size_t literal_max,
                                       const struct imap_session_events *events, void *arg);
void imap_session_close(struct imap_session *take_s);
struct imap_facts *imap_session_facts(struct imap_session *s);

/* line: without tag and line end. None may be under way. data may be NULL. */
void imap_session_command(struct imap_session *s, struct str line, imap_data_fn *data,
                          imap_done_fn *done, void *arg);
/* IDLE: done comes after imap_session_wake, or when the server ends it. */
void imap_session_idle(struct imap_session *s, imap_done_fn *done, void *arg);
void imap_session_wake(struct imap_session *s);
/* Paused: nothing more is read; views of the last response stay. */
void imap_session_pause(struct imap_session *s, bool paused);
/* Ends it as broken: `down` comes, never from inside. */
void imap_session_fail(struct imap_session *s, const char *why);
/* EXAMINE or SELECT of the configured folder. */
void imap_session_enter(struct imap_session *s, bool to_change, imap_done_fn *done, void *arg);

#endif
