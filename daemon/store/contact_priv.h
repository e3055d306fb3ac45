/* store/contact_priv.h - what the files on contacts share: keys, records, replies. */
#ifndef STORE_CONTACT_PRIV_H
#define STORE_CONTACT_PRIV_H

#include <touchline/kit/buf.h>

#include "store/answer.h"
#include "store/client.h"
#include "store/contact.h"

enum { KEY_MAX = 40, CHANNELS_N = 11 };

/* Keys of one part: profile, timeline, bodies, conversations. */
struct part_keys {
    char text[4][KEY_MAX];
    struct str c, t, b, v;
};
void part_keys(struct id part, struct part_keys *out);
/* {p:NNNNN} of an id; out holds KEY_MAX. */
struct str bucket_key(struct id id, char out[KEY_MAX]);

static inline struct str id_bytes(const struct id *id) {
    return str_make((const char *)id->b, ID_BYTES);
}
static inline bool id_equal(struct id a, struct id b) {
    return memcmp(a.b, b.b, ID_BYTES) == 0;
}
/* The first 16 bytes of s. false: shorter. */
bool id_from(struct str s, struct id *out) must_check;

/* An item of an array reply; STORE_NIL beyond its end. */
const struct store_reply *reply_item(const struct store_reply *r, size_t i);
struct str reply_str(const struct store_reply *r, size_t i);
int64_t str_int(struct str s, int64_t otherwise);
/* 0 for SET, 1 for the second word … of "a|b|c"; -1: none of them. */
int reply_code(const struct store_reply *r, const char *words);

/* One entry of {c…}:b. */
struct body_record {
    struct id conversation, task;
    bool has_task, inbound, note, deleted;
    int channel; /* from 1, as in contact_channels */
    int64_t revision;
    struct str delivery, packed;
};
bool body_record_decode(struct id id, struct str s, struct body_record *out) must_check;
extern const char *const contact_channels[CHANNELS_N];

bool contact_identity_decode(struct id hash, struct str s, struct contact_identity *out) must_check;

/* Seven arguments an identity (functions/contact.lua); returns how many were written. */
size_t identity_args(const struct contact_identity *list, size_t n, struct str *out);

/* ---- profile.c: all fields of a contact's parts ---- */
struct suggestion {
    int64_t n;
    struct str json;
};
/* One {c…}:c, decoded. */
struct part_profile {
    struct id id, to;
    bool is_contact, is_gone, has_to, is_merged; /* to: of a merged contact, else of an alias */
    int64_t gone_ms, born_ms, rev, touchpoints, first_ms, last_ms, agent_ms;
    int64_t channels[CHANNELS_N];
    struct str name, language, profile, open, agent, visits, marks;
    const struct id *parts;
    size_t parts_n;
    struct contact_identity *identities;
    size_t identities_n;
    struct suggestion *suggestions;
    size_t suggestions_n;
};
/* A contact with its pointers followed: parts[0] is the contact itself. */
struct profiles {
    struct arena arena;
    bool found, gone;
    struct part_profile *parts;
    size_t parts_n;
};
/* p lives until done returns. gone: an erased contact, asked for by its own id (by_identity false),
 * or an identity that leads nowhere since. */
typedef void profiles_fn(void *arg, const struct fault *fault, struct profiles *p);
void store_profiles(struct store *s, struct id id, bool by_identity, profiles_fn *done, void *arg);
/* Identities of all parts without repetition, the best status of each; in the arena of p. */
struct contact_identity *profiles_identities(struct profiles *p, size_t *out_n);
/* Visits of all parts; in the arena of p. */
void profiles_episodes(struct profiles *p, struct episodes *out);

/* ---- json.c ---- */
/* The contract's contact; rev of it in *out_rev. */
bool contact_json(struct profiles *p, struct buf *out, int64_t *out_rev) must_check;
/* Without its touchpoints, and without the closing brace. */
bool conversation_json(const struct conversation *v, struct id contact, const struct episodes *e,
                       struct buf *out) must_check;
/* One entry as the contract's touchpoint. */
bool entry_json(struct id id, struct str packed_record, struct id contact, struct buf *out)
    must_check;
/* Answers that carry nothing but their kind; LATER for a fault. */
void answer_kind(answer_fn *done, void *arg, enum answer_kind kind);
void answer_fault(answer_fn *done, void *arg, const struct fault *fault);

/* Payloads for a part's channel. */
struct str payload_of(const char *member, char prefix, struct id id, char out[64]);

#endif
