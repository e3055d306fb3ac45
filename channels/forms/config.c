/* forms/config.c - see config.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <touchline/kit/own.h>
#include <touchline/kit/urlencoded.h>

#include "form.h"
#include "maker.h"

static const struct tl_key stamp_keys[] = {
    {.name = "field",
     .type = TL_KEY_STR,
     .offset = offsetof(struct stamp_config, field),
     .max = 64,
     .preset = "_time",
     .help = "the hidden field"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct stamp_config, secret),
     .help = "the time is signed with it; GET /forms/NAME gives one"},
    {.name = "least",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct stamp_config, least_ms),
     .max = 3600 * 1000,
     .preset = "3s",
     .help = "filled faster than a person can: to quarantine, like the honeypot"},
    {.name = "most",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct stamp_config, most_ms),
     .min = 60 * 1000,
     .max = 30LL * 24 * 3600 * 1000,
     .preset = "1d",
     .help = "older than this it is refused"},
    {.name = "required",
     .type = TL_KEY_BOOL,
     .offset = offsetof(struct stamp_config, required),
     .preset = "no",
     .help = "refuse a form without it; no: a page without a script may leave it out"},
    {0},
};

static const struct tl_key captcha_keys[] = {
    {.name = "provider",
     .type = TL_KEY_CHOICE,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct captcha_config, provider),
     .choices = "turnstile|hcaptcha|recaptcha",
     .help = "whose check it is"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct captcha_config, secret),
     .help = "the site's secret there"},
    {.name = "sitekey",
     .type = TL_KEY_STR,
     .offset = offsetof(struct captcha_config, sitekey),
     .max = 200,
     .help = "hCaptcha: only tokens of this site"},
    {.name = "hostnames",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct captcha_config, hostnames),
     .max = 8,
     .help = "hosts on which it may have been solved; absent: any"},
    {.name = "action",
     .type = TL_KEY_STR,
     .offset = offsetof(struct captcha_config, action),
     .max = 100,
     .help = "the action that the page names; absent: any"},
    {.name = "score",
     .type = TL_KEY_SHARE,
     .offset = offsetof(struct captcha_config, score),
     .max = 100,
     .preset = "0%",
     .help = "reCAPTCHA v3: at least this sure that it is a person"},
    {.name = "unreachable",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct captcha_config, unreachable),
     .choices = "keep|refuse",
     .preset = "keep",
     .help = "when the maker cannot be asked: keep with a warning, or refuse with 503"},
    {.name = "address",
     .type = TL_KEY_STR,
     .offset = offsetof(struct captcha_config, address),
     .max = 500,
     .help = "where to ask instead of the maker's own address: for tests"},
    {0},
};

static const struct tl_key files_keys[] = {
    {.name = "max_size",
     .type = TL_KEY_SIZE,
     .offset = offsetof(struct form_config, files.max_bytes) - offsetof(struct form_config, files),
     .max = 1LL << 30,
     .help = "of one file; absent: what limits.body allows"},
    {.name = "max",
     .type = TL_KEY_INT,
     .offset = offsetof(struct form_config, files.max) - offsetof(struct form_config, files),
     .min = 1,
     .max = FORM_FILES_MAX,
     .preset = "20",
     .help = "how many"},
    {.name = "types",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct form_config, files.types) - offsetof(struct form_config, files),
     .help = "media types taken: application/pdf, image/*; absent: any"},
    {0},
};

const struct tl_key form_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct form_config, name),
     .max = 64,
     .help = "last part of its address: /forms/NAME"},
    {.name = "maker",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct form_config, maker),
     .choices = "none|contact-form-7|formspree|netlify|typeform|tally|jotform|google-forms|hubspot|"
                "elementor|gravity|wpforms",
     .preset = "none",
     .help = "whose form it is: their names and shapes are read, unknown fields are kept as data"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct form_config, secret),
     .help = "what typeform, tally, netlify or hubspot sign with: then unsigned ones get 401"},
    {.name = "fields",
     .type = TL_KEY_STRMAP,
     .offset = offsetof(struct form_config, fields),
     .help = "field of the form to path in the touchpoint: from.email, subject, text, data.order; "
             "needed without a maker"},
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
    {.name = "redirects",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct form_config, redirects),
     .help = "hosts (by https) or origins to which a form's own _next or redirect may lead"},
    {.name = "rate",
     .type = TL_KEY_RATE,
     .offset = offsetof(struct form_config, rate),
     .help = "submissions of one address (IPv6: /64): 10/1m"},
    {.name = "timestamp",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct form_config, timestamp),
     .sub = stamp_keys,
     .sub_bytes = sizeof(struct stamp_config),
     .help = "a signed time in a hidden field: robots fill faster than people"},
    {.name = "captcha",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct form_config, captcha),
     .sub = captcha_keys,
     .sub_bytes = sizeof(struct captcha_config),
     .help = "a captcha whose token is checked with its maker"},
    {.name = "files",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct form_config, files),
     .sub = files_keys,
     .sub_bytes = sizeof(((struct form_config *)0)->files),
     .help = "which files are taken"},
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

static void judge_maker(struct judge *j, const struct form_config *c) {
    const struct maker *m = maker_at(c->maker);
    if (!m && !c->fields.n)
        fault(j, "fields", STR_NONE, SIZE_MAX, "is needed where no maker is named");
    if (c->secret.n && (!m || !m->signature))
        fault(j, "secret", STR_NONE, SIZE_MAX,
              "only typeform, tally, netlify and hubspot sign what they send");
}

static bool host_ok(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (strchr("/?@# ", s.p[i]))
            return false;
    return s.n > 0 && is_printable(s);
}

static void judge_form(struct judge *j, const struct form_config *c) {
    judge_maker(j, c);
    for (size_t i = 0; i < c->redirects.n; i++)
        if (!origin_ok(c->redirects.items[i]) && !host_ok(c->redirects.items[i]))
            fault(j, "redirects", STR_NONE, i, "a host is expected: www.example.org");
    if (c->captcha.address.n && !behind_scheme(c->captcha.address).n)
        fault(j, "captcha/address", STR_NONE, SIZE_MAX, "an address is expected: https://...");
    if (!segment_plain(c->name))
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
            if (!c->maker && !in_fields(c, c->required.items[g].items[i]))
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
