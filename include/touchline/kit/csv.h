/* kit/csv.h - one record of comma-separated text (RFC 4180), as Asterisk writes it too. Pure. */
#ifndef TOUCHLINE_KIT_CSV_H
#define TOUCHLINE_KIT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

/* Splits one line (without its line end) into at most max fields; quotes removed, "" inside quotes
 * is one quote. Fields live in the arena or the line. false: unbalanced quote or too many fields.
 */
bool csv_split(struct arena *a, struct str line, char sep, struct str *out, size_t max,
               size_t *out_n) must_check;

#endif
