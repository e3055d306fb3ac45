/* dispatch/body.c - what a client says with a move or a task by hand, checked. Unknown members are
 * left alone. */
#include <stdio.h>

#include <touchline/kit/date.h>

#include "dispatch/dispatch_priv.h"

enum {
    REASON_MAX = 500,
    NOTE_MAX = 8000,
    SUBJECT_MAX = 1000,
    WORD_MAX = 64,
    NEEDS_MAX = 16,
    TAGS_MAX = 50,
    LIST_JSON_MAX = 16 * 1024
};
#define SNOOZE_MAX_MS (INT64_C(366) * 86400000)

/* A text of at most max bytes; absent is absent. */
static bool text(const json_t *j, const char *key, size_t max, struct str *out, struct fault *f) {
    char place[WORD_MAX];
    if (!jread_str(j, key, "", out, f))
        return false;
    snprintf(place, sizeof place, "/%s", key);
    if (out->n > max)
        return fault_set(f, FAULT_INPUT, place, "at most %zu bytes", max);
    return true;
}

static bool moment(const json_t *j, const char *key, int64_t *out, struct fault *f) {
    struct str s;
    char place[WORD_MAX];
    *out = 0;
    if (!jread_str(j, key, "", &s, f))
        return false;
    snprintf(place, sizeof place, "/%s", key);
    if (s.p && !date_parse(s, out))
        return fault_set(f, FAULT_INPUT, place, "a time like 2026-11-23T08:00:00.000Z is expected");
    return true;
}

static bool read_offer(const json_t *j, struct move_body *out, struct fault *f) {
    if (!jread_int(j, "offer", "", 0, &out->offer, f))
        return false;
    if (json_object_get(j, "offer") && !json_is_null(json_object_get(j, "offer")) && out->offer < 1)
        return fault_set(f, FAULT_INPUT, "/offer", "the number of an offer, from 1");
    return true;
}

static bool read_target(const struct people *p, const json_t *j, struct move_body *out,
                        struct fault *f) {
    if (!text(j, "queue", WORD_MAX * 4, &out->queue, f) ||
        !text(j, "agent", WORD_MAX * 4, &out->agent, f))
        return false;
    if (!out->queue.n && !out->agent.n)
        return fault_set(f, FAULT_INPUT, "/queue", "a queue or an agent is expected");
    if (out->queue.n && out->agent.n)
        return fault_set(f, FAULT_INPUT, "/agent", "either a queue or an agent, not both");
    if (out->queue.n && !people_queue(p, out->queue))
        return fault_set(f, FAULT_INPUT, "/queue", "there is no such queue");
    const struct agent_config *a = out->agent.n ? people_agent(p, out->agent) : NULL;
    if (out->agent.n && (!a || !a->takes_tasks))
        return fault_set(f, FAULT_INPUT, "/agent", "there is no such agent that takes tasks");
    return true;
}

static bool read_until(const json_t *j, int64_t now_ms, struct move_body *out, struct fault *f) {
    if (!moment(j, "until", &out->until_ms, f))
        return false;
    if (out->until_ms <= now_ms)
        return fault_set(f, FAULT_INPUT, "/until", "a time in the future is expected");
    if (out->until_ms > now_ms + SNOOZE_MAX_MS)
        return fault_set(f, FAULT_INPUT, "/until", "at most a year from now");
    return true;
}

bool body_read_move(const struct people *p, const char *move, const json_t *j, int64_t now_ms,
                    struct move_body *out, struct fault *f) {
    struct str name = str_c(move);
    *out = (struct move_body){0};
    if (str_is(name, "accept"))
        return read_offer(j, out, f);
    if (str_is(name, "reject"))
        return read_offer(j, out, f) && text(j, "reason", REASON_MAX, &out->reason, f);
    if (str_is(name, "complete"))
        return text(j, "disposition", REASON_MAX, &out->disposition, f) &&
               text(j, "note", NOTE_MAX, &out->note, f);
    if (str_is(name, "transfer"))
        return read_target(p, j, out, f) && text(j, "reason", REASON_MAX, &out->reason, f);
    if (str_is(name, "release"))
        return text(j, "reason", REASON_MAX, &out->reason, f);
    if (str_is(name, "snooze"))
        return read_until(j, now_ms, out, f);
    return true;
}

/* ---- a task by hand ---- */

void create_body_init(struct create_body *b) {
    *b = (struct create_body){.priority = 5};
    buf_init(&b->skills, LIST_JSON_MAX);
    buf_init(&b->tags, LIST_JSON_MAX);
}

