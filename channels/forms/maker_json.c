/* forms/maker_json.c - the JSON that makers' own servers send: one submission each.
 *
 * Sources: the makers' webhook references (Typeform, Tally, Netlify, HubSpot's forms API, Google
 * Forms' responses and what Apps Script hands to onFormSubmit). Members that are not known are
 * kept as data, so a new kind of answer is not lost.
 */
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>

#include "maker.h"

static struct str copied(struct arena *a, struct str s) {
    return s.p ? arena_str(a, s) : STR_NONE;
}

/* What a maker's word for a kind of question tells of the answer. */
static struct str hint_of(struct str type) {
    static const struct {
        const char *type, *hint;
    } hints[] = {{"email", "email"},        {"INPUT_EMAIL", "email"},
                 {"phone_number", "phone"}, {"INPUT_PHONE_NUMBER", "phone"},
                 {"long_text", "text"},     {"TEXTAREA", "text"}};
    for (size_t i = 0; i < COUNT(hints); i++)
        if (str_is(type, hints[i].type))
            return str_c(hints[i].hint);
    return STR_NONE;
}

/* ---- Typeform ---- */

static const json_t *typeform_field(const json_t *definition, struct str id) {
    const json_t *fields = json_object_get(definition, "fields"), *one;
    size_t i;
    json_array_foreach(fields, i, one) if (str_eq(jget_str(one, "id"), id)) return one;
    return NULL;
}

/* The answer stands under the name of its type; choices under label or labels. */
static struct str typeform_value(struct arena *a, const json_t *answer) {
    struct str type = jget_str(answer, "type");
    const json_t *v = type.p ? json_object_getn(answer, type.p, type.n) : NULL;
    if (json_is_object(v)) {
        const json_t *label = json_object_get(v, "label"), *labels = json_object_get(v, "labels");
        const json_t *other = json_object_get(v, "other");
        if (label || labels || other)
            v = label ? label : labels ? labels : other;
    }
    return maker_text(a, v);
}

static bool typeform_answer(struct arena *a, const json_t *answer, const json_t *definition,
                            struct form_data *out, struct fault *f) {
    const json_t *field = json_object_get(answer, "field");
    struct str id = jget_str(field, "id"), ref = jget_str(field, "ref");
    const json_t *asked = typeform_field(definition, id);
    struct form_field one = {.name = copied(a, ref.n ? ref : id),
                             .value = typeform_value(a, answer),
                             .alias = copied(a, id),
                             .label = copied(a, jget_str(asked, "title")),
                             .hint = hint_of(jget_str(answer, "type"))};
    if (!one.hint.n)
        one.hint = hint_of(jget_str(asked, "type"));
    return maker_add(out, &one, f);
}

static bool add_members(struct arena *a, const json_t *object, struct form_data *out,
                        struct fault *f) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)object, key, v) {
        struct form_field one = {.name = arena_str(a, str_c(key)), .value = maker_text(a, v)};
        if (!maker_add(out, &one, f))
            return false;
    }
    return true;
}

bool maker_typeform(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    const json_t *r = json_object_get(root, "form_response"), *answer;
    const json_t *answers = json_object_get(r, "answers");
    size_t i;
    if (!json_is_object(r))
        return fault_set(f, FAULT_INPUT, "", "a form_response is expected");
    struct str token = jget_str(r, "token");
    out->key = copied(a, token.n ? token : jget_str(root, "event_id"));
    out->at = copied(a, jget_str(r, "submitted_at"));
    json_array_foreach(answers, i,
                       answer) if (!typeform_answer(a, answer, json_object_get(r, "definition"),
                                                    out, f)) return false;
    return add_members(a, json_object_get(r, "hidden"), out, f);
}

/* ---- Tally ---- */

