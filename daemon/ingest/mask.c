/* ingest/mask.c - the rules of masking: read, checked, chosen by channel. */
#include "ingest/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "base/metrics.h"
#include "config/config.h"
#include "ingest/mask_priv.h"

enum { PATTERN_MAX = 4096, RULES_MAX = 200, LABEL_MAX = 80 };

const struct tl_key mask_keys[] = {
    {.name = "channels",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct mask_config, channels),
     .preset = "all",
     .max = 50,
     .help = "channels (email, form, call, social …) or all"},
    {.name = "find",
     .type = TL_KEY_NODE,
     .offset = offsetof(struct mask_config, find),
     .help = "card, iban, a list of them, or { matches: REGEX } (PCRE2)"},
    {.name = "matches",
     .type = TL_KEY_STR,
     .offset = offsetof(struct mask_config, matches),
     .max = PATTERN_MAX,
     .help = "the same as find: { matches: REGEX }"},
    {.name = "fields",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct mask_config, fields),
     .max = 100,
     .help = "only in these fields (subject, text, data.iban …); without find their whole values"},
    {.name = "attachments",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct mask_config, attachments),
     .max = 100,
     .help = "types of attachments that are not kept: application/zip, image/*"},
    {.name = "with",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct mask_config, with),
     .choices = "mask|drop|hash",
     .preset = "mask",
     .help = "mask: stars, the last four stay; drop: taken out; hash: a keyed hash in its place"},
    {.name = NULL},
};

/* ---- reading a rule; c NULL: it was found right before ---- */

struct reading {
    struct config_check *c;
    const struct mask_config *config;
    struct mask_rule *rule;
};

static void fault(const struct reading *r, const void *at, const char *what) {
    if (r->c)
        config_check_fault(r->c, at, "%s", what);
}

static void node_fault(const struct reading *r, const struct config_node *at, const char *what) {
    if (r->c)
        config_node_fault(r->c, at, "%s", what);
}

/* true: taken; else why (of max bytes) is told by the caller at its place. */
static bool pattern_take(struct reading *r, struct str text, char *why, size_t max) {
    int error = 0;
    PCRE2_SIZE at = 0;
    if (!text.n || text.n > PATTERN_MAX || r->rule->pattern) {
        snprintf(why, max, "one regular expression (PCRE2) of 1 to %d bytes is expected",
                 PATTERN_MAX);
        return false;
    }
    r->rule->pattern =
        pcre2_compile((PCRE2_SPTR)text.p, text.n,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF,
                      &error, &at, NULL);
    if (r->rule->pattern) {
        r->rule->find |= FIND_PATTERN;
        return true;
    }
    char told[120];
    pcre2_get_error_message(error, (PCRE2_UCHAR *)told, sizeof told);
    snprintf(why, max, "the regular expression is wrong at its character %zu: %s", (size_t)at + 1,
             told);
    return false;
}

static void find_word(struct reading *r, const struct config_node *n) {
    struct str word = config_node_kind(n) == CONFIG_SCALAR ? config_node_str(n) : STR_NONE;
    if (str_is(word, "card"))
        r->rule->find |= FIND_CARD;
    else if (str_is(word, "iban"))
        r->rule->find |= FIND_IBAN;
    else
        node_fault(r, n, "allowed are card, iban or { matches: REGEX }");
}

static void read_find(struct reading *r, const struct config_node *n) {
    char why[200];
    switch (config_node_kind(n)) {
    case CONFIG_SCALAR:
        find_word(r, n);
        return;
    case CONFIG_LIST:
        for (size_t i = 0; i < config_node_count(n); i++)
            find_word(r, config_node_item(n, i));
        return;
    case CONFIG_MAP:
        break;
    }
    const struct config_node *pattern = config_node_get(n, "matches");
    if (!pattern || config_node_count(n) != 1 || config_node_kind(pattern) != CONFIG_SCALAR)
        node_fault(r, n, "allowed are card, iban or { matches: REGEX }");
    else if (!pattern_take(r, config_node_str(pattern), why, sizeof why))
        node_fault(r, pattern, why);
}

/* Whom a person is known by, and ids, must stay what they are. */
static bool field_ok(struct str field) {
    static const char *const known[] = {
        "subject",    "text",       "reply_text",    "html",
        "tags",       "warnings",   "data",          "to.name",
        "cc.name",    "from.name",  "reply_to.name", "attachments.name",
        "call.agent", "call.queue", "language",      "from.social.handle",
        "envelope"};
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is(field, known[i]))
            return true;
    return str_starts(field, (struct str)STR("data.")) && field.n > 5;
}

static void read_rule(struct reading *r) {
    const struct mask_config *m = r->config;
    char why[200];
    if (m->find)
        read_find(r, m->find);
    if (m->matches.n && !pattern_take(r, m->matches, why, sizeof why))
        fault(r, m->matches.p, why);
    for (size_t i = 0; i < m->fields.n; i++)
        if (!field_ok(m->fields.items[i]))
            fault(r, m->fields.items[i].p,
                  "not a field that can be masked: subject, text, reply_text, html, tags, data, "
                  "data.NAME, from.name, to.name, cc.name, attachments.name, call.agent");
    for (size_t i = 0; i < m->attachments.n; i++)
        if (!memchr(m->attachments.items[i].p, '/', m->attachments.items[i].n))
            fault(r, m->attachments.items[i].p, "a type is expected, like image/* or text/html");
    if (!r->rule->find && !m->fields.n && !m->attachments.n)
        fault(r, m, "a rule needs find, fields or attachments");
    if (m->attachments.n && (r->rule->find || m->fields.n))
        fault(r, m->attachments.items, "attachments stand in a rule of their own");
}

