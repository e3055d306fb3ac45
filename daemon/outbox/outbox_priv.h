/* outbox/outbox_priv.h - what the files of this room share.
 *
 *   outbox.c    opens, drains, closes; asks the spool for what is due
 *   queue.c     a reply is asked for: who is answered, by which way, then into the spool
 *   compose.c   pure: the outbound touchpoint out of the request and what it answers
 *   attempt.c   one reply handed to its channel, and what became of it
 *   state.c     delivery states as records
 */
#ifndef OUTBOX_OUTBOX_PRIV_H
#define OUTBOX_OUTBOX_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "outbox/outbox.h"
#include "spool/spool.h"
#include "touchpoint/touchpoint.h"

struct loop_timer;

/* Of one source: so that a relay which is down is not asked by every reply in turn. */
struct way {
    char *source;
    uint32_t active, failures;
    int64_t open_until_ms; /* wall clock; no attempts before */
};

/* What is newer here than in the spool's answers: a reply under way, or one whose note may not be
 * committed yet. */
struct known {
    struct link link; /* in `knowns`, oldest first */
    char *id;
    int64_t since_ms; /* monotonic: when it last changed */
    bool active, done;
    int64_t next_ms;   /* not before */
    int64_t queued_ms; /* wall clock */
};

struct outbox {
    struct loop *loop;
    struct spool *spool;
    struct blob_store *blobs;
    struct store *store;
    struct id_maker *ids;
    struct sender sender;
    struct str region;
    struct loop_timer *timer;
    bool asking, again, drained;
    struct map ways;  /* source -> struct way */
    struct map by_id; /* id -> struct known */
    struct link knowns;
    struct link held;    /* what waits for an answer of another room */
    struct link unsaved; /* delivery states that the spool had no room for */
    size_t unsaved_n;
};

/* Begins every struct that waits for an answer. When the outbox closes first, `o` turns NULL and
 * whoever is answered only frees. */
struct held {
    struct link link;
    struct outbox *o;
    void (*closing)(struct held *h); /* what must not wait for the answer; may be NULL */
};
static inline void hold(struct outbox *o, struct held *h) {
    h->o = o;
    list_push(&o->held, &h->link);
}

/* outbox.c */
/* Looks for due replies now. */
void outbox_pump(struct outbox *o);
struct way *way_of(struct outbox *o, struct str source);
struct known *known_of(struct outbox *o, struct str id); /* made when it is not there */

/* attempt.c */
void attempt_begin(struct outbox *o, const struct outbox_row *row);
/* Pause before attempt n + 1: 10 s doubling to 1 h. */
int64_t attempt_pause_ms(uint32_t attempts);
enum { GIVE_UP_MS = 48 * 3600 * 1000, ACTIVE_MAX = 4, TRIP_AT = 5, TRIP_MS = 30000 };

/* state.c */
struct delivery_news {
    struct str id, source, message_id, provider_id, recipient;
    const char *state; /* "sent", "failed" */
    struct str code, status, diagnostic;
    bool hard;
    int64_t at_ms;
};
void state_tell(struct outbox *o, const struct delivery_news *news);
void states_retry(struct outbox *o);
void states_clear(struct outbox *o);

/* compose.c */
struct composing {
    struct id_maker *ids;
    struct str region;
    struct str source, source_id; /* of the new touchpoint */
    struct str name, address;     /* sender; address absent: a platform */
    struct str by;
    struct str subject;              /* of the request, or absent */
    struct str conversation_subject; /* or absent */
    struct str channel;
    const json_t *body;     /* the request */
    const json_t *answered; /* stored inbound touchpoint, or NULL */
    const json_t *to;       /* person to be written to */
    struct id conversation; /* of the reply; first message: its own is derived */
    bool begins, automatic;
    int64_t now_ms;
};
/* Fault INPUT with a pointer. */
bool compose(const struct composing *c, struct touchpoint **out, struct fault *f) must_check;
/* The newest touchpoint of the list (newest first) that a reply can go to, or NULL. */
const json_t *compose_pick_answered(const json_t *items);
/* {"name", "email"} of a person for mail, or with its number and network for a platform. NULL:
 * there is no such address. New reference. */
json_t *compose_recipient(const json_t *person, bool mail);
/* The person of an identity's text, "email:jana@example.org"; name may be absent. New reference. */
json_t *compose_person(const struct identity *identity, struct str name);

#endif
