/* touchpoint/touchpoint.h - what a touchpoint is: read, checked, normalised, written. Pure.
 *
 *   JSON of a push or a channel ──touchpoint_read──► struct touchpoint ──touchpoint_write──► stored JSON
 */
#ifndef TOUCHPOINT_TOUCHPOINT_H
#define TOUCHPOINT_TOUCHPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/str.h>

#include "touchpoint/id.h"

enum { IDENTITIES_MAX = 16 };

/* An address of a person, normalised. kind: "email", "phone", a network, an external system's name. */
struct identity {
    struct str kind, value;
    bool verified;
    struct str evidence; /* "adapter", "signature", "dmarc", "claimed" … */
    struct str display;  /* handle or name, as shown; may be absent */
};

struct touchpoint_origin {
    struct str source;      /* "push:crm" */
    struct str source_id;   /* used when the JSON names none */
    int64_t received_ms;
    struct str region;      /* "DE" */
    bool trusted;           /* what it says of identities is verified */
    bool push;              /* contract's push object, strictly; else the channels' form of touchline/touchpoint.h */
};

struct touchpoint {
    struct arena arena;
    json_t *json;          /* normalised members of the contract's stored form, without contact and conversation */
    struct id id;
    struct str source, source_id;
    struct str channel, kind, direction, subject, text, thread, message_id, auto_kind;
    struct str delivery_state;      /* of an update, or of an outbound one */
    struct str update_of;           /* message id that a delivery update names; absent: a touchpoint of its own */
    struct str *references;         /* in_reply_to and references, newest first, without repetition */
    size_t references_n;
    struct identity identities[IDENTITIES_MAX]; /* strongest first: verified, then external, social, email, phone */
    size_t identities_n;
    int64_t at_ms, received_ms, revision, priority;
    bool deleted, at_clamped;
    uint8_t content[8];             /* hash of what was said, for mismatch */
};

/* Faults INPUT with JSON pointers, all of them; unknown top-level fields by name. json is borrowed. */
bool touchpoint_read(struct id_maker *ids, const json_t *json, const struct touchpoint_origin *origin,
                     struct touchpoint **out, struct fault_list *faults) must_check;
void touchpoint_free(struct touchpoint *tp);
void touchpoint_freep(struct touchpoint **tp);
/* The stored form as text; contact, conversation may be absent (then null). */
bool touchpoint_write(const struct touchpoint *tp, struct str contact, struct str conversation, struct buf *out) must_check;

/* Normal form of one identity given as "kind:value" ("email:jana@example.org", "phone:030 1234567"); region for
 * numbers. Fault INPUT. Views into the arena. */
bool identity_parse(struct arena *a, struct str text, struct str region, struct identity *out, struct fault *f) must_check;
/* E.164, or false: keep it raw, it makes no contact. */
bool phone_normalise(struct arena *a, struct str raw, struct str region, struct str *out) must_check;

#endif
