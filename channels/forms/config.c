/* forms/config.c - see config.h. */
#include "config.h"

#include <stdio.h>

#include <touchline/kit/own.h>

#include "form.h"

const struct tl_key form_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct form_config, name),
     .max = 64,
     .help = "last part of its address: /forms/NAME"},
    {.name = "fields",
     .type = TL_KEY_STRMAP,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct form_config, fields),
     .help = "field of the form to path in the touchpoint: from.email, subject, text, data.order"},
    {.name = "required",
     .type = TL_KEY_GROUPS,
     .offset = offsetof(struct form_config, required),
     .help = "fields that must be filled; a list inside means one of them"},
    {.name = "honeypot",
     .type = TL_KEY_STR,
     .offset = offsetof(struct form_config, honeypot),
     .max = 64,
     .help = "a field people do not see: filled, the submission goes to quarantine"},
    {.name = "origins",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct form_config, origins),
     .help = "pages that may send it: https://www.example.org; :* at the end is any port"},
    {.name = "redirect",
     .type = TL_KEY_STR,
     .offset = offsetof(struct form_config, redirect),
     .help = "where a browser goes afterwards"},
    {.name = "rate",
     .type = TL_KEY_RATE,
     .offset = offsetof(struct form_config, rate),
     .help = "submissions of one address (IPv6: /64): 10/1m"},
    {0},
};

/* Faults of one form, told by their place below it. */
struct judge {
    tl_report_fn *report;
    void *ctx;
    size_t form;
    bool ok;
};

static void fault(struct judge *j, const char *what, struct str name, size_t at,
                  const char *reason) {
    char path[200];
    if (name.p)
        snprintf(path, sizeof path, "%zu/%s/%.*s", j->form, what, STR_ARG(name));
    else if (at != SIZE_MAX)
        snprintf(path, sizeof path, "%zu/%s/%zu", j->form, what, at);
    else
        snprintf(path, sizeof path, "%zu/%s", j->form, what);
    j->report(j->ctx, str_c(path), reason);
    j->ok = false;
}

/* Letters, digits and a few signs that need no escape in an address. */
static bool name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return name.n && name.p[0] != '.';
}

/* Names joined by dots, none of them empty. */
static bool members_ok(struct str path) {
    struct str rest = path;
    while (rest.p)
        if (!str_cut(&rest, '.').n)
            return false;
    return true;
}

/* [a-z][a-z0-9_]{0,31}, as names of external systems are. */
static bool external_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return name.n >= 1 && name.n <= 32;
}

static bool path_known(struct str path) {
    static const char *const known[] = {"from.name", "from.email", "from.phone",
                                        "subject",   "text",       "language"};
    const struct str data = STR("data."), external = STR("from.external.");
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is(path, known[i]))
            return true;
    if (str_starts(path, external))
        return external_ok(str_from(path, external.n));
    return str_starts(path, data) && members_ok(path);
}

/* data.order beside data.order.number: one place cannot hold both. */
static bool within_another(const struct form_config *c, struct str path) {
    for (size_t i = 0; i < c->fields.n; i++) {
        struct str other = c->fields.items[i].value;
        if (path.n > other.n && str_starts(path, other) && path.p[other.n] == '.')
            return true;
    }
    return false;
}

static bool in_fields(const struct form_config *c, struct str name) {
    for (size_t i = 0; i < c->fields.n; i++)
        if (str_eq(c->fields.items[i].name, name))
            return true;
    return false;
}

static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
            return false;
    return true;
}

/* What follows https:// or http://; absent: another scheme. */
static struct str behind_scheme(struct str url) {
    const struct str https = STR("https://"), http = STR("http://");
    return str_starts(url, https)  ? str_from(url, https.n)
           : str_starts(url, http) ? str_from(url, http.n)
                                   : STR_NONE;
}

static bool redirect_ok(struct str url) {
    return is_printable(url) && (!url.n || url.p[0] == '/' || behind_scheme(url).n);
}

/* An origin as browsers write it: scheme, host and port, in lower case, nothing behind. */
static bool origin_ok(struct str origin) {
    struct str host = behind_scheme(origin);
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == '/' || host.p[i] == '?' || host.p[i] == '@' ||
            (host.p[i] >= 'A' && host.p[i] <= 'Z'))
            return false;
    return host.n > 0 && is_printable(host);
}

static void judge_form(struct judge *j, const struct form_config *c) {
    if (!name_ok(c->name))
        fault(j, "name", STR_NONE, SIZE_MAX,
              "letters, digits, - _ and . are allowed: it is part of an address");
    for (size_t i = 0; i < c->fields.n; i++)
        if (within_another(c, c->fields.items[i].value))
            fault(j, "fields", c->fields.items[i].name, 0, "lies within another field's place");
        else if (!path_known(c->fields.items[i].value))
            fault(j, "fields", c->fields.items[i].name, 0,
                  "no such place in a touchpoint; allowed are from.name, from.email, from.phone, "
                  "from.external.NAME, subject, text, language and data.NAME");
    for (size_t g = 0; g < c->required.n; g++)
        for (size_t i = 0; i < c->required.items[g].n; i++)
            if (!in_fields(c, c->required.items[g].items[i]))
                fault(j, "required", STR_NONE, g, "is not among the form's fields");
    for (size_t i = 0; i < c->origins.n; i++)
        if (!origin_ok(c->origins.items[i]))
            fault(j, "origins", STR_NONE, i,
                  "an origin is expected: https://www.example.org, without a path, in lower case");
    if (!redirect_ok(c->redirect))
        fault(j, "redirect", STR_NONE, SIZE_MAX,
              "an address is expected: https://www.example.org/thanks");
}

bool form_config_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct tl_items *all = config;
    const struct form_config *forms = all->items;
    struct judge j = {.report = report, .ctx = ctx, .ok = true};
    for (j.form = 0; j.form < all->n; j.form++)
        judge_form(&j, &forms[j.form]);
    return j.ok;
}
