/* sip/freeswitch.c - FreeSWITCH: one leg's variables to what they say of its call.
 *
 * Each leg gives a record of its own. The leg that came in is the call; those to the phones name it
 * by call_uuid. Whether somebody talked is not said by billsec: the menu, the queue and the mailbox
 * answer too, so it is judged by the bridge and by who said last what became of it.
 */
#include "freeswitch.h"

#include <stdlib.h>

#include <touchline/kit/date.h>

/* The year 9999; four months. */
#define LATEST_MS 253402300799000
enum { LONGEST_S = 10 * 1000 * 1000 };

const char *const freeswitch_names[FS_NAMES] = {
    [FS_UUID] = "uuid",
    [FS_CALL_UUID] = "call_uuid",
    [FS_BRIDGE_UUID] = "bridge_uuid",
    [FS_SIGNAL_BOND] = "signal_bond",
    [FS_ORIGINATING_LEG] = "originating_leg_uuid",
    [FS_DIRECTION] = "direction",
    [FS_CALLER_NUMBER] = "caller_id_number",
    [FS_CALLER_NAME] = "caller_id_name",
    [FS_DESTINATION] = "destination_number",
    [FS_SIP_TO_USER] = "sip_to_user",
    [FS_SIP_REQ_USER] = "sip_req_user",
    [FS_SIP_FROM_USER] = "sip_from_user",
    [FS_START_UEPOCH] = "start_uepoch",
    [FS_ANSWER_UEPOCH] = "answer_uepoch",
    [FS_END_UEPOCH] = "end_uepoch",
    [FS_START_EPOCH] = "start_epoch",
    [FS_ANSWER_EPOCH] = "answer_epoch",
    [FS_END_EPOCH] = "end_epoch",
    [FS_START_STAMP] = "start_stamp",
    [FS_ANSWER_STAMP] = "answer_stamp",
    [FS_END_STAMP] = "end_stamp",
    [FS_DURATION] = "duration",
    [FS_BILLSEC] = "billsec",
    [FS_CAUSE] = "hangup_cause",
    [FS_CAUSE_Q850] = "hangup_cause_q850",
    [FS_TERM_STATUS] = "sip_term_status",
    [FS_FAILURE_STATUS] = "sip_invite_failure_status",
    [FS_HANGUP] = "sip_hangup_disposition",
    [FS_LAST_APP] = "last_app",
    [FS_ORIGINATE] = "originate_disposition",
    [FS_BRIDGE_CHANNEL] = "bridge_channel",
    [FS_DIALED_USER] = "dialed_user",
    [FS_CC_QUEUE] = "cc_queue",
    [FS_CC_AGENT] = "cc_agent",
    [FS_CC_CAUSE] = "cc_cause",
    [FS_CC_CANCEL] = "cc_cancel_reason",
    [FS_RECORDING] = "record_path",
    [FS_PRIVACY] = "privacy_hide_number",
    [FS_CONTEXT] = "context",
    [FS_TRANSFER] = "endpoint_disposition",
};

static struct str get(const struct fs_leg *leg, enum fs_name name) {
    return leg->v[name];
}

static bool has(const struct fs_leg *leg, enum fs_name name) {
    return leg->v[name].n > 0;
}

/* A whole number, perhaps with a fraction that is cut; -1: none. */
static int64_t whole(struct str s) {
    int64_t v = 0;
    size_t n = 0;
    while (n < s.n && n < 18 && s.p[n] >= '0' && s.p[n] <= '9')
        v = v * 10 + (s.p[n++] - '0');
    return n && (n == s.n || s.p[n] == '.') ? v : -1;
}

/* ---- times ---- */

/* "2026-11-23 08:00:00" of the switch's own zone. */
static int64_t stamp(const struct format_in *in, struct str s) {
    int64_t ms;
    if (!s.n || s.n > 40 || !date_parse(arena_strf(in->arena, "%.*sZ", STR_ARG(s)), &ms))
        return -1;
    return zone_to_utc_ms(in->zone, ms);
}

/* Microseconds before seconds before local time; 0 means that it did not happen. */
static int64_t moment(const struct format_in *in, const struct fs_leg *leg, enum fs_name micros,
                      enum fs_name seconds, enum fs_name local) {
    int64_t v = whole(get(leg, micros));
    if (v >= 0)
        return v && v / 1000 <= LATEST_MS ? v / 1000 : -1;
    v = whole(get(leg, seconds));
    if (v >= 0)
        return v && v <= LATEST_MS / 1000 ? v * 1000 : -1;
    return stamp(in, get(leg, local));
}

