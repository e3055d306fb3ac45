/* mail_id.h - a mail's own id: what stays the same whichever way it came. */
#ifndef EMAIL_MAIL_ID_H
#define EMAIL_MAIL_ID_H

#include <touchline/kit/hash.h>
#include <touchline/str.h>

/* SHA-256 over the mail without its Return-Path, Delivered-To and Received fields, in hex. */
void mail_id(struct str mail, char out[SHA256_HEX + 1]);

#endif
