/* sip/asterisk_cel.c - Asterisk's channel events (cel_custom's Master.csv), an event a line.
 *
 *   eventtype,eventtime,cidname,cidnum,ANI,RDNIS,DNID,exten,context,channame,appname,appdata,amaflags,accountcode,
 *   uniqueid,linkedid,bridgepeer,userfield,userdeftype,eventextra
 *
 * A call is what shares a linkedid and ends at LINKEDID_END. The channel whose uniqueid that is
 * came first: the caller's. Its answer may be a machine's; that of another channel is a phone's,
 * unless it is a Local one, of our own switching.
 */
#include "asterisk.h"

#include <touchline/kit/csv.h>
#include <touchline/kit/jread.h>

enum { COLUMNS_MAX = 64, COLUMNS = 20, WEIGHT_ORIGIN = 10, EXTRA_MAX = 16 * 1024 };

struct cel {
    struct str eventtype, eventtime, cidname, cidnum, dnid, exten, context, channame, appname,
        appdata, uniqueid, linkedid, bridgepeer, eventextra;
    bool origin, local;
};

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    {"eventtype", offsetof(struct cel, eventtype)},
    {"eventtime", offsetof(struct cel, eventtime)},
    {"cidname", offsetof(struct cel, cidname)},
    {"cidnum", offsetof(struct cel, cidnum)},
    {"DNID", offsetof(struct cel, dnid)},
    {"exten", offsetof(struct cel, exten)},
    {"context", offsetof(struct cel, context)},
    {"channame", offsetof(struct cel, channame)},
    {"appname", offsetof(struct cel, appname)},
    {"appdata", offsetof(struct cel, appdata)},
    {"uniqueid", offsetof(struct cel, uniqueid)},
    {"linkedid", offsetof(struct cel, linkedid)},
    {"bridgepeer", offsetof(struct cel, bridgepeer)},
    {"eventextra", offsetof(struct cel, eventextra)},
};

static void set_field(struct cel *e, struct str name, struct str value) {
    for (size_t i = 0; i < COUNT(fields); i++)
        if (str_is_nocase(name, fields[i].name))
            *(struct str *)(void *)((char *)e + fields[i].offset) = value;
}

static void verdict(struct call_line *out, enum call_outcome o, int rank) {
    out->outcome = o;
    out->rank = rank;
}

/* Of a phone that was rung: each is a leg. */
static void set_leg(const struct cel *e, struct call_line *out) {
    if (e->origin || e->local)
        return;
    out->leg = e->channame;
    out->target = ast_device(e->channame);
}

/* ---- a function an event; false: it says nothing of the call ---- */

static bool begun(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in;
    out->kind = e->origin ? LINE_BEGIN : LINE_NOTE;
    set_leg(e, out);
    if (out->leg.n)
        out->start_ms = out->at_ms;
    if (!e->origin)
        return true;
    out->weight = WEIGHT_ORIGIN;
    out->caller = e->cidnum;
    out->display = e->cidname;
    out->callee = e->dnid.n ? e->dnid : ast_dialled(e->exten);
    out->context = e->context;
    return true;
}

static bool answered(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in;
    set_leg(e, out);
    out->answer_ms = out->at_ms;
    if (e->origin)
        verdict(out, CALL_ABANDONED, RANK_MACHINE);
    else if (e->local)
        verdict(out, CALL_ANSWERED, RANK_LEG);
    else
        verdict(out, CALL_ANSWERED, RANK_ANSWERED);
    if (out->rank == RANK_ANSWERED)
        out->kind = LINE_TALK;
    return true;
}

static bool app(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in;
    struct str rest = e->appdata;
    if (str_starts(e->appname, (struct str)STR("VoiceMail"))) {
        verdict(out, CALL_VOICEMAIL, RANK_VOICEMAIL);
        out->answer_ms = out->at_ms;
    } else if (str_is_nocase(e->appname, "Queue")) {
        out->queue = str_trim(str_cut(&rest, ','));
    } else {
        return false;
    }
    return true;
}

/* Two channels are connected once the second has entered. */
static bool bridged(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in;
    if (!e->bridgepeer.n)
        return false;
    bool leg = e->local || (e->origin && ast_is_local(e->bridgepeer));
    set_leg(e, out);
    out->answer_ms = out->at_ms;
    verdict(out, CALL_ANSWERED, leg ? RANK_LEG : RANK_ANSWERED + 2);
    if (!leg)
        out->kind = LINE_TALK;
    return true;
}

static bool transferred(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in, (void)e;
    out->transfer = true;
    return true;
}

static bool by_dialstatus(struct str s, struct call_line *out) {
    static const struct {
        const char *word;
        enum call_outcome outcome;
        int rank;
    } words[] = {
        {"BUSY", CALL_BUSY, RANK_MISSED},
        {"NOANSWER", CALL_NO_ANSWER, RANK_MISSED + 4},
        {"CANCEL", CALL_ABANDONED, RANK_MISSED + 6},
        {"CONGESTION", CALL_FAILED, RANK_FAILED},
        {"CHANUNAVAIL", CALL_FAILED, RANK_FAILED},
        {"INVALIDARGS", CALL_FAILED, RANK_FAILED},
        {"DONTCALL", CALL_REJECTED, RANK_MISSED + 2},
        {"TORTURE", CALL_REJECTED, RANK_MISSED + 2},
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is(s, words[i].word)) {
            verdict(out, words[i].outcome, words[i].rank);
            return true;
        }
    return false;
}