/* Of a choice the value holds ids; the words stand among the options. */
static struct str tally_value(struct arena *a, const json_t *field) {
    const json_t *options = json_object_get(field, "options"), *v = json_object_get(field, "value");
    const json_t *chosen, *option;
    cleanup(json_freep) json_t *words = json_array();
    size_t i, k;
    if (!json_is_array(options) || !json_is_array(v))
        return maker_text(a, v);
    json_array_foreach(v, i, chosen) {
        const json_t *word = chosen;
        json_array_foreach(options, k,
                           option) if (json_equal(json_object_get(option, "id"), chosen)) word =
            json_object_get(option, "text");
        json_array_append(words, (json_t *)word);
    }
    return maker_text(a, words);
}

bool maker_tally(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    const json_t *data = json_object_get(root, "data"), *field;
    const json_t *fields = json_object_get(data, "fields");
    size_t i;
    if (!json_is_array(fields))
        return fault_set(f, FAULT_INPUT, "", "data with its fields is expected");
    struct str id = jget_str(data, "submissionId");
    out->key = copied(a, id.n ? id : jget_str(data, "responseId"));
    out->at = copied(a, jget_str(data, "createdAt"));
    json_array_foreach(fields, i, field) {
        struct form_field one = {.name = copied(a, jget_str(field, "key")),
                                 .value = tally_value(a, field),
                                 .label = copied(a, jget_str(field, "label")),
                                 .hint = hint_of(jget_str(field, "type"))};
        if (!maker_add(out, &one, f))
            return false;
    }
    return true;
}

/* ---- Google Forms ---- */

static bool google_answers(struct arena *a, const json_t *root, struct form_data *out,
                           struct fault *f) {
    const char *id;
    json_t *v;
    json_object_foreach(json_object_get(root, "answers"), id, v) {
        const json_t *texts = json_object_get(json_object_get(v, "textAnswers"), "answers");
        struct form_field one = {.name = arena_str(a, str_c(id)),
                                 .value = maker_text(a, texts ? texts : v)};
        if (!maker_add(out, &one, f))
            return false;
    }
    return true;
}

bool maker_google(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    const json_t *named = json_object_get(root, "namedValues");
    struct str email = jget_str(root, "respondentEmail"), at = jget_str(root, "lastSubmittedTime");
    out->key = copied(a, jget_str(root, "responseId"));
    out->at = copied(a, at.n ? at : jget_str(root, "createTime"));
    struct form_field own = {
        .name = str_c("respondentEmail"), .value = copied(a, email), .hint = str_c("email")};
    if (email.n && !maker_add(out, &own, f))
        return false;
    if (json_is_object(named))
        return add_members(a, named, out, f);
    if (json_is_object(json_object_get(root, "answers")))
        return google_answers(a, root, out, f);
    return maker_object(a, root, out, f);
}

/* ---- HubSpot: {"fields": [{"name","value"}]} or a plain object of properties ---- */

bool maker_hubspot(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    const json_t *fields = json_object_get(root, "fields"), *field;
    size_t i;
    if (!json_is_array(fields))
        return maker_object(a, root, out, f);
    out->key = copied(a, jget_str(root, "submissionId"));
    json_array_foreach(fields, i, field) {
        struct form_field one = {.name = copied(a, jget_str(field, "name")),
                                 .value = maker_text(a, json_object_get(field, "value")),
                                 .label = copied(a, jget_str(field, "label"))};
        if (!maker_add(out, &one, f))
            return false;
    }
    return add_members(a, json_object_get(root, "context"), out, f);
}

/* ---- Netlify's outgoing webhook; what its forms send themselves is flat ---- */

bool maker_netlify(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    const json_t *data = json_object_get(root, "data");
    if (!json_is_object(data))
        return maker_object(a, root, out, f);
    out->key = copied(a, jget_str(root, "id"));
    out->at = copied(a, jget_str(root, "created_at"));
    return add_members(a, data, out, f);
}

/* ---- any object ---- */

bool maker_object(struct arena *a, const json_t *root, struct form_data *out, struct fault *f) {
    struct str id = jget_str(root, "id");
    if (!json_is_object(root))
        return fault_set(f, FAULT_INPUT, "", "an object is expected");
    if (id.n)
        out->key = copied(a, id);
    else if (json_is_integer(json_object_get(root, "id")))
        out->key = maker_text(a, json_object_get(root, "id"));
    return add_members(a, root, out, f);
}