static void read_times(const struct format_in *in, const struct fs_leg *leg,
                       struct call_line *out) {
    out->start_ms = moment(in, leg, FS_START_UEPOCH, FS_START_EPOCH, FS_START_STAMP);
    out->answer_ms = moment(in, leg, FS_ANSWER_UEPOCH, FS_ANSWER_EPOCH, FS_ANSWER_STAMP);
    out->end_ms = moment(in, leg, FS_END_UEPOCH, FS_END_EPOCH, FS_END_STAMP);
    if (out->start_ms < 0 && whole(leg->created) > 0)
        out->start_ms = whole(leg->created) / 1000;
    int64_t lasted = whole(get(leg, FS_DURATION)), talked = whole(get(leg, FS_BILLSEC));
    if (lasted > LONGEST_S || talked > LONGEST_S)
        lasted = talked = -1;
    if (out->end_ms < 0 && out->start_ms >= 0 && lasted >= 0)
        out->end_ms = out->start_ms + lasted * 1000;
    if (out->answer_ms < 0 && talked > 0 && out->end_ms >= 0)
        out->answer_ms = out->end_ms - talked * 1000;
    out->at_ms = out->end_ms;
}

/* ---- how it went ---- */

static const struct {
    const char *cause;
    enum call_outcome outcome;
    int rank;
} causes[] = {
    {"ORIGINATOR_CANCEL", CALL_ABANDONED, RANK_MISSED + 6},
    {"NO_ANSWER", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"NO_USER_RESPONSE", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"ALLOTTED_TIMEOUT", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"PROGRESS_TIMEOUT", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"MEDIA_TIMEOUT", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"SUBSCRIBER_ABSENT", CALL_NO_ANSWER, RANK_MISSED + 3},
    {"USER_NOT_REGISTERED", CALL_NO_ANSWER, RANK_MISSED + 3},
    {"CALL_REJECTED", CALL_REJECTED, RANK_MISSED + 2},
    {"USER_BUSY", CALL_BUSY, RANK_MISSED},
    {"LOSE_RACE", CALL_NO_ANSWER, RANK_FAILED},  /* another phone of the group was faster */
    {"PICKED_OFF", CALL_NO_ANSWER, RANK_FAILED}, /* likewise, by pickup */
};

struct verdict {
    enum call_outcome outcome;
    int rank;
};

static struct verdict by_cause(struct str cause) {
    for (size_t i = 0; i < COUNT(causes); i++)
        if (str_is(cause, causes[i].cause))
            return (struct verdict){causes[i].outcome, causes[i].rank};
    return (struct verdict){CALL_FAILED, RANK_FAILED};
}

/* By the SIP answer, where the cause says only that it ended. */
static struct verdict by_code(int code) {
    switch (code) {
    case 487:
        return by_cause((struct str)STR("ORIGINATOR_CANCEL"));
    case 408:
    case 480:
        return by_cause((struct str)STR("NO_ANSWER"));
    case 486:
    case 600:
        return by_cause((struct str)STR("USER_BUSY"));
    case 403:
    case 603:
    case 607:
        return by_cause((struct str)STR("CALL_REJECTED"));
    default:
        return (struct verdict){CALL_FAILED, RANK_FAILED};
    }
}

static struct verdict unanswered(const struct fs_leg *leg, int code) {
    struct str cause = get(leg, FS_CAUSE), hangup = get(leg, FS_HANGUP);
    if (cause.n && !str_is(cause, "NORMAL_CLEARING") && !str_is(cause, "NONE") &&
        !str_is(cause, "NORMAL_UNSPECIFIED"))
        return by_cause(cause);
    if (str_is(hangup, "recv_cancel") || str_is(hangup, "recv_bye"))
        return by_cause((struct str)STR("ORIGINATOR_CANCEL"));
    if (code >= 300)
        return by_code(code);
    if (has(leg, FS_ORIGINATE) && !str_is(get(leg, FS_ORIGINATE), "SUCCESS"))
        return by_cause(get(leg, FS_ORIGINATE));
    if (!cause.n)
        return (struct verdict){CALL_FAILED, RANK_FAILED};
    return by_cause((struct str)STR("NO_ANSWER"));
}

/* The queue's own word (mod_callcenter). */
static bool by_queue(const struct fs_leg *leg, struct verdict *out) {
    struct str cause = get(leg, FS_CC_CAUSE), why = get(leg, FS_CC_CANCEL);
    if (!has(leg, FS_CC_QUEUE) || !cause.n)
        return false;
    if (str_is_nocase(cause, "answered")) {
        *out = (struct verdict){CALL_ANSWERED, RANK_QUEUE};
        return true;
    }
    bool waited = str_is(why, "TIMEOUT") || str_is(why, "NO_AGENT_TIMEOUT");
    /* Who left the queue for the mailbox is told by the mailbox. */
    bool mailbox = str_is_nocase(get(leg, FS_LAST_APP), "voicemail");
    *out = mailbox ? (struct verdict){CALL_VOICEMAIL, RANK_QUEUE}
                   : (struct verdict){waited ? CALL_NO_ANSWER : CALL_ABANDONED, RANK_QUEUE};
    return true;
}

static bool waits_for_a_person(struct str app) {
    static const char *const apps[] = {"callcenter",          "fifo",   "ivr",
                                       "play_and_get_digits", "bridge", "play_and_detect_speech"};
    for (size_t i = 0; i < COUNT(apps); i++)
        if (str_is(app, apps[i]))
            return true;
    return false;
}

