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

/* An address of a person, normalised. kind: "email", "phone", a network, an external system's name.
 */
struct identity {
    struct str kind, value;
    bool verified;
    struct str evidence; /* "adapter", "signature", "dmarc", "claimed" … */
    struct str display;  /* handle or name, as shown; may be absent */
};

struct touchpoint_origin {
    struct str source;    /* "push:crm" */
    struct str source_id; /* used when the JSON names none */
    int64_t received_ms;
    struct str region; /* "DE" */
    bool trusted;      /* what it says of identities is verified */
    bool push;         /* contract's push object, strictly; else the channels' form of
                          touchline/touchpoint.h */
    /* What a reader emitted beside it: attachments by "ref". */
    const struct touchpoint_given *given;
    size_t given_n;
};
struct touchpoint_given {
    struct str ref, bytes;
};

/* Bytes of an attachment, kept apart: what Redis holds is their name, type, size and hash. */
struct touchpoint_blob {
    char sha256[SHA256_HEX + 1];
    struct buf bytes;
};

struct touchpoint {
    struct arena arena;
    json_t *json; /* normalised members of the contract's stored form, without contact and
                     conversation */
    struct id id;
    struct str source, source_id;
    struct str channel, kind, direction, subject, text, thread, message_id, auto_kind;
    struct str delivery_state; /* of an update, or of an outbound one */
    /* Message id that a delivery update names; absent: a touchpoint of its own. */
    struct str update_of;
    struct str *references; /* in_reply_to and references, newest first, without repetition */
    size_t references_n;
    struct identity identities[IDENTITIES_MAX]; /* strongest first: verified, then external, social,
                                                   email, phone */
    size_t identities_n;
    int64_t at_ms, received_ms, revision, priority;
    bool deleted, at_clamped;
    bool echo;          /* may be our own reply come back; not kept beyond its reading */
    uint8_t content[8]; /* hash of what was said, for mismatch */
    json_t *delivery;   /* {"state",…} or NULL; stands apart since updates change it */
    struct touchpoint_blob *blobs;
    size_t blobs_n;
    struct str name, language; /* of the person; may be absent */
    bool own_id;               /* source_id stood in the JSON, else it is the origin's */
};

/* Faults INPUT with JSON pointers, all of them; unknown top-level fields by name. json is borrowed.
 * A push without identity is refused; in the channels' form (a withheld number, a broken From)
 * identities_n may be 0. */
bool touchpoint_read(struct id_maker *ids, const json_t *json,
                     const struct touchpoint_origin *origin, struct touchpoint **out,
                     struct fault_list *faults) must_check;
void touchpoint_free(struct touchpoint *tp);
void touchpoint_freep(struct touchpoint **tp);
/* The stored form as text; contact, conversation may be absent (then null). */
bool touchpoint_write(const struct touchpoint *tp, struct str contact, struct str conversation,
                      struct buf *out) must_check;
/* The same in two parts: what never changes once written ("source":… to the last member, without
 * braces), and the head before it, made anew by each reader. delivery is JSON or absent. */
bool touchpoint_write_body(const struct touchpoint *tp, struct buf *out) must_check;
bool touchpoint_join(struct str id, struct str contact, struct str conversation,
                     struct str delivery, struct str body, struct buf *out) must_check;
/* As the record of a judged touchpoint, with its attachments' bytes; and back, without judging it
 * again. */
bool touchpoint_save(const struct touchpoint *tp, struct buf *out) must_check;
bool touchpoint_load(struct str saved, struct touchpoint **out, struct fault *f) must_check;
/* What became of an attachment that its channel fetches later: bytes (sha256), or the reason why
 * there are none. Changes those with this word in the entry's members; false: there are none any
 * more. */
struct touchpoint_fetched {
    struct str word, sha256, type, name, reason;
    int64_t size;
};
bool touchpoint_fetched(json_t *entry, struct id id, const struct touchpoint_fetched *f);

/* A message id without angle brackets and blanks, for comparing (RFC 5322 3.6.4). */
struct str message_id_bare(struct str id);
/* failed and read stand above delivered, above sent, above queued; 0: no such state. */
int delivery_rank(struct str state);
/* {"state",…} checked and in its normal form (new reference), or NULL with a fault; at: its JSON
 * pointer. */
json_t *delivery_read(const json_t *in, const char *at, struct fault *f);

/* Normal form of one identity given as "kind:value" ("email:jana@example.org", "phone:030
 * 1234567"); region for numbers. Fault INPUT. Views into the arena. */
bool identity_parse(struct arena *a, struct str text, struct str region, struct identity *out,
                    struct fault *f) must_check;
/* The one E.164 form of whoever is reached by it (kit/phone.h), or false: keep it raw, it makes no
 * contact. */
bool phone_normalise(struct arena *a, struct str raw, struct str region, struct str *out)
    must_check;
/* An E.164 number as it is dialled inside its own region; absent when it is of another one. */
struct str phone_national(struct arena *a, struct str e164, struct str region);
/* Address in its normal form: all lower case, the domain in ASCII (IDNA). false: not an address
 * that may go to a wire. */
bool email_normalise(struct arena *a, struct str raw, struct str *out) must_check;
/* [a-z][a-z0-9_]{0,31} */
bool identity_name_ok(struct str name);
/* email, phone, the networks: no external system may be called so. */
bool identity_builtin(struct str name);
/* Strongest first: verified, then external, social, e-mail, phone; equal ones keep their order. */
void identity_sort(struct identity *list, size_t n);

#endif