static const char *alias_of(struct str channel) {
    static const char *const pairs[][2] = {{"form", "forms"}, {"call", "sip"}};
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (str_is(channel, pairs[i][0]))
            return pairs[i][1];
    return "";
}

static bool names(const struct mask_rule *r, struct str channel) {
    const struct tl_strs *all = &r->config->channels;
    for (size_t i = 0; i < all->n; i++)
        if (str_is(all->items[i], "all") || (channel.n && str_eq(all->items[i], channel)))
            return true;
    return false;
}

static void check_channels(const struct mask_config *m, struct config_check *c) {
    static const char *const known[] = {"all",  "email", "call",   "form", "social",
                                        "chat", "sms",   "letter", "fax",  "visit",
                                        "web",  "other", "forms",  "sip"};
    const struct tl_strs *loaded = config_channels(config_check_config(c));
    for (size_t i = 0; i < m->channels.n; i++) {
        struct str name = m->channels.items[i];
        bool ok = false;
        for (size_t k = 0; k < COUNT(known); k++)
            ok |= str_is(name, known[k]);
        for (size_t k = 0; k < loaded->n; k++)
            ok |= str_eq(name, loaded->items[k]);
        if (!ok)
            config_check_fault(c, name.p, "there is no channel \"%.*s\"", STR_ARG(name));
    }
}

void mask_check(const void *section, struct config_check *c) {
    const struct tl_items *all = section;
    for (size_t i = 0; i < all->n; i++) {
        struct mask_rule rule = {.config = (const struct mask_config *)all->items + i};
        struct reading r = {.c = c, .config = rule.config, .rule = &rule};
        read_rule(&r);
        check_channels(rule.config, c);
        pcre2_code_free(rule.pattern);
    }
}

/* ---- in force ---- */

static void name_rule(struct mask_rule *r, size_t n) {
    snprintf(r->name, sizeof r->name, "%s%s%s", r->find & FIND_CARD ? "card" : "",
             (r->find & FIND_CARD) && (r->find & FIND_IBAN) ? "+" : "",
             r->find & FIND_IBAN ? "iban" : "");
    if (!r->name[0] || (r->find & FIND_PATTERN))
        snprintf(r->name, sizeof r->name, "%s %zu",
                 r->find                    ? "pattern"
                 : r->config->attachments.n ? "attachments"
                                            : "fields",
                 n);
}

struct mask *mask_new(const struct tl_items *section, struct id_maker *ids) {
    if (!section || !section->n)
        return NULL;
    struct mask *m = NEW(struct mask);
    m->ids = ids;
    m->n = section->n;
    m->rules = mem_new(section->n * sizeof *m->rules);
    for (size_t i = 0; i < section->n; i++) {
        m->rules[i].config = (const struct mask_config *)section->items + i;
        struct reading r = {.config = m->rules[i].config, .rule = &m->rules[i]};
        read_rule(&r);
        name_rule(&m->rules[i], i + 1);
    }
    return m;
}

void mask_free(struct mask *m) {
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        pcre2_code_free(m->rules[i].pattern);
    free(m->rules);
    free(m);
}

bool mask_rule_for(const struct mask_rule *r, struct str channel, struct str plugin) {
    if (names(r, channel) || names(r, plugin))
        return true;
    for (size_t i = 0; i < r->config->channels.n; i++)
        if (str_is(plugin, alias_of(r->config->channels.items[i])))
            return true;
    return false;
}

/* Mail, forms and calls come as what they are called; of any other plugin only its reader knows
 * which channel a thing is of (a hook may be social, sms or chat). */
bool mask_reads(const struct mask *m, struct str plugin) {
    bool plain = str_is(plugin, "email") || str_is(plugin, "forms") || str_is(plugin, "sip");
    for (size_t i = 0; m && i < m->n; i++)
        if (!plain || mask_rule_for(&m->rules[i], STR_NONE, plugin))
            return true;
    return false;
}

static bool type_fits(struct str wanted, struct str type) {
    if (str_ends(wanted, (struct str)STR("/*")))
        return type.n > wanted.n - 1 &&
               str_eq_nocase(str_upto(type, wanted.n - 1), str_upto(wanted, wanted.n - 1));
    return str_eq_nocase(wanted, type);
}

bool mask_drops(const struct mask *m, struct str channel, struct str source, struct str type) {
    struct str plugin = str_cut(&source, ':');
    for (size_t i = 0; m && i < m->n; i++) {
        const struct tl_strs *types = &m->rules[i].config->attachments;
        for (size_t k = 0; k < types->n; k++) {
            if (!type_fits(types->items[k], type) || !mask_rule_for(&m->rules[i], channel, plugin))
                continue;
            mask_count(&m->rules[i], channel, 1);
            return true;
        }
    }
    return false;
}

void mask_count(const struct mask_rule *r, struct str channel, size_t n) {
    char label[LABEL_MAX];
    snprintf(label, sizeof label, "%s %.*s", r->name, STR_ARG(str_upto(channel, 32)));
    metric_add_label(METRIC_MASKED, label, n);
}