static struct verdict judge(const struct fs_leg *leg, const struct call_line *line, bool came_in) {
    struct verdict v;
    struct str app = get(leg, FS_LAST_APP), originate = get(leg, FS_ORIGINATE);
    if (by_queue(leg, &v))
        return v;
    if (line->answer_ms < 0)
        return unanswered(leg, line->code);
    if (str_is_nocase(app, "voicemail"))
        return (struct verdict){CALL_VOICEMAIL, RANK_VOICEMAIL};
    bool bridged =
        has(leg, FS_BRIDGE_UUID) || has(leg, FS_SIGNAL_BOND) || has(leg, FS_BRIDGE_CHANNEL);
    if (bridged || !came_in)
        return (struct verdict){CALL_ANSWERED, RANK_ANSWERED};
    if (originate.n && !str_is(originate, "SUCCESS")) {
        v = by_cause(originate);
        return (struct verdict){v.outcome, RANK_MACHINE};
    }
    if (waits_for_a_person(app) && !str_is(originate, "SUCCESS"))
        return (struct verdict){CALL_ABANDONED, RANK_MACHINE};
    return (struct verdict){CALL_ANSWERED, RANK_LEG};
}

/* ---- who, and whom ---- */

static struct str first_of(struct str a, struct str b) {
    return a.n ? a : b;
}

/* "sofia/internal/1001@10.0.0.5:5060" or "user/1001" to "1001". */
static struct str channel_user(struct str channel) {
    struct str s = channel;
    for (ptrdiff_t at; (at = str_find(s, '/')) >= 0;)
        s = str_from(s, (size_t)at + 1);
    if (str_starts(s, (struct str)STR("sip:")))
        s = str_from(s, 4);
    return str_cut(&s, '@');
}

static bool is_yes(struct str s) {
    return str_is_nocase(s, "true") || str_is_nocase(s, "yes") || str_is(s, "1");
}

static void read_parties(const struct fs_leg *leg, bool came_in, struct call_line *out) {
    struct str to = first_of(leg->first_destination, get(leg, FS_DESTINATION));
    to = first_of(to, first_of(get(leg, FS_SIP_TO_USER), get(leg, FS_SIP_REQ_USER)));
    out->caller = first_of(leg->first_caller, get(leg, FS_CALLER_NUMBER));
    out->caller = first_of(out->caller, get(leg, FS_SIP_FROM_USER));
    out->display = first_of(leg->first_name, get(leg, FS_CALLER_NAME));
    out->callee = to;
    out->target = came_in ? channel_user(get(leg, FS_BRIDGE_CHANNEL))
                          : first_of(get(leg, FS_DIALED_USER), to);
    out->withheld = is_yes(get(leg, FS_PRIVACY));
    out->weight = came_in ? 2 : 1;
    out->queue = get(leg, FS_CC_QUEUE);
    struct str agent = get(leg, FS_CC_AGENT);
    out->agent = str_cut(&agent, '@');
    out->recording = get(leg, FS_RECORDING);
    /* BLIND_TRANSFER, ATTENDED_TRANSFER; transfers within the dialplan are none. */
    out->transfer = str_ends(get(leg, FS_TRANSFER), (struct str)STR("_TRANSFER"));
    out->context = came_in ? get(leg, FS_CONTEXT) : STR_NONE;
}

static void read_ids(const struct fs_leg *leg, struct call_line *out) {
    const struct str others[] = {get(leg, FS_UUID), get(leg, FS_ORIGINATING_LEG),
                                 get(leg, FS_BRIDGE_UUID), get(leg, FS_SIGNAL_BOND)};
    size_t n = 0;
    out->call_id = first_of(get(leg, FS_CALL_UUID), get(leg, FS_UUID));
    out->leg = get(leg, FS_UUID);
    for (size_t i = 0; i < COUNT(others) && n < LINKS_MAX; i++)
        if (others[i].n && !str_eq(others[i], out->call_id))
            out->links[n++] = others[i];
}

bool freeswitch_say(const struct format_in *in, const struct fs_leg *leg, struct call_line *out,
                    const char **out_why) {
    *out = CALL_LINE_INIT(LINE_RECORD);
    if (!has(leg, FS_UUID)) {
        *out_why = "a FreeSWITCH record without uuid";
        return false;
    }
    read_times(in, leg, out);
    if (out->start_ms < 0) {
        *out_why = "a FreeSWITCH record without the time of its start";
        return false;
    }
    bool came_in = !str_is(get(leg, FS_DIRECTION), "outbound");
    int64_t code = whole(first_of(get(leg, FS_TERM_STATUS), get(leg, FS_FAILURE_STATUS))),
            q850 = whole(get(leg, FS_CAUSE_Q850));
    out->code = code >= 100 && code < 700 ? (int)code : 0;
    out->q850 = q850 > 0 && q850 < 128 ? (int)q850 : 0;
    read_ids(leg, out);
    read_parties(leg, came_in, out);
    struct verdict v = judge(leg, out, came_in);
    out->outcome = v.outcome;
    out->rank = v.rank;
    return true;
}
