/* sip/acc.h - the fields of one accounting record, as the acc modules of Kamailio and OpenSIPS name
 * them, whatever they were written in (syslog, JSON, a table). Pure. */
#ifndef SIP_ACC_H
#define SIP_ACC_H

#include "format.h"

enum { ACC_FIELDS_MAX = 96 };

struct acc_field {
    struct str name, value;
};
struct acc {
    struct acc_field items[ACC_FIELDS_MAX];
    size_t n;
};

enum acc_event {
    ACC_UNKNOWN,  /* the record does not say whether a branch failed or all of it */
    ACC_ANSWERED, /* "transaction answered": also of failures, the code decides */
    ACC_MISSED,
};

/* "name=value;name=value": values are not escaped, so one ends only where ';' is followed by a name
 * that is a field's and not a URI parameter's. */
void acc_split(struct str s, struct acc *out);
void acc_add(struct acc *f, struct str name, struct str value);
/* names: "call_id|callid", the first that is there and not empty; of a name that comes twice the
 * first. */
struct str acc_get(const struct acc *f, const char *names);
/* The last of that name (the legs of a call repeat theirs), and how many there are. */
struct str acc_last(const struct acc *f, const char *name, size_t *out_count);

/* What each kind of record says. */
enum format_verdict acc_transaction(const struct format_in *in, const struct acc *f,
                                    enum acc_event event, struct call_line *out,
                                    const char **out_why);
/* A summary of the dialog: Kamailio's start_time and end_time, OpenSIPS' created, call_start_time
 * and duration. */
enum format_verdict acc_summary(const struct format_in *in, const struct acc *f,
                                struct call_line *out, const char **out_why);
/* Seconds since 1970 with a fraction, or a date with time, local where it names no zone; -1. */
int64_t acc_time(const struct format_in *in, struct str s);

#endif
