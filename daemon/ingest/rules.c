/* ingest/rules.c - reads the rules of the file into conditions and outcomes, and goes through them.
 * Pure.
 *
 * The same functions read for the check, where every fault is told at its place, and for use, where
 * there are none left.
 */
#include "ingest/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/list.h>

#include "config/config.h"
#include "config/people.h"
#include "config/time.h"
#include "ingest/rules_priv.h"

enum { VALUES_PER_CONDITION_MAX = 1000, CONDITION_DEPTH_MAX = 16 };
static const int64_t DUE_MAX_MS = 366LL * 86400 * 1000;

struct rule {
    struct str name;
    struct condition when;
    struct rule_outcome then;
    bool sets_priority, sets_due, sets_task, go_on;
};

struct rules {
    struct arena arena;
    struct rule *items;
    size_t n;
    struct link patterns; /* struct pattern: what the arena cannot free */
};

struct pattern {
    struct link link;
    pcre2_code *code;
};

/* Reading one file: check is NULL when it was checked before. */
struct reading {
    struct rules *rules;
    struct config_check *check;
};

const struct tl_key rule_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_UNIQUE,
     .offset = offsetof(struct rule_config, name),
     .max = 200,
     .help = "shown in receipts"},
    {.name = "when",
     .type = TL_KEY_NODE,
     .offset = offsetof(struct rule_config, when),
     .help = "conditions, all of which must hold; absent: always"},
    {.name = "then",
     .type = TL_KEY_NODE,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct rule_config, then),
     .help = "queue, priority, skills, due, tags, or task: none"},
    {.name = "continue",
     .type = TL_KEY_BOOL,
     .offset = offsetof(struct rule_config, go_on),
     .help = "look at the next rules too"},
    {0},
};

static void fault(struct reading *r, const struct config_node *n, const char *text) {
    if (r->check)
        config_node_fault(r->check, n, "%s", text);
}

/* near or all of what is allowed; either may be NULL. */
static void fault_named(struct reading *r, const struct config_node *n, const char *what,
                        struct str name, const char *near, const char *allowed) {
    if (!r->check)
        return;
    config_node_fault(r->check, n, "%s \"%.*s\" is not known%s%s%s%s%s", what, STR_ARG(name),
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                      !near && allowed ? "; allowed are " : "", !near && allowed ? allowed : "");
}

/* ---- conditions ---- */

static void read_when(struct reading *r, const struct config_node *n, struct condition *out,
                      int depth);
static void read_value(struct reading *r, struct str field, const struct config_node *n,
                       struct condition *out, int depth);

static void read_values(struct reading *r, const struct config_node *n, struct condition *out) {
    bool list = config_node_kind(n) == CONFIG_LIST;
    size_t count = list ? config_node_count(n) : 1;
    if (count == 0 || count > VALUES_PER_CONDITION_MAX) {
        fault(r, n, "a value or a list of 1 to 1000 values is expected");
        return;
    }
    out->values = arena_new(&r->rules->arena, count * sizeof *out->values);
    for (size_t i = 0; i < count; i++) {
        const struct config_node *one = list ? config_node_item(n, i) : n;
        if (config_node_kind(one) != CONFIG_SCALAR)
            fault(r, one, "a single value is expected");
        else
            out->values[out->values_n++] = config_node_str(one);
    }
}

static void read_pattern(struct reading *r, const struct config_node *n, struct condition *out) {
    struct str text = config_node_kind(n) == CONFIG_SCALAR ? config_node_str(n) : STR_NONE;
    int error = 0;
    PCRE2_SIZE at = 0;
    if (!text.n || text.n > 4096) {
        fault(r, n, "a regular expression (PCRE2) of 1 to 4096 bytes is expected");
        return;
    }
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text.p, text.n, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                      &error, &at, NULL);
    if (!code) {
        char why[160];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
        if (r->check)
            config_node_fault(r->check, n,
                              "the regular expression is wrong at its character %zu: %s",
                              (size_t)at + 1, why);
        return;
    }
    struct pattern *p = NEW(struct pattern);
    p->code = out->pattern = code;
    list_push(&r->rules->patterns, &p->link);
}

static void read_number(struct reading *r, const struct config_node *n, struct condition *out) {
    char text[40], *end = text;
    struct str s = config_node_kind(n) == CONFIG_SCALAR ? config_node_str(n) : STR_NONE;
    if (s.n && s.n < sizeof text) {
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        out->number = strtod(text, &end);
    }
    if (!s.n || s.n >= sizeof text || *end || !isfinite(out->number))
        fault(r, n, "a number is expected");
}