void create_body_clear(struct create_body *b) {
    buf_clear(&b->skills);
    buf_clear(&b->tags);
}

static bool one_skill(struct buf *out, struct str name, int64_t min, struct fault *f) {
    if (!name.n || name.n > WORD_MAX)
        return fault_set(f, FAULT_INPUT, "/skills", "a skill has a name of 1 to %d bytes",
                         WORD_MAX);
    if (min < 1 || min > 10)
        return fault_set(f, FAULT_INPUT, "/skills", "the smallest level is from 1 to 10");
    if ((out->n > 1 && !buf_add_byte(out, ',')) || !buf_add_c(out, "{\"name\":") ||
        !buf_add_json(out, name) || !buf_addf(out, ",\"min\":%lld}", (long long)min))
        return fault_set(f, FAULT_INPUT, "/skills", "the list is too long");
    return true;
}

/* [{"name","min"}] as a task shows it, or {"de": 3} as a rule says it. */
static bool read_skills(const json_t *j, struct buf *out, struct fault *f) {
    json_t *v = json_object_get(j, "skills"), *level;
    const char *name;
    size_t i;
    bool ok = buf_add_byte(out, '[');
    if (json_is_object(v) && json_object_size(v) <= NEEDS_MAX) {
        json_object_foreach(v, name, level) {
            if (!one_skill(out, str_c(name), json_is_integer(level) ? json_integer_value(level) : 0,
                           f))
                return false;
        }
    } else if (json_is_array(v) && json_array_size(v) <= NEEDS_MAX) {
        json_array_foreach(v, i, level) {
            if (!one_skill(out, jget_str(level, "name"), jget_int(level, "min", 1), f))
                return false;
        }
    } else if (v && !json_is_null(v)) {
        return fault_set(f, FAULT_INPUT, "/skills", "a list of at most %d skills is expected",
                         NEEDS_MAX);
    }
    return ok && buf_add_byte(out, ']')
               ? true
               : fault_set(f, FAULT_INPUT, "/skills", "the list is too long");
}

static bool read_tags(const json_t *j, struct buf *out, struct fault *f) {
    const json_t *v = json_object_get(j, "tags"), *tag;
    size_t i;
    bool ok = buf_add_byte(out, '[');
    if (v && !json_is_null(v) && (!json_is_array(v) || json_array_size(v) > TAGS_MAX))
        return fault_set(f, FAULT_INPUT, "/tags", "a list of at most %d tags is expected",
                         TAGS_MAX);
    json_array_foreach(v, i, tag) {
        struct str s = json_is_string(tag)
                           ? str_make(json_string_value(tag), json_string_length(tag))
                           : STR_NONE;
        if (!s.n || s.n > WORD_MAX)
            return fault_set(f, FAULT_INPUT, "/tags", "a tag is a text of 1 to %d bytes", WORD_MAX);
        ok = ok && (i == 0 || buf_add_byte(out, ',')) && buf_add_json(out, s);
    }
    return ok && buf_add_byte(out, ']')
               ? true
               : fault_set(f, FAULT_INPUT, "/tags", "the list is too long");
}

/* A time, or the object that a task shows. */
static bool read_due(const json_t *j, int64_t *out, struct fault *f) {
    const json_t *due = json_object_get(j, "due");
    if (!json_is_object(due))
        return moment(j, "due", out, f);
    if (moment(due, "first_response", out, f))
        return true;
    return fault_set(f, FAULT_INPUT, "/due/first_response",
                     "a time like 2026-11-23T08:00:00.000Z is expected");
}

bool body_read_create(const struct people *p, const json_t *j, struct create_body *out,
                      struct fault *f) {
    if (!text(j, "conversation", WORD_MAX, &out->conversation, f) ||
        !text(j, "contact", WORD_MAX, &out->contact, f) ||
        !text(j, "queue", WORD_MAX * 4, &out->queue, f) ||
        !text(j, "subject", SUBJECT_MAX, &out->subject, f) ||
        !jread_int(j, "priority", "", 5, &out->priority, f) || !read_due(j, &out->due_ms, f) ||
        !read_skills(j, &out->skills, f) || !read_tags(j, &out->tags, f))
        return false;
    if (!out->conversation.n && !out->contact.n)
        return fault_set(f, FAULT_INPUT, "/conversation",
                         "a conversation or a contact is expected");
    if (!out->queue.n || !people_queue(p, out->queue))
        return fault_set(f, FAULT_INPUT, "/queue", "there is no such queue");
    if (out->priority < 1 || out->priority > 10)
        return fault_set(f, FAULT_INPUT, "/priority", "from 1 to 10");
    return true;
}
