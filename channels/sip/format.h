/* sip/format.h - a format of call record: bytes to what they say about calls. Pure; a file each, a
 * row each in format.c and its name among the choices in settings.c, in the same order.
 *
 * A source of records is a file (lines), a folder (documents, a file each), /cdr/NAME (documents)
 * or a socket (packets). A format gives what fits it:
 *
 *   read      one line gives at most one call_line
 *   document  a whole body (JSON, XML) gives any number, into the sink
 *   packet    one datagram, or one frame of a TCP stream, likewise; `frame` cuts the stream
 *
 * What they give lives in in->arena or in the bytes read, until the sink or the reader has
 * returned.
 */
#ifndef SIP_FORMAT_H
#define SIP_FORMAT_H

#include <touchline/kit/zone.h>
#include <touchline/plugin.h>

#include "calls.h"

enum format_verdict {
    FORMAT_NOTHING,  /* no call record: another program's line, a comment */
    FORMAT_LINE,     /* read: *out is filled; document, packet: what there was is in the sink */
    FORMAT_BAD,      /* a call record that cannot be read: *out_why */
    FORMAT_HEADER,   /* read alone: names the columns of the lines after it; handed to them as
                        in->header */
    FORMAT_OLD,      /* packet: of a version that is not taken; counted, not kept */
    FORMAT_STRANGER, /* packet: without the key; counted, not kept */
    FORMAT_FLOOD,    /* packet: cannot be read, as too many before it; counted, not kept */
};

/* What a format may know beside the bytes. */
struct format_in {
    struct arena *arena;
    const struct zone *zone; /* of times that name none; never NULL */
    const struct tl_strs
        *columns;        /* names, as the operator ordered them; n == 0: the format's own */
    bool zone_given;     /* the operator named it */
    struct str header;   /* the last line that was a FORMAT_HEADER; absent: none */
    struct str name;     /* of a file, without its folder; absent: none */
    struct str type;     /* of a posted document: its Content-Type; absent: none */
    struct str secret;   /* HEP: the key each packet must carry; absent: none */
    int64_t now_ms;      /* wall clock; 0: unknown */
    int64_t mono_ms;     /* monotonic: what waits */
    void *state;         /* of state_new, where the format keeps one */
    bool trust_asserted; /* the trunk's P-Asserted-Identity is the caller (RFC 3325) */
};

struct format_sink {
    void *ctx;
    /* raw: the bytes it rests on (may be the whole document); the same raw again is no news. */
    void (*line)(void *ctx, const struct call_line *said, struct str raw);
    /* One item that cannot be read goes to quarantine, its siblings live on. */
    void (*bad)(void *ctx, struct str piece, const char *why);
};

typedef enum format_verdict format_read_fn(const struct format_in *in, struct str line,
                                           struct call_line *out, const char **out_why);
typedef enum format_verdict format_all_fn(const struct format_in *in, struct str bytes,
                                          const struct format_sink *sink, const char **out_why);

struct format {
    const char *name; /* as the configuration names it */
    format_read_fn *read;
    format_all_fn *document;
    format_all_fn *packet;
    /* Length of the first packet in the bytes of a stream; 0: more is needed; -1: no packets. */
    ptrdiff_t (*frame)(struct str bytes);
    /* A format that builds calls out of packets itself keeps a state, one a source; `tick` (four
     * times a second) gives what has ended by the clock. Each may be NULL. */
    void *(*state_new)(void);
    void (*state_free)(void *take_state);
    void (*tick)(const struct format_in *in, const struct format_sink *sink);
    /* The file is written anew as a whole each time (a table): read again from its first byte
     * without a word of loss. */
    bool rewritten;
    /* A folder holds these files, each followed; NULL: each file there is a document. */
    const char *const *files;
};

extern const struct format format_kamailio, format_kamailio_dbtext, format_kamailio_flat,
    format_opensips, format_asterisk_csv, format_asterisk_custom, format_asterisk_json,
    format_asterisk_queue, format_asterisk_cel, format_freeswitch, format_freeswitch_csv,
    format_json, format_clf, format_hep;

/* By its index among the choices of `format`; NULL beyond. */
const struct format *format_at(int64_t index);

#endif