static void read_exists(struct reading *r, const struct config_node *n, struct condition *out) {
    if (config_node_kind(n) != CONFIG_SCALAR || !config_read_bool(config_node_str(n), &out->wanted))
        fault(r, n, "yes or no is expected");
}

/* A row an operator. */
static const struct {
    const char *name;
    enum condition_kind kind;
    void (*read)(struct reading *r, const struct config_node *n, struct condition *out);
} operators[] = {
    {"matches", COND_MATCHES, read_pattern}, {"starts", COND_STARTS, read_values},
    {"ends", COND_ENDS, read_values},        {"has", COND_HAS, read_values},
    {"above", COND_ABOVE, read_number},      {"below", COND_BELOW, read_number},
    {"exists", COND_EXISTS, read_exists},
};

static void read_operator(struct reading *r, struct str field, struct str name,
                          const struct config_node *n, struct condition *out, int depth) {
    const char *names[COUNT(operators) + 1];
    for (size_t i = 0; i < COUNT(operators); i++) {
        names[i] = operators[i].name;
        if (!str_is(name, operators[i].name))
            continue;
        out->kind = operators[i].kind;
        out->field = field;
        operators[i].read(r, n, out);
        return;
    }
    names[COUNT(operators)] = "not";
    if (!str_is(name, "not")) {
        fault_named(r, n, "operator", name, config_nearest(name, names, COUNT(names)),
                    "matches, starts, ends, has, above, below, exists and not");
        return;
    }
    out->kind = COND_NOT;
    out->children = arena_new(&r->rules->arena, sizeof *out->children);
    out->children_n = 1;
    read_value(r, field, n, out->children, depth + 1);
}

static bool is_null(const struct config_node *n) {
    return config_node_kind(n) == CONFIG_SCALAR && !config_node_quoted(n) &&
           (str_is(config_node_str(n), "null") || str_is(config_node_str(n), "~"));
}

/* VALUE, [VALUES] or { OPERATOR: … } of one field. */
static void read_value(struct reading *r, struct str field, const struct config_node *n,
                       struct condition *out, int depth) {
    if (depth > CONDITION_DEPTH_MAX) {
        fault(r, n, "conditions nest too deeply");
        return;
    }
    if (is_null(n)) {
        *out = (struct condition){.kind = COND_EXISTS, .field = field, .wanted = false};
        return;
    }
    if (config_node_kind(n) != CONFIG_MAP) {
        out->kind = COND_EQUALS;
        out->field = field;
        read_values(r, n, out);
        return;
    }
    size_t count = config_node_count(n);
    if (!count)
        fault(r, n,
              "an operator is expected: matches, starts, ends, has, above, below, exists or not");
    out->kind = COND_ALL;
    out->children = arena_new(&r->rules->arena, (count + 1) * sizeof *out->children);
    out->children_n = count;
    for (size_t i = 0; i < count; i++)
        read_operator(r, field, config_node_key(n, i), config_node_item(n, i), &out->children[i],
                      depth);
}

static bool is_calendar(struct reading *r, struct str name, const char **out_near) {
    const struct tl_items *calendars = config_get(config_check_config(r->check), "calendars");
    const struct calendar_config *all = calendars->items;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < calendars->n; i++) {
        if (str_eq(all[i].id, name))
            return true;
        if (n < COUNT(names))
            names[n++] = arena_str(&r->rules->arena, all[i].id).p;
    }
    *out_near = config_nearest(name, names, n);
    return false;
}

/* now: { in: CALENDAR | [CALENDARS] }, and { not: … } of it. */
static void read_now(struct reading *r, const struct config_node *n, struct condition *out) {
    bool one = config_node_kind(n) == CONFIG_MAP && config_node_count(n) == 1;
    if (one && str_is(config_node_key(n, 0), "not")) {
        out->kind = COND_NOT;
        out->children = arena_new(&r->rules->arena, sizeof *out->children);
        out->children_n = 1;
        const struct config_node *in = config_node_item(n, 0);
        if (config_node_get(in, "not"))
            fault(r, in, "now takes { in: CALENDAR }");
        else
            read_now(r, in, out->children);
        return;
    }
    out->kind = COND_OPEN;
    if (!one || !str_is(config_node_key(n, 0), "in")) {
        fault(r, n, "now takes { in: CALENDAR }");
        return;
    }
    const struct config_node *in = config_node_item(n, 0);
    read_values(r, in, out);
    for (size_t i = 0; r->check && i < out->values_n; i++) {
        const char *near = NULL;
        if (!is_calendar(r, out->values[i], &near))
            fault_named(r, in, "calendar", out->values[i], near, NULL);
    }
}