/* What the cause says of one leg, below what the switch says of the call. */
static void by_cause(int64_t cause, bool origin, struct call_line *out) {
    switch (cause) {
    case 17:
        verdict(out, CALL_BUSY, RANK_FAILED + 2);
        break;
    case 21: /* more than the "busy" that the switch makes of it */
        verdict(out, CALL_REJECTED, origin ? RANK_FAILED + 2 : RANK_MISSED + 2);
        break;
    case 18:
    case 19:
        verdict(out, CALL_NO_ANSWER, RANK_FAILED + 2);
        break;
    case 1:
    case 2:
    case 3:
    case 27:
    case 28:
    case 34:
    case 38:
    case 41:
    case 42:
        verdict(out, CALL_FAILED, RANK_FAILED - 2);
        break;
    default:
        if (origin)
            verdict(out, CALL_ABANDONED, RANK_FAILED - 4);
    }
}

static bool hung_up(const struct format_in *in, const struct cel *e, struct call_line *out) {
    cleanup(json_freep) json_t *extra = NULL;
    struct fault fault = {0};
    set_leg(e, out);
    if (out->leg.n)
        out->end_ms = out->at_ms;
    if (e->local)
        return false;
    if (!jread_parse(e->eventextra, EXTRA_MAX, &extra, &fault) || !json_is_object(extra)) {
        json_decref(extra);
        extra = json_object();
    }
    int64_t cause = jget_int(extra, "hangupcause", 0);
    if (cause > 0 && cause < 128)
        out->q850 = (int)cause;
    struct str status = arena_str(in->arena, jget_str(extra, "dialstatus"));
    if (!e->origin || !by_dialstatus(status, out))
        by_cause(cause, e->origin, out);
    if (!e->origin)
        out->q850 = 0; /* the call's own cause is the caller's */
    return true;
}

static bool over(const struct format_in *in, const struct cel *e, struct call_line *out) {
    (void)in, (void)e;
    out->kind = LINE_END;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(const struct format_in *in, const struct cel *e, struct call_line *out);
} events[] = {
    {"CHAN_START", begun},
    {"ANSWER", answered},
    {"APP_START", app},
    {"BRIDGE_ENTER", bridged},
    {"BRIDGE_START", bridged},
    {"BLINDTRANSFER", transferred},
    {"ATTENDEDTRANSFER", transferred},
    {"HANGUP", hung_up},
    {"LINKEDID_END", over},
};

static bool read_columns(const struct format_in *in, struct str line, struct cel *e) {
    static const struct str own[COLUMNS] = {
        STR("eventtype"),  STR("eventtime"),   STR("cidname"),     STR("cidnum"),
        STR("ANI"),        STR("RDNIS"),       STR("DNID"),        STR("exten"),
        STR("context"),    STR("channame"),    STR("appname"),     STR("appdata"),
        STR("amaflags"),   STR("accountcode"), STR("uniqueid"),    STR("linkedid"),
        STR("bridgepeer"), STR("userfield"),   STR("userdeftype"), STR("eventextra")};
    static const struct tl_strs usual = {own, COLUMNS};
    const struct tl_strs *names = in->columns->n ? in->columns : &usual;
    struct str col[COLUMNS_MAX];
    size_t n;
    *e = (struct cel){.local = false};
    if (!csv_split(in->arena, line, ',', col, COLUMNS_MAX, &n) || n < names->n)
        return false;
    for (size_t i = 0; i < names->n; i++)
        set_field(e, names->items[i], col[i]);
    e->origin = str_eq(e->uniqueid, e->linkedid);
    e->local = ast_is_local(e->channame);
    return true;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct cel e;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (!read_columns(in, line, &e)) {
        *out_why = "an event of fewer columns than are named, or with an open quote";
        return FORMAT_BAD;
    }
    *out = CALL_LINE_INIT(LINE_NOTE);
    out->at_ms = ast_time(in, e.eventtime, -1);
    out->call_id = e.linkedid.n ? e.linkedid : e.uniqueid;
    if (out->at_ms < 0 || !out->call_id.n) {
        *out_why = "an event without time or linkedid";
        return FORMAT_BAD;
    }
    if (!str_eq(e.uniqueid, out->call_id))
        out->links[0] = e.uniqueid;
    for (size_t i = 0; i < COUNT(events); i++)
        if (str_is(e.eventtype, events[i].name))
            return events[i].read(in, &e, out) ? FORMAT_LINE : FORMAT_NOTHING;
    return FORMAT_NOTHING;
}

const struct format format_asterisk_cel = {.name = "asterisk-cel", .read = read_line};
