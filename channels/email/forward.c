/* forward.c - see forward.h. */
#include "forward.h"

#include <touchline/kit/own.h>

#include "reply_text.h"

static bool is_forward(struct str subject) {
    static const char *const marks[] = {"fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "vb:", "vl:"};
    for (size_t i = 0; i < COUNT(marks); i++)
        if (str_is_nocase(str_upto(subject, strlen(marks[i])), marks[i]))
            return true;
    return false;
}

/* "Jana [mailto:jana@example.org]", as Outlook writes: with brackets that an address has. */
static struct str with_angles(struct arena *a, struct str from) {
    char *p = arena_new(a, from.n + 1);
    ptrdiff_t open = str_find(from, '[');
    if (open < 0 || from.p[from.n - 1] != ']' ||
        !str_eq_nocase(str_upto(str_from(from, (size_t)open + 1), 7), (struct str)STR("mailto:")))
        return from;
    memcpy(p, from.p, from.n);
    p[open] = '<';
    p[from.n - 1] = '>';
    return str_make(p, from.n);
}

bool forward_read(struct arena *a, struct str subject, struct str text, struct address *out) {
    struct reply_forward forward;
    return is_forward(subject) && reply_forwarded(a, text, &forward) &&
           address_list(a, with_angles(a, str_trim(forward.from)), out, 1) &&
           address_valid(out->email);
}
