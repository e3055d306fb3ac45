/* tnef.h - winmail.dat: what Outlook packs around its mails (MS-OXTNEF). Pure, linear. */
#ifndef EMAIL_TNEF_H
#define EMAIL_TNEF_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

struct tnef {
    struct str text, html; /* UTF-8, LF ends; absent: none, or only as RTF */
};

/* Once a file in it, from inside the call. type: "application/octet-stream" where it does not say.
 */
typedef void tnef_file_fn(void *ctx, struct str name, struct str type, struct str bytes);

/* false: it is no TNEF. What is cut off is read as far as it goes. */
bool tnef_read(struct arena *a, struct str bytes, tnef_file_fn *on_file, void *ctx,
               struct tnef *out);

#endif
