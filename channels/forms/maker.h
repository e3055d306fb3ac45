/* forms/maker.h - what makers of forms send: how a body of theirs becomes plain fields, which field
 * means what, and how they sign. Pure; a row each.
 */
#ifndef FORMS_MAKER_H
#define FORMS_MAKER_H

#include <jansson.h>
#include <stdint.h>

#include "form.h"

/* What a signature is judged by. */
struct maker_request {
    struct str method, url, body;
    struct str (*header)(void *ctx, const char *name);
    void *ctx;
    int64_t now_ms;
};

struct maker {
    const char *name;
    const char *honeypot; /* its own trap, or NULL */
    /* Prefixes of fields that are the maker's own, not the sender's words; NULL ends. */
    const char *const *internals;
    /* The maker's JSON into fields; NULL: an object of plain values. */
    bool (*json)(struct arena *a, const json_t *root, struct form_data *out, struct fault *f);
    /* Names and values as they come in flat encodings taken apart; NULL: they are plain. */
    bool (*flat)(struct arena *a, struct form_data *d, struct fault *f);
    /* Over the raw bytes, in constant time. NULL: it does not sign. */
    bool (*signature)(struct str secret, const struct maker_request *r);
};

/* By the index among the choices of `maker`; 0 gives NULL: a form of one's own. */
const struct maker *maker_at(int64_t index);

/* maker_json.c */
typedef bool maker_json_fn(struct arena *a, const json_t *root, struct form_data *out,
                           struct fault *f);
maker_json_fn maker_typeform, maker_tally, maker_google, maker_hubspot, maker_netlify, maker_object;
/* maker_flat.c */
bool maker_brackets(struct arena *a, struct form_data *d, struct fault *f);
bool maker_jotform(struct arena *a, struct form_data *d, struct fault *f);
/* maker_sign.c */
bool maker_sign_typeform(struct str secret, const struct maker_request *r);
bool maker_sign_tally(struct str secret, const struct maker_request *r);
bool maker_sign_netlify(struct str secret, const struct maker_request *r);
bool maker_sign_hubspot(struct str secret, const struct maker_request *r);

/* Adds one; false: too many (fault INPUT). Absent label and alias are allowed. */
bool maker_add(struct form_data *d, const struct form_field *field, struct fault *f);
/* Text of any JSON value: lists joined by ", ", objects by their plain members. In the arena. */
struct str maker_text(struct arena *a, const json_t *v);

#endif