static void read_any(struct reading *r, const struct config_node *n, struct condition *out,
                     int depth) {
    if (config_node_kind(n) != CONFIG_LIST || !config_node_count(n)) {
        fault(r, n, "a list of conditions is expected");
        return;
    }
    out->kind = COND_ANY;
    out->children_n = config_node_count(n);
    out->children = arena_new(&r->rules->arena, out->children_n * sizeof *out->children);
    for (size_t i = 0; i < out->children_n; i++)
        read_when(r, config_node_item(n, i), &out->children[i], depth + 1);
}

static void read_when(struct reading *r, const struct config_node *n, struct condition *out,
                      int depth) {
    out->kind = COND_ALL;
    if (!n)
        return;
    if (config_node_kind(n) != CONFIG_MAP || depth > CONDITION_DEPTH_MAX) {
        fault(r, n, "a mapping of fields to values is expected");
        return;
    }
    out->children_n = config_node_count(n);
    out->children = arena_new(&r->rules->arena, (out->children_n + 1) * sizeof *out->children);
    for (size_t i = 0; i < out->children_n; i++) {
        struct str field = config_node_key(n, i);
        const struct config_node *value = config_node_item(n, i);
        const char *near = NULL;
        if (str_is(field, "any"))
            read_any(r, value, &out->children[i], depth);
        else if (str_is(field, "now"))
            read_now(r, value, &out->children[i]);
        else if (condition_field_known(field, &near))
            read_value(r, field, value, &out->children[i], depth);
        else
            fault_named(r, value, "field", field, near, NULL);
    }
}

/* ---- outcomes ---- */

static bool is_queue(struct reading *r, struct str name, const char **out_near) {
    const struct tl_items *queues = config_get(config_check_config(r->check), "queues");
    const struct queue_config *all = queues->items;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < queues->n; i++) {
        if (str_eq(all[i].id, name))
            return true;
        if (n < COUNT(names))
            names[n++] = arena_str(&r->rules->arena, all[i].id).p;
    }
    *out_near = config_nearest(name, names, n);
    return false;
}

static bool is_skill(struct reading *r, struct str name, const char **out_near) {
    const struct tl_strs *skills = config_get(config_check_config(r->check), "skills");
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < skills->n; i++) {
        if (str_eq(skills->items[i], name))
            return true;
        if (n < COUNT(names))
            names[n++] = arena_str(&r->rules->arena, skills->items[i]).p;
    }
    *out_near = config_nearest(name, names, n);
    return false;
}

static void then_queue(struct reading *r, const struct config_node *n, struct rule *out) {
    const char *near = NULL;
    struct str name = config_node_kind(n) == CONFIG_SCALAR ? config_node_str(n) : STR_NONE;
    if (!name.n)
        fault(r, n, "a queue's id is expected");
    else if (r->check && !is_queue(r, name, &near))
        fault_named(r, n, "queue", name, near, NULL);
    out->then.queue = name;
    out->then.task = out->sets_task = true;
}

static void then_priority(struct reading *r, const struct config_node *n, struct rule *out) {
    out->sets_priority = config_node_kind(n) == CONFIG_SCALAR &&
                         config_read_int(config_node_str(n), &out->then.priority) &&
                         out->then.priority >= 1 && out->then.priority <= 10;
    if (!out->sets_priority)
        fault(r, n, "a whole number from 1 to 10 is expected");
}

static void then_skills(struct reading *r, const struct config_node *n, struct rule *out) {
    if (config_node_kind(n) != CONFIG_MAP || config_node_count(n) > RULE_SKILLS_MAX) {
        fault(r, n, "a mapping of at most 16 skills to levels is expected");
        return;
    }
    for (size_t i = 0; i < config_node_count(n); i++) {
        struct rule_skill *s = &out->then.skills[out->then.skills_n++];
        const struct config_node *level = config_node_item(n, i);
        const char *near = NULL;
        s->name = config_node_key(n, i);
        if (r->check && !is_skill(r, s->name, &near))
            fault_named(r, level, "skill", s->name, near, NULL);
        if (config_node_kind(level) != CONFIG_SCALAR ||
            !config_read_int(config_node_str(level), &s->min) || s->min < 1 || s->min > 10)
            fault(r, level, "a level from 1 to 10 is expected");
    }
}

static void then_due(struct reading *r, const struct config_node *n, struct rule *out) {
    out->sets_due = config_node_kind(n) == CONFIG_SCALAR &&
                    config_read_duration(config_node_str(n), &out->then.due_ms) &&
                    out->then.due_ms > 0 && out->then.due_ms <= DUE_MAX_MS;
    if (!out->sets_due)
        fault(r, n, "a duration of at most 366 days is expected, like 4h");
}

