/* lmtp_words.h - paths and parameters of commands (RFC 5321 4.1.2). Pure. */
#ifndef EMAIL_LMTP_WORDS_H
#define EMAIL_LMTP_WORDS_H

#include <stdbool.h>

#include <touchline/str.h>

/* Reads "FROM:<path> params": *out_path without brackets and route, *rest behind them. */
bool lmtp_path_read(struct str args, const char *keyword, struct str *out_path, struct str *rest);
/* One to twenty digits. */
bool lmtp_is_number(struct str s);
/* The number is at most max; it may be longer than any integer. */
bool lmtp_size_fits(struct str value, size_t max);
bool lmtp_is_ascii(struct str s);
bool lmtp_has_control(struct str line);

#endif
