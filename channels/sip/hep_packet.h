/* sip/hep_packet.h - one HEP v3 packet (EEP): a captured message with when and between whom. Pure.
 *
 *   "HEP3" | u16 length of all | chunks: u16 vendor | u16 type | u16 length of this chunk | value
 *
 * All numbers big-endian, lengths with their own head. Chunks of other vendors and unknown types
 * are passed over.
 */
#ifndef SIP_HEP_PACKET_H
#define SIP_HEP_PACKET_H

#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

enum { HEP_HEAD = 6, HEP_PACKET_MAX = 65535, HEP_PAYLOAD_MAX = 64 * 1024 };
enum { HEP_SIP = 1 }; /* payload type */

enum hep_verdict {
    HEP_READ,
    HEP_OLD, /* version 1 or 2: refused */
    HEP_BAD, /* *out_why */
};

struct hep_packet {
    int64_t at_ms;
    unsigned type;                  /* of the payload */
    struct str source, target;      /* address and port as they stood, to compare */
    struct str payload, auth, link; /* link: the correlation id */
};

enum hep_verdict hep_packet_read(struct arena *a, struct str bytes, struct hep_packet *out,
                                 const char **out_why);
/* Of a stream: how long the packet at its beginning is; 0: not yet known, -1: no HEP v3. */
int hep_packet_length(struct str bytes);

#endif
