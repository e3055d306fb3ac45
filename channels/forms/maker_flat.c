/* forms/maker_flat.c - makers whose fields come flat, under names of their own.
 *
 *   form_fields[email]        Elementor's own form          -> email
 *   fields[email][value]      Elementor's webhook           -> email, titled by fields[email][title]
 *   wpforms[fields][3]        WPForms                       -> 3
 *   q4_email, rawRequest      Jotform: each question numbered; the whole once more as JSON
 */
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>

#include "maker.h"

enum { RAW_MAX = 1 << 20 };

/* "a[b][c]" to a, b, c; how many there are. */
static size_t brackets_of(struct str name, struct str out[3]) {
    size_t n = 0;
    struct str rest = name;
    out[n++] = str_cut(&rest, '[');
    while (rest.p && n < 3) {
        out[n++] = str_cut(&rest, ']');
        (void)str_cut(&rest, '[');
    }
    return n;
}

static struct form_field *named(struct form_data *d, size_t upto, struct str name) {
    for (size_t i = 0; i < upto; i++)
        if (str_eq(d->fields[i].name, name))
            return &d->fields[i];
    return NULL;
}

static void take_apart(struct form_data *d, size_t *n, struct form_field in) {
    struct str at[3] = {{0}};
    size_t parts = brackets_of(in.name, at);
    bool own = str_is(at[0], "form_fields") || str_is(at[0], "fields");
    if (parts == 3 && str_is(at[0], "wpforms"))
        own = str_is(at[1], "fields"), at[1] = at[2], parts = 2;
    if (!own || parts < 2) {
        d->fields[(*n)++] = in;
        return;
    }
    if (parts == 3 && !str_is(at[2], "value")) {
        struct form_field *f = named(d, *n, at[1]);
        if (f && str_is(at[2], "title"))
            f->label = in.value;
        else if (!f && str_is(at[2], "title"))
            d->fields[(*n)++] = (struct form_field){.name = at[1], .label = in.value};
        return;
    }
    struct form_field *f = named(d, *n, at[1]);
    if (f && !f->value.p)
        f->value = in.value;
    else
        d->fields[(*n)++] = (struct form_field){.name = at[1], .value = in.value};
}

bool maker_brackets(struct arena *a, struct form_data *d, struct fault *f) {
    size_t n = 0, all = d->fields_n;
    (void)a, (void)f;
    for (size_t i = 0; i < all; i++) /* n never passes i: at most one comes of one */
        take_apart(d, &n, d->fields[i]);
    d->fields_n = n;
    return true;
}

/* "q12_emailAddress" to emailAddress; any other name as it is. */
static struct str without_number(struct str name) {
    size_t i = 1;
    if (name.n < 3 || name.p[0] != 'q')
        return name;
    while (i < name.n && name.p[i] >= '0' && name.p[i] <= '9')
        i++;
    return i > 1 && i + 1 < name.n && name.p[i] == '_' ? str_from(name, i + 1) : name;
}

static bool is_question(struct str name) {
    return without_number(name).p != name.p;
}

/* Of the whole only the questions count: the rest tells of the form's page. */
static bool add_raw(struct arena *a, struct form_data *d, struct str raw, struct fault *f) {
    cleanup(json_freep) json_t *root = NULL;
    const char *key;
    json_t *v;
    if (!jread_parse(raw, RAW_MAX, &root, f))
        return false;
    json_object_foreach(root, key, v) {
        struct str name = arena_str(a, str_c(key));
        struct form_field one = {
            .name = without_number(name), .alias = name, .value = maker_text(a, v)};
        if (is_question(name) && !maker_add(d, &one, f))
            return false;
    }
    return true;
}

bool maker_jotform(struct arena *a, struct form_data *d, struct fault *f) {
    struct str raw = form_value(d, str_c("rawRequest")), id = form_value(d, str_c("submissionID"));
    d->key = id.n ? id : STR_NONE;
    if (raw.n) {
        d->fields_n = 0;
        return add_raw(a, d, raw, f);
    }
    for (size_t i = 0; i < d->fields_n; i++) {
        d->fields[i].alias = d->fields[i].name;
        d->fields[i].name = without_number(d->fields[i].name);
    }
    return true;
}
