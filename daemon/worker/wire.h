/* worker/wire.h - frames between the daemon and a child. Pure.
 *
 *   frame:  u32 length of payload, little endian │ u8 type │ payload
 *   string: u32 length (all ones: absent) │ bytes          number: i64, little endian
 *
 *   daemon ─ READ, WORK, VERIFY, HASH ─► child ─ (TOUCHPOINT, BLOB, BAD, ANSWER)* DONE ─► daemon
 *
 * Both sides check what they get as if a stranger had sent it.
 */
#ifndef WORKER_WIRE_H
#define WORKER_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

enum {
    WIRE_HEAD = 5,
    WIRE_JOB_MAX = 96 << 20,    /* one job with its body */
    WIRE_ANSWER_MAX = 64 << 20, /* all frames of one answer */
    WIRE_ITEMS_MAX = 1 << 16,   /* how many */
};

enum wire_type {
    WIRE_READ = 1,        /* plugin, source, source_id, format, meta, body, region; received_ms */
    WIRE_WORK,            /* plugin, kind, payload */
    WIRE_VERIFY,          /* phc, password */
    WIRE_HASH,            /* password */
    WIRE_TOUCHPOINT = 16, /* json */
    WIRE_BLOB,            /* ref, bytes */
    WIRE_BAD,             /* reason, piece */
    WIRE_ANSWER,          /* json */
    WIRE_DONE,            /* reason or absent; ok */
};

struct wire_frame {
    enum wire_type type;
    struct str payload;
};

enum wire_state { WIRE_MORE, WIRE_FRAME, WIRE_BROKEN };

/* Starts a frame; the result goes to wire_end, which writes its length. What is added between is
 * the payload. false: full; the buf is of no use then. */
bool wire_begin(struct buf *out, enum wire_type type, size_t *out_at) must_check;
void wire_end(struct buf *out, size_t at);
bool wire_add_str(struct buf *out, struct str s) must_check;
bool wire_add_int(struct buf *out, int64_t v) must_check;

/* Takes one frame off the front of *in. MORE: not all there yet, *in as it was. BROKEN: an unknown
 * type, or a payload above max_bytes. */
enum wire_state wire_next(struct str *in, size_t max_bytes, struct wire_frame *out);
/* Take a value off the front of a payload; false: it ends too early. */
bool wire_take_str(struct str *payload, struct str *out) must_check;
bool wire_take_int(struct str *payload, int64_t *out) must_check;

#endif
