/* ingest/rules.h - from a touchpoint's fields to queue, priority, skills, due time, tags, or no
 * task. Pure.
 *
 *   rules:                              from the top, the first that fits; `continue: yes` goes on
 *     - when: { FIELD: VALUE | [VALUES] | { OPERATOR: … }, any: [ {…}, {…} ] }      all must hold
 *       then: { queue, priority, skills, due, tags, task: none }
 *
 * A field is a path of the stored touchpoint ("from.email"), of the contact ("contact.tags"), of
 * the conversation
 * ("conversation.status"), or `source`. Text is equal without regard to case; of a list one member
 * is enough.
 */
#ifndef INGEST_RULES_H
#define INGEST_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/plugin.h>

struct config_check;
struct config_node;
struct rules;

/* One entry of the section; when and then are read by this room. */
struct rule_config {
    struct str name;
    const struct config_node *when, *then;
    bool go_on; /* continue: */
};

/* Who knows when a calendar is open (dispatch/calendars.c), handed in by main.c; open NULL: none
 * is.
 */
struct rule_calendars {
    void *ctx;
    bool (*open)(void *ctx, struct str calendar, int64_t at_ms);
};

/* What conditions look at; any may be NULL. */
struct rule_facts {
    const json_t *touchpoint, *contact, *conversation;
    struct str source;
    int64_t at_ms; /* `now`: the arrival, so that a replay decides alike */
    struct rule_calendars calendars;
};

enum { RULE_SKILLS_MAX = 16, RULE_TAGS_MAX = 32 };

struct rule_skill {
    struct str name;
    int64_t min;
};
/* Views live as long as the rules. */
struct rule_outcome {
    bool task; /* a task is wanted */
    struct str queue;
    int64_t priority; /* 0: the touchpoint's own */
    int64_t due_ms;   /* from the arrival; 0: none */
    struct rule_skill skills[RULE_SKILLS_MAX];
    size_t skills_n;
    struct str tags[RULE_TAGS_MAX];
    size_t tags_n;
    struct str rule; /* name of the one that decided; absent: none fitted */
};

/* From a section that rules_check found right; config nodes must outlive it. */
struct rules *rules_new(const struct tl_items *section);
void rules_free(struct rules *r);
void rules_decide(const struct rules *r, const struct rule_facts *facts, struct rule_outcome *out);

extern const struct tl_key rule_keys[];
/* Every fault of every rule, at its place: unknown fields, operators, queues and skills by name. */
void rules_check(const void *section, struct config_check *c);

#endif
