/* ingest/mask_find.h - finds card numbers and IBANs in text and bytes. Pure, in linear time. */
#ifndef INGEST_MASK_FIND_H
#define INGEST_MASK_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/str.h>

struct mask_span {
    size_t begin, end;
};

/* The first at or behind `from`. raw: bytes as they came, where a blank may be written %20, + or
 * =20. A card has 13 to 19 digits that pass Luhn's check (ISO/IEC 7812-1), with single blanks or
 * dashes between; never a part of a longer row of digits, nor what follows a '+'. An IBAN (ISO
 * 13616) has its country's length and the remainder 1. */
bool mask_find_card(struct str text, size_t from, bool raw, struct mask_span *out);
bool mask_find_iban(struct str text, size_t from, bool raw, struct mask_span *out);
/* Bytes of one blank or dash that may stand between groups, 0: none is here. */
size_t mask_gap(struct str text, size_t at, bool raw);

#endif
