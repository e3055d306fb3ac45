/* read.c - a mail to a touchpoint, in a child. */
#include "email.h"

bool email_read(const struct tl_read *in, const struct tl_emit *out) {
    out->bad(out->ctx, in->body, "mail cannot be read yet");
    return false;
}
