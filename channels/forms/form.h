/* forms/form.h - one submission: from bytes to fields, from fields to a touchpoint. Pure. */
#ifndef FORMS_FORM_H
#define FORMS_FORM_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "captcha.h"
#include "stamp.h"

enum {
    FORM_FIELDS_MAX = 200,
    FORM_FIELD_BYTES_MAX = 512 * 1024,
    FORM_PLAIN_BYTES_MAX =
        2 * 1024 * 1024, /* urlencoded and JSON; multipart has the server's limit */
    FORM_FILES_MAX = 20,
    FORM_KEY_BYTES_MAX = 255, /* of submission_id */
};

/* One form of the configuration. */
struct form_config {
    struct str name;
    int64_t maker;             /* whose form it is: maker_at */
    struct str secret;         /* of a maker that signs */
    struct tl_pairs fields;    /* field -> path in the touchpoint: from.email, text, data.order */
    struct tl_groups required; /* of each group one at least */
    struct str honeypot;
    struct tl_strs origins;
    struct str redirect;
    struct tl_strs redirects; /* hosts that a form's own redirect may name */
    struct tl_rate rate;
    struct stamp_config timestamp;
    struct captcha_config captcha;
    struct {
        int64_t max_bytes, max;
        struct tl_strs types;
    } files;
};

struct maker;
struct form_field {
    struct str name, value;
    struct str alias, label; /* what else it is called, or absent */
    struct str hint;         /* what the maker says it is: "email", "phone", "text" */
};
struct form_file {
    struct str name, filename, type, bytes;
};
struct form_data {
    struct form_field fields[FORM_FIELDS_MAX];
    size_t fields_n;
    struct form_file files[FORM_FILES_MAX];
    size_t files_n;
    struct str key, at; /* the maker's own id of the submission and its time, or absent */
};

/* Fault INPUT; *out_status tells how: 400 not readable, 413 too large, 415 another media type, 422.
 */
bool form_parse(struct arena *a, const struct maker *maker, struct str content_type,
                struct str body, struct form_data *out, int *out_status, struct fault *f)
    must_check;
/* The value of a field (the first of that name), absent where it is not. */
struct str form_value(const struct form_data *d, struct str name);
/* Size, number and types of files as the form allows; 413 or 415 as above. */
bool form_files_ok(const struct form_config *c, const struct form_data *d, int *out_status,
                   struct fault *f) must_check;
bool form_trapped(const struct form_config *c, const struct form_data *d);
/* All that is wrong: required groups, unknown fields, too long a submission_id; places are "/field"
 * by names of the configuration only. */
bool form_check(const struct form_config *c, const struct form_data *d, struct fault_list *faults)
    must_check;
/* The touchpoint's JSON. false: too large. */
bool form_write(const struct form_config *c, const struct form_data *d, struct buf *out) must_check;
/* The name of the field that a pointer into the touchpoint ("/from/email") came from; absent: none.
 */
struct str form_field_of(const struct form_config *c, struct str pointer);
/* "/field" with what RFC 6901 escapes. */
void form_pointer(struct str field, char out[FAULT_PLACE_MAX]);
/* What makes two submissions the same: form's fields and files, and the sender's network (/64 of
 * IPv6). */
bool form_sameness(const struct form_data *d, struct str peer, struct buf *out) must_check;
/* Where the form itself wants the browser to go (_next, redirect), if the operator allows that
 * host; else absent. */
struct str form_next(const struct form_config *c, const struct form_data *d);
/* An address as rate limits count it: IPv6 by its /64. */
struct str form_network(struct arena *a, struct str peer);

#endif
