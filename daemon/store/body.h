/* store/body.h - bodies as Redis holds them: zstd with a dictionary they share. Loop thread.
 *
 *   version(1) | zstd frame without its magic number
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include <stdbool.h>

#include <touchline/kit/buf.h>

enum { BODY_TEXT_MAX = 32 << 20 };

extern const char store_dictionary_1[];

/* Appends. false: the buf is full. */
bool body_pack(struct str text, struct buf *out) must_check;
/* Appends. false: not a body of ours, or longer than BODY_TEXT_MAX. */
bool body_unpack(struct str packed, struct buf *out) must_check;

#endif
