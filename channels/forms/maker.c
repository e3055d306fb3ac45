/* forms/maker.c - see maker.h. The table, and what its readers share. */
#include "maker.h"

#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>

enum { TEXT_MAX = 256 * 1024, TEXT_DEPTH = 4 };

static const char *const contact_form_7_internals[] = {"_wpcf7", "_wpnonce", NULL};
static const char *const formspree_internals[] = {"_format", "_cc", "_next", "_language", NULL};
static const char *const netlify_internals[] = {"form-name", "netlify-honeypot", NULL};
static const char *const jotform_internals[] = {"formID",
                                                "webhookURL",
                                                "rawRequest",
                                                "pretty",
                                                "username",
                                                "type",
                                                "slug",
                                                "event_id",
                                                "path",
                                                "action",
                                                "custom",
                                                "uploadServerUrl",
                                                "submitSource",
                                                "buildDate",
                                                "jsExecutionTracker",
                                                "timeToSubmit",
                                                "validatedNewRequiredFieldIDs",
                                                NULL};
static const char *const gravity_internals[] = {
    "form_id",      "post_id",      "is_starred", "is_read",    "currency",
    "payment_",     "transaction_", "status",     "created_by", "is_fulfilled",
    "date_updated", "source_id",    NULL};
static const char *const elementor_internals[] = {"post_id",    "form_id",  "referer_title",
                                                  "queried_id", "form[",    "meta[",
                                                  "action",     "referrer", NULL};
static const char *const none[] = {NULL};

/* In the order of the configuration's choices, behind `none`. */
static const struct maker makers[] = {
    {"contact-form-7", NULL, contact_form_7_internals, NULL, NULL, NULL},
    {"formspree", "_gotcha", formspree_internals, NULL, NULL, NULL},
    {"netlify", "bot-field", netlify_internals, maker_netlify, NULL, maker_sign_netlify},
    {"typeform", NULL, none, maker_typeform, NULL, maker_sign_typeform},
    {"tally", NULL, none, maker_tally, NULL, maker_sign_tally},
    {"jotform", NULL, jotform_internals, maker_object, maker_jotform, NULL},
    {"google-forms", NULL, none, maker_google, NULL, NULL},
    {"hubspot", NULL, none, maker_hubspot, NULL, maker_sign_hubspot},
    {"elementor", NULL, elementor_internals, maker_object, maker_brackets, NULL},
    {"gravity", NULL, gravity_internals, maker_object, NULL, NULL},
    {"wpforms", NULL, none, maker_object, maker_brackets, NULL},
};

const struct maker *maker_at(int64_t index) {
    return index > 0 && (size_t)index <= COUNT(makers) ? &makers[index - 1] : NULL;
}

bool maker_add(struct form_data *d, const struct form_field *field, struct fault *f) {
    if (d->fields_n == FORM_FIELDS_MAX)
        return fault_set(f, FAULT_INPUT, "", "more than %d fields", FORM_FIELDS_MAX);
    if (field->value.n > FORM_FIELD_BYTES_MAX)
        return fault_set(f, FAULT_INPUT, "", "a field is larger than %d bytes",
                         FORM_FIELD_BYTES_MAX);
    d->fields[d->fields_n++] = *field;
    return true;
}

static bool add_separated(struct buf *out, const char *separator) {
    return !out->n || buf_add_c(out, separator);
}

static bool add_text(struct buf *out, const json_t *v, int depth) {
    const json_t *item;
    const char *key;
    size_t i;
    switch (json_typeof(v)) {
    case JSON_STRING:
        return add_separated(out, ", ") &&
               buf_add(out, str_make(json_string_value(v), json_string_length(v)));
    case JSON_INTEGER:
        return add_separated(out, ", ") && buf_addf(out, "%lld", (long long)json_integer_value(v));
    case JSON_REAL:
        return add_separated(out, ", ") && buf_addf(out, "%.15g", json_real_value(v));
    case JSON_TRUE:
    case JSON_FALSE:
        return add_separated(out, ", ") && buf_add_c(out, json_is_true(v) ? "yes" : "no");
    case JSON_NULL:
        return true;
    case JSON_ARRAY:
        json_array_foreach(v, i, item) if (depth && !add_text(out, item, depth - 1)) return false;
        return true;
    case JSON_OBJECT:
        json_object_foreach((json_t *)v, key,
                            item) if (depth && !add_text(out, item, depth - 1)) return false;
        return true;
    }
    return true;
}

struct str maker_text(struct arena *a, const json_t *v) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, TEXT_MAX);
    if (!v)
        return STR_NONE;
    (void)!add_text(&b, v, TEXT_DEPTH); /* what is longer is cut */
    return arena_str(a, buf_str(&b));
}
