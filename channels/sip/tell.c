/* sip/tell.c - see tell.h.
 *
 * The person is the caller of an inbound call, who was called of an outbound one. Which it is: what
 * was called is one of the trunk's own numbers, or the call came in by a trunk's context; else the
 * side that is one of our extensions tells; else the record's own word; else it went out.
 */
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/touchpoint.h>

enum { NAME_MAX_BYTES = 200 };

/* ---- which way ---- */

static bool is_listed(const struct tl_strs *list, struct str s) {
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->items[i], s))
            return true;
    return false;
}

static enum call_direction direction_of(const struct call *c, const struct log_config *rules,
                                        const struct tell *t) {
    bool ours = t->caller.kind == NUMBER_EXTENSION, theirs = t->caller.kind == NUMBER_E164,
         out = t->callee.kind == NUMBER_E164;
    if (number_inbound(&rules->trunk, &t->callee))
        return ours && !is_listed(&rules->contexts, c->context) ? DIRECTION_INTERNAL
                                                                : DIRECTION_INBOUND;
    if (rules->contexts.n && c->context.n && is_listed(&rules->contexts, c->context))
        return DIRECTION_INBOUND;
    if (ours)
        return out ? DIRECTION_OUTBOUND : DIRECTION_INTERNAL;
    if (theirs && !out)
        return DIRECTION_INBOUND;
    return c->direction ? c->direction : DIRECTION_OUTBOUND;
}

static void find_person(struct tell *t, enum call_direction direction) {
    const struct number *person = t->inbound ? &t->caller : &t->callee;
    t->nobody = t->label = NULL;
    if (direction == DIRECTION_INTERNAL || person->kind == NUMBER_EXTENSION) {
        t->nobody = "a call within the house: no contact comes of it";
        t->label = "house";
    } else if (person->kind == NUMBER_WITHHELD) {
        t->nobody = "the number is withheld: no contact comes of it";
        t->label = "withheld";
    } else if (person->kind == NUMBER_UNKNOWN) {
        t->nobody = "the number cannot be read by this trunk's rules";
        t->label = "unreadable";
    }
}

void tell_judge(struct arena *a, const struct call *c, const struct log_config *rules,
                struct tell *out) {
    *out = (struct tell){.caller = number_read(a, &rules->trunk, c->caller),
                         .callee = number_read(a, &rules->trunk, c->callee)};
    if (c->withheld)
        out->caller = (struct number){.kind = NUMBER_WITHHELD};
    enum call_direction d = direction_of(c, rules, out);
    out->inbound = d == DIRECTION_INBOUND;
    find_person(out, d);
}

/* ---- the JSON ---- */

static const char *kind_of(bool inbound, enum call_outcome o) {
    if (!inbound || o == CALL_ANSWERED)
        return "call";
    return o == CALL_VOICEMAIL ? "voicemail" : "missed_call";
}

static double span_s(int64_t from_ms, int64_t to_ms) {
    return from_ms >= 0 && to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0;
}

static void write_seconds(struct jwrite *w, const char *key, double s) {
    char text[32];
    snprintf(text, sizeof text, "%.3f", s);
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    jwrite_raw(w, key, str_make(text, n));
}

static void write_code(struct jwrite *w, const char *key, int code) {
    if (code)
        jwrite_int(w, key, code);
    else
        jwrite_null(w, key);
}

static struct str some(struct str s) {
    return s.n ? s : STR_NONE;
}

static struct str queue_name(const struct log_config *rules, struct str id) {
    for (size_t i = 0; i < rules->queues.n; i++)
        if (str_eq(rules->queues.items[i].name, id))
            return rules->queues.items[i].value;
    return some(id);
}

static int by_start(const void *a, const void *b) {
    const struct call_leg *x = a, *y = b;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    size_t n = x->id.n < y->id.n ? x->id.n : y->id.n;
    int order = n ? memcmp(x->id.p, y->id.p, n) : 0;
    return order ? order : (x->id.n > y->id.n) - (x->id.n < y->id.n);
}

static void write_legs(struct jwrite *w, const struct call *c) {
    struct call_leg legs[LEGS_MAX];
    jwrite_open(w, "legs", '[');
    if (c->legs_n)
        memcpy(legs, c->legs, c->legs_n * sizeof *legs);
    qsort(legs, c->legs_n, sizeof *legs, by_start);
    for (size_t i = 0; i < c->legs_n; i++) {
        jwrite_open(w, NULL, '{');
        jwrite_str(w, "target", some(legs[i].target));
        jwrite_str(w, "agent", some(legs[i].agent));
        jwrite_time(w, "start", legs[i].start_ms);
        jwrite_time(w, "answer", legs[i].answer_ms);
        jwrite_time(w, "end", legs[i].end_ms);
        jwrite_c(w, "disposition", legs[i].rank ? call_outcome_name(legs[i].outcome) : NULL);
        write_code(w, "sip_code", legs[i].code);
        write_code(w, "q850", legs[i].q850);
        jwrite_close(w, '}');
    }
    jwrite_close(w, ']');
}

