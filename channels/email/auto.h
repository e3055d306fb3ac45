/* auto.h - whether a mail was written by a person or by a program, and what kind of program. Pure.
 */
#ifndef EMAIL_AUTO_H
#define EMAIL_AUTO_H

#include <stdbool.h>

#include <touchline/str.h>

#include "header.h"

enum auto_class {
    AUTO_NONE,
    AUTO_BOUNCE,
    AUTO_REPLY,
    AUTO_LIST,
    AUTO_FEEDBACK,
    AUTO_RECEIPT,
    AUTO_NOTIFICATION,
    AUTO_CLASSES
};

/* The contract's word; NULL for AUTO_NONE. */
const char *auto_name(enum auto_class c);

/* By its header alone; reports (bounces, receipts, complaints) are judged by their content
 * elsewhere. null_sender: the envelope's sender was <>. */
enum auto_class auto_classify(const struct headers *h, struct str from_email, bool null_sender);

/* With the decoded subject: absence notes that say so nowhere else, or only that a program wrote.
 */
enum auto_class auto_subject(struct str subject, enum auto_class by_header);

/* The sender wants no automatic answer, though a person may have written. */
bool auto_suppressed(const struct headers *h);

#endif
