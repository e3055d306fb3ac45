/* encoded_word.h - encoded words of header fields (RFC 2047), as they are met.
 *
 * A reader of our own: many programs split a character over two words, which is put together again
 * only when bytes are joined before they are converted.
 */
#ifndef EMAIL_ENCODED_WORD_H
#define EMAIL_ENCODED_WORD_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* Unfolded text with its words decoded; valid UTF-8, controls and line ends still in it. */
struct str encoded_words(struct arena *a, struct str text);

#endif