static void write_call(struct jwrite *w, const struct call *c, const struct log_config *rules,
                       const struct tell *t) {
    enum call_outcome o = call_outcome(c);
    bool talked = o == CALL_ANSWERED || o == CALL_VOICEMAIL;
    int64_t answer = call_answer_ms(c);
    struct str agent = c->agent.n ? c->agent : o == CALL_ANSWERED ? c->target : STR_NONE;
    jwrite_open(w, "call", '{');
    jwrite_str(w, "call_id", c->id);
    jwrite_str(w, "caller", t->caller.kind == NUMBER_WITHHELD ? STR_NONE : t->caller.text);
    jwrite_str(w, "callee", some(t->callee.text));
    jwrite_c(w, "disposition", call_outcome_name(o));
    jwrite_time(w, "start", c->start_ms);
    jwrite_time(w, "answer", answer);
    jwrite_time(w, "end", c->end_ms);
    write_seconds(w, "ring_s", span_s(c->start_ms, talked ? answer : c->end_ms));
    write_seconds(w, "talk_s", talked ? span_s(answer, c->end_ms) : 0);
    write_code(w, "sip_code", call_code(c));
    jwrite_str(w, "queue", queue_name(rules, c->queue));
    jwrite_str(w, "agent", some(agent));
    jwrite_str(w, "recording", some(c->recording));
    write_legs(w, c);
    jwrite_close(w, '}');
}

/* A name that only repeats the number, or says that there is none, is no name. */
static bool is_name(struct str display, const struct number *n) {
    static const char *const words[] = {"anonymous", "unknown",  "restricted", "private",
                                        "withheld",  "asterisk", "unavailable"};
    bool letter = false;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is_nocase(display, words[i]))
            return false;
    for (size_t i = 0; i < display.n; i++)
        letter |= !strchr("0123456789+-()./ ", display.p[i]);
    return letter && n->kind == NUMBER_E164;
}

static void write_person(struct jwrite *w, const char *key, const struct number *n,
                         struct str display, bool list) {
    if (list)
        jwrite_open(w, key, '[');
    jwrite_open(w, list ? NULL : key, '{');
    if (n->kind == NUMBER_E164)
        jwrite_str(w, "phone", n->text);
    else
        jwrite_str(w, "name", n->text.n ? n->text : str_c("withheld"));
    if (is_name(display, n))
        jwrite_str(w, "name", str_upto(display, NAME_MAX_BYTES));
    jwrite_close(w, '}');
    if (list)
        jwrite_close(w, ']');
}

static void write_warnings(struct jwrite *w, const struct call *c) {
    jwrite_open(w, "warnings", '[');
    if (c->start_ms < 0)
        jwrite_c(w, NULL, "the record does not say when the call began");
    if (c->end_ms >= 0 && c->end_ms < c->start_ms)
        jwrite_c(w, NULL, "the record says that the call ended before it began");
    if (call_outcome(c) == CALL_ANSWERED && c->end_ms < 0)
        jwrite_c(w, NULL, "the end of the call was never recorded");
    jwrite_close(w, ']');
}

static void write_data(struct jwrite *w, const struct call *c) {
    if (!c->transfer && !c->q850)
        return;
    jwrite_open(w, "data", '{');
    if (c->transfer)
        jwrite_bool(w, "transferred", true);
    if (c->q850)
        jwrite_int(w, "q850", c->q850);
    jwrite_close(w, '}');
}

bool tell_write(struct buf *out, const struct call *c, const struct log_config *rules,
                const struct tell *t) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "source_id", c->id);
    jwrite_int(&w, "revision", call_revision(c));
    jwrite_c(&w, "channel", "call");
    jwrite_c(&w, "kind", kind_of(t->inbound, call_outcome(c)));
    jwrite_c(&w, "direction", t->inbound ? "inbound" : "outbound");
    if (c->start_ms >= 0)
        jwrite_time(&w, "at", c->start_ms);
    write_person(&w, "from", &t->caller, t->inbound ? c->display : STR_NONE, false);
    write_person(&w, "to", &t->callee, STR_NONE, true);
    write_call(&w, c, rules, t);
    write_data(&w, c);
    write_warnings(&w, c);
    jwrite_close(&w, '}');
    return w.ok;
}
