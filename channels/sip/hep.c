/* sip/hep.c - captured SIP over HEP v3: packets in, whole calls out.
 *
 *   packet ──► hep_packet ──► sip_message ──► hep_calls ──ended──► one LINE_RECORD
 *
 * A call is told once it has ended, with all its messages as raw bytes. There is no way to ask for
 * a packet again, so calls that are under way when the daemon stops are lost to it; one that was
 * talking is told by nobody, its BYE alone says nothing (README.md).
 */
#include <stdlib.h>

#include <touchline/kit/utf8.h>

#include "format.h"
#include "hep_calls.h"
#include "hep_packet.h"

enum { MINUTE_MS = 60 * 1000, BAD_A_MINUTE = 1000 };

/* One source's. The call under way is told into the sink of the moment. */
struct hep_source {
    struct hep_calls *calls;
    const struct format_sink *sink;
    int64_t minute_ms; /* when the count of bad ones began */
    unsigned bad;
};

static bool is_withheld_user(struct str uri) {
    struct str s = uri;
    (void)str_cut(&s, ':');
    struct str host = s, user = str_cut(&host, '@');
    return str_eq_nocase(host, (struct str)STR("anonymous.invalid")) ||
           str_is_nocase(user, "anonymous");
}

static struct str user_of(struct str uri) {
    struct str s = uri;
    (void)str_cut(&s, ':');
    struct str user = str_cut(&s, '@');
    return str_cut(&user, ';');
}

static bool is_voicemail(struct str uri) {
    struct str user = user_of(uri);
    static const char *const words[] = {"voicemail", "vm-", "vmail"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq_nocase(str_upto(user, strlen(words[i])), str_c(words[i])))
            return true;
    return false;
}

static const struct {
    int code;
    enum call_outcome outcome;
    int rank;
} answers[] = {
    {487, CALL_ABANDONED, RANK_MISSED + 6}, {408, CALL_NO_ANSWER, RANK_MISSED + 4},
    {480, CALL_NO_ANSWER, RANK_MISSED + 4}, {486, CALL_BUSY, RANK_MISSED},
    {600, CALL_BUSY, RANK_MISSED},          {403, CALL_REJECTED, RANK_MISSED + 2},
    {603, CALL_REJECTED, RANK_MISSED + 2},  {607, CALL_REJECTED, RANK_MISSED + 2},
};

/* What is known later of the same call must win: it rests on more messages. */
static void judge(const struct hep_call *c, struct call_line *out) {
    bool answered = c->end == HEP_END_BYE || c->end == HEP_END_EXPIRED || c->elsewhere;
    out->outcome = CALL_FAILED;
    out->rank = RANK_FAILED;
    if (c->elsewhere || (answered && (c->answer_ms >= 0 || c->end == HEP_END_BYE))) {
        bool mailbox = is_voicemail(c->target.n ? c->target : c->callee);
        out->outcome = mailbox ? CALL_VOICEMAIL : CALL_ANSWERED;
        out->rank = mailbox ? RANK_VOICEMAIL : RANK_ANSWERED;
    } else if (c->end == HEP_END_CANCEL) {
        out->outcome = CALL_ABANDONED;
        out->rank = RANK_MISSED + 6;
    } else if (!c->code) {
        out->outcome = CALL_NO_ANSWER;
        out->rank = RANK_MISSED + 4;
    }
    for (size_t i = 0; i < COUNT(answers) && !c->elsewhere; i++)
        if (c->code == answers[i].code) {
            out->outcome = answers[i].outcome;
            out->rank = answers[i].rank;
        }
}

static void tell(void *arg, const struct hep_call *c) {
    struct hep_source *s = arg;
    struct call_line out = CALL_LINE_INIT(LINE_RECORD);
    out.call_id = c->id;
    out.leg = c->id;
    out.links[0] = c->link;
    out.caller = c->caller;
    out.callee = c->callee;
    out.display = utf8_valid(c->display) ? c->display : STR_NONE;
    out.withheld = c->withheld || is_withheld_user(c->caller);
    out.target = user_of(c->target);
    out.code = c->code;
    out.q850 = c->q850;
    out.start_ms = c->start_ms;
    out.answer_ms = c->answer_ms;
    out.end_ms = out.at_ms = c->end_ms;
    judge(c, &out);
    s->sink->line(s->sink->ctx, &out, c->raw);
}

static void *state_new(void) {
    struct hep_source *s = NEW(struct hep_source);
    const struct hep_options options = {0};
    s->calls = hep_calls_new(&options, tell, s);
    return s;
}

static void state_free(void *take_state) {
    struct hep_source *s = take_state;
    if (s)
        hep_calls_free(s->calls);
    free(s);
}

static struct hep_source *state_of(const struct format_in *in, const struct format_sink *sink) {
    struct hep_source *s = in->state;
    s->sink = sink;
    return s;
}

/* Equal in a time that does not tell where they differ. */
static bool key_is(struct str key, struct str given) {
    unsigned char differs = key.n != given.n;
    for (size_t i = 0; i < given.n; i++)
        differs |= (unsigned char)given.p[i] ^ (unsigned char)(key.n ? key.p[i % key.n] : 1);
    return !differs;
}

/* Whoever reaches the port can send what nobody can read: an operator is shown so much a minute. */
static enum format_verdict bad(const struct format_in *in, struct hep_source *s) {
    if (!s->bad || in->mono_ms - s->minute_ms >= MINUTE_MS) {
        s->minute_ms = in->mono_ms;
        s->bad = 0;
    }
    return ++s->bad <= BAD_A_MINUTE ? FORMAT_BAD : FORMAT_FLOOD;
}

static enum format_verdict read_packet(const struct format_in *in, struct str bytes,
                                       const struct format_sink *sink, const char **out_why) {
    struct hep_source *s = state_of(in, sink);
    struct hep_packet p;
    struct sip_message m;
    switch (hep_packet_read(in->arena, bytes, &p, out_why)) {
    case HEP_OLD:
        return FORMAT_OLD;
    case HEP_BAD:
        return bad(in, s);
    case HEP_READ:
        break;
    }
    if (in->secret.n && !key_is(in->secret, p.auth))
        return FORMAT_STRANGER;
    if (p.type != HEP_SIP || !str_trim(p.payload).n) /* reports, logs; a keep-alive */
        return FORMAT_NOTHING;
    if (!sip_message_read(in->arena, p.payload, &m, out_why))
        return bad(in, s);
    hep_calls_trust(s->calls, in->trust_asserted);
    return hep_calls_add(s->calls, &m, p.payload, p.link, p.at_ms >= 0 ? p.at_ms : in->now_ms,
                         in->mono_ms)
               ? FORMAT_LINE
               : FORMAT_NOTHING;
}

static ptrdiff_t frame(struct str bytes) {
    return hep_packet_length(bytes);
}

static void tick(const struct format_in *in, const struct format_sink *sink) {
    hep_calls_tick(state_of(in, sink)->calls, in->mono_ms);
}

const struct format format_hep = {
    .name = "hep",
    .packet = read_packet,
    .frame = frame,
    .state_new = state_new,
    .state_free = state_free,
    .tick = tick,
};
