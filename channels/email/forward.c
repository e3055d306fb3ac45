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

bool forward_read(struct arena *a, struct str subject, struct str text, struct address *out) {
    struct reply_forward forward;
    return is_forward(subject) && reply_forwarded(a, text, &forward) &&
           address_list(a, forward.from, out, 1) && address_valid(out->email);
}
