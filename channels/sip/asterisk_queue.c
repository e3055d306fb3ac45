/* sip/asterisk_queue.c - Asterisk's queue_log: what became of callers in queues.
 *
 *   epoch|callid|queue|agent|EVENT|data1|data2|…
 *
 * The one source that knows who gave up waiting: a CDR says "answered" of everybody whom the queue
 * played music to. callid is the caller's channel, so in a group with the CDRs (the CDR's linkedid
 * or uniqueid) one call comes of both.
 */
#include "asterisk.h"

enum { DATA_MAX = 8, RANK_GAVE_UP = RANK_QUEUE - 5, RANK_LEFT = RANK_MACHINE + 2 };

struct row {
    struct str event, agent, data[DATA_MAX];
};

static int64_t seconds(struct str s) {
    int64_t v = 0;
    for (size_t i = 0; i < s.n && i < 9; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return s.n && s.n <= 9 ? v : -1;
}

static struct str agent_of(const struct row *r) {
    return str_is(r->agent, "NONE") ? STR_NONE : r->agent;
}

static void verdict(struct call_line *out, enum call_outcome o, int rank) {
    out->outcome = o;
    out->rank = rank;
}

/* ---- a function an event ---- */

static void enter(const struct row *r, struct call_line *out) {
    out->kind = LINE_BEGIN;
    out->caller = r->data[1];
}

static void did(const struct row *r, struct call_line *out) {
    out->callee = r->data[0];
}

static void connected(const struct row *r, struct call_line *out) {
    out->kind = LINE_TALK;
    out->agent = out->leg = agent_of(r);
    verdict(out, CALL_ANSWERED, RANK_QUEUE);
}

/* holdtime|calltime: all of it again, for a log whose CONNECT is in a file that is gone. */
static void completed(const struct row *r, struct call_line *out) {
    int64_t hold = seconds(r->data[0]), talk = seconds(r->data[1]);
    out->kind = LINE_END;
    out->agent = out->leg = agent_of(r);
    if (talk >= 0)
        out->answer_ms = out->at_ms - talk * 1000;
    if (talk >= 0 && hold >= 0)
        out->start_ms = out->answer_ms - hold * 1000;
    verdict(out, CALL_ANSWERED, RANK_QUEUE);
}

static void transferred(const struct row *r, struct call_line *out) {
    out->kind = LINE_END;
    out->agent = out->leg = agent_of(r);
    out->transfer = true;
    verdict(out, CALL_ANSWERED, RANK_QUEUE);
}

static void abandoned(const struct row *r, struct call_line *out) {
    int64_t wait = seconds(r->data[2]);
    out->kind = LINE_END;
    if (wait >= 0)
        out->start_ms = out->at_ms - wait * 1000;
    verdict(out, CALL_ABANDONED, RANK_GAVE_UP);
}

/* The queue let him go: what comes next (a mailbox, another queue) stands elsewhere. */
static void left(const struct row *r, struct call_line *out) {
    out->kind = LINE_MISSED;
    verdict(out, str_is(r->event, "EXITWITHKEY") ? CALL_ABANDONED : CALL_NO_ANSWER, RANK_LEFT);
}

static void unanswered(const struct row *r, struct call_line *out) {
    int64_t rang = seconds(r->data[0]); /* ms */
    out->agent = STR_NONE;
    out->leg = out->target = agent_of(r);
    out->no_leg = !out->leg.n;
    if (rang >= 0)
        out->start_ms = out->at_ms - rang;
    out->end_ms = out->at_ms;
    verdict(out, CALL_NO_ANSWER, 1);
}

static const struct {
    const char *name;
    void (*read)(const struct row *r, struct call_line *out);
} events[] = {
    {"ENTERQUEUE", enter},
    {"DID", did},
    {"CONNECT", connected},
    {"COMPLETEAGENT", completed},
    {"COMPLETECALLER", completed},
    {"TRANSFER", transferred},
    {"BLINDTRANSFER", transferred},
    {"ATTENDEDTRANSFER", transferred},
    {"ABANDON", abandoned},
    {"EXITWITHTIMEOUT", left},
    {"EXITEMPTY", left},
    {"EXITWITHKEY", left},
    {"RINGNOANSWER", unanswered},
    {"RINGCANCELED", unanswered},
};

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct str rest = line, time = str_cut(&rest, '|'), call = str_cut(&rest, '|'),
               queue = str_cut(&rest, '|');
    struct row r = {.agent = str_cut(&rest, '|')};
    r.event = str_cut(&rest, '|');
    for (size_t i = 0; i < DATA_MAX && rest.p; i++)
        r.data[i] = str_cut(&rest, '|');
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    int64_t at = ast_time(in, time, -1);
    if (at < 0 || !r.event.n) {
        *out_why = "a queue's line without time or event";
        return FORMAT_BAD;
    }
    if (!call.n || str_is(call, "NONE") || str_is(call, "REALTIME") || str_is(call, "MANAGER"))
        return FORMAT_NOTHING; /* of agents and configuration */
    for (size_t i = 0; i < COUNT(events); i++)
        if (str_is(r.event, events[i].name)) {
            *out = CALL_LINE_INIT(LINE_NOTE);
            out->at_ms = at;
            out->call_id = call;
            out->queue = str_is(queue, "NONE") ? STR_NONE : queue;
            events[i].read(&r, out);
            return FORMAT_LINE;
        }
    return FORMAT_NOTHING;
}

const struct format format_asterisk_queue = {.name = "asterisk-queue", .read = read_line};
