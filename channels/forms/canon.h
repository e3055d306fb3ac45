/* forms/canon.h - where a field of a maker's form belongs, when the operator does not say. Pure. */
#ifndef FORMS_CANON_H
#define FORMS_CANON_H

#include <touchline/str.h>

/* A person's name may come in two fields; the parts are joined in this order. */
enum canon_part { CANON_WHOLE, CANON_FIRST, CANON_LAST };

/* The path in the touchpoint ("from.email"), absent: none. By the field's name without regard to
 * case and the signs _ - [ ] and space ("your-email", "E-Mail"), then by hint ("email"). */
struct str canon_path(struct str name, struct str hint, enum canon_part *out_part);

#endif