static void then_tags(struct reading *r, const struct config_node *n, struct rule *out) {
    struct condition list = {0};
    read_values(r, n, &list);
    if (list.values_n > RULE_TAGS_MAX)
        fault(r, n, "at most 32 tags are allowed");
    for (size_t i = 0; i < list.values_n && i < RULE_TAGS_MAX; i++)
        out->then.tags[out->then.tags_n++] = list.values[i];
}

static void then_task(struct reading *r, const struct config_node *n, struct rule *out) {
    if (config_node_kind(n) != CONFIG_SCALAR || !str_is(config_node_str(n), "none"))
        fault(r, n, "only `none` is allowed here");
    out->sets_task = true;
    out->then.task = false;
}

/* A row an outcome. */
static const struct {
    const char *name;
    void (*read)(struct reading *r, const struct config_node *n, struct rule *out);
} outcomes[] = {
    {"queue", then_queue}, {"priority", then_priority}, {"skills", then_skills},
    {"due", then_due},     {"tags", then_tags},         {"task", then_task},
};

static void read_then(struct reading *r, const struct config_node *n, struct rule *out) {
    const char *names[COUNT(outcomes)];
    if (!n || config_node_kind(n) != CONFIG_MAP || !config_node_count(n)) {
        if (n)
            fault(r, n, "a mapping of queue, priority, skills, due, tags or task is expected");
        return;
    }
    for (size_t i = 0; i < COUNT(outcomes); i++)
        names[i] = outcomes[i].name;
    for (size_t k = 0; k < config_node_count(n); k++) {
        struct str key = config_node_key(n, k);
        size_t i = 0;
        while (i < COUNT(outcomes) && !str_is(key, names[i]))
            i++;
        if (i < COUNT(outcomes))
            outcomes[i].read(r, config_node_item(n, k), out);
        else
            fault_named(r, config_node_item(n, k), "outcome", key,
                        config_nearest(key, names, COUNT(names)),
                        "queue, priority, skills, due, tags and task");
    }
    if (config_node_get(n, "task") && config_node_get(n, "queue"))
        fault(r, n, "`task: none` and `queue` exclude each other");
}

/* ---- the whole ---- */

static struct rules *read_all(const struct tl_items *section, struct config_check *check) {
    struct rules *rules = NEW(struct rules);
    const struct rule_config *all = section->items;
    struct reading r = {rules, check};
    arena_init(&rules->arena);
    link_init(&rules->patterns);
    rules->n = section->n;
    rules->items = arena_new(&rules->arena, (section->n + 1) * sizeof *rules->items);
    for (size_t i = 0; i < section->n; i++) {
        struct rule *rule = &rules->items[i];
        rule->name = all[i].name.n ? all[i].name : arena_strf(&rules->arena, "rule %zu", i + 1);
        rule->go_on = all[i].go_on;
        read_when(&r, all[i].when, &rule->when, 0);
        read_then(&r, all[i].then, rule);
    }
    return rules;
}

struct rules *rules_new(const struct tl_items *section) {
    return read_all(section, NULL);
}

void rules_free(struct rules *r) {
    if (!r)
        return;
    list_each (it, &r->patterns) {
        struct pattern *p = container_of(it, struct pattern, link);
        pcre2_code_free(p->code);
        free(p);
    }
    arena_clear(&r->arena);
    free(r);
}

void rules_check(const void *section, struct config_check *c) {
    rules_free(read_all(section, c));
}

static void apply(const struct rule *rule, struct rule_outcome *out) {
    if (rule->sets_task) {
        out->task = rule->then.task;
        out->queue = rule->then.queue;
        out->rule = rule->name;
    }
    if (rule->sets_priority)
        out->priority = rule->then.priority;
    if (rule->sets_due)
        out->due_ms = rule->then.due_ms;
    if (rule->then.skills_n) {
        memcpy(out->skills, rule->then.skills, sizeof out->skills);
        out->skills_n = rule->then.skills_n;
    }
    for (size_t i = 0; i < rule->then.tags_n && out->tags_n < RULE_TAGS_MAX; i++)
        out->tags[out->tags_n++] = rule->then.tags[i];
}

void rules_decide(const struct rules *r, const struct rule_facts *facts, struct rule_outcome *out) {
    *out = (struct rule_outcome){.task = false};
    for (size_t i = 0; i < r->n; i++) {
        if (!condition_holds(&r->items[i].when, facts))
            continue;
        apply(&r->items[i], out);
        if (!r->items[i].go_on)
            return;
    }
}
