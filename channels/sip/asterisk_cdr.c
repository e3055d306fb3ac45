/* sip/asterisk_cdr.c - what one CDR of Asterisk says, whatever it was written in.
 *
 * Legs of one call share linkedid, else each record is a call. A channel that was answered was not
 * answered by a person: a queue, a menu and a mailbox answer it too, so lastapp and dstchannel
 * decide. Records of Local channels are of our own switching and know less than the others.
 */
#include "asterisk.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>

enum { QUARTER_MS = 15 * 60 * 1000, EARLY_MS = 5000, WEIGHT_ORIGIN = 10 };

/* ---- fields ---- */

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    {"accountcode", offsetof(struct ast_cdr, accountcode)},
    {"src", offsetof(struct ast_cdr, src)},
    {"dst", offsetof(struct ast_cdr, dst)},
    {"dcontext", offsetof(struct ast_cdr, dcontext)},
    {"clid", offsetof(struct ast_cdr, clid)},
    {"channel", offsetof(struct ast_cdr, channel)},
    {"dstchannel", offsetof(struct ast_cdr, dstchannel)},
    {"lastapp", offsetof(struct ast_cdr, lastapp)},
    {"lastdata", offsetof(struct ast_cdr, lastdata)},
    {"start", offsetof(struct ast_cdr, start)},
    {"calldate", offsetof(struct ast_cdr, start)},
    {"answer", offsetof(struct ast_cdr, answer)},
    {"end", offsetof(struct ast_cdr, end)},
    {"duration", offsetof(struct ast_cdr, duration)},
    {"billsec", offsetof(struct ast_cdr, billsec)},
    {"disposition", offsetof(struct ast_cdr, disposition)},
    {"amaflags", offsetof(struct ast_cdr, amaflags)},
    {"uniqueid", offsetof(struct ast_cdr, uniqueid)},
    {"userfield", offsetof(struct ast_cdr, userfield)},
    {"peeraccount", offsetof(struct ast_cdr, peeraccount)},
    {"linkedid", offsetof(struct ast_cdr, linkedid)},
    {"sequence", offsetof(struct ast_cdr, sequence)},
    {"recordingfile", offsetof(struct ast_cdr, recording)},
    {"recording", offsetof(struct ast_cdr, recording)},
    {"did", offsetof(struct ast_cdr, did)},
};

bool ast_cdr_set(struct ast_cdr *cdr, struct str name, struct str value) {
    for (size_t i = 0; i < COUNT(fields); i++)
        if (str_is_nocase(name, fields[i].name)) {
            *(struct str *)(void *)((char *)cdr + fields[i].offset) = value;
            return true;
        }
    return false;
}

static int64_t whole(struct str s) {
    int64_t v = 0;
    for (size_t i = 0; i < s.n && i < 9; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            v = v * 10 + (s.p[i] - '0');
        else
            return s.p[i] == '.' && i ? v : -1;
    return s.n ? v : -1;
}

/* ---- times ---- */

/* Without a configured zone the first channel's creation, which is UTC, tells the offset. */
static int64_t guess_offset(const struct format_in *in, struct str start, int64_t created_ms) {
    int64_t local;
    if (in->zone_given || !date_parse(arena_strf(in->arena, "%.*sZ", STR_ARG(start)), &local))
        return 0;
    int64_t off = local - created_ms;
    int64_t quarters = (off + (off < 0 ? -QUARTER_MS / 2 : QUARTER_MS / 2)) / QUARTER_MS;
    int64_t rest = off - quarters * QUARTER_MS;
    return rest >= -EARLY_MS && rest <= EARLY_MS ? quarters * QUARTER_MS : 0;
}

static void set_times(const struct format_in *in, const struct ast_cdr *cdr,
                      struct call_line *out) {
    int64_t created = -1, offset = 0;
    if (ast_unique_ms(cdr->uniqueid, &created)) {
        offset = guess_offset(in, cdr->start, created);
        created -= EARLY_MS;
    }
    out->start_ms = ast_time(in, cdr->start, offset ? -1 : created);
    int64_t lasted = whole(cdr->duration);
    out->answer_ms = ast_time(in, cdr->answer, out->start_ms);
    out->end_ms = ast_time(in, cdr->end, out->start_ms);
    if (out->end_ms < 0 && out->start_ms >= 0 && lasted >= 0)
        out->end_ms = out->start_ms + lasted * 1000;
    int64_t talked = whole(cdr->billsec);
    if (out->answer_ms < 0 && talked > 0 && out->end_ms >= 0 &&
        str_is(cdr->disposition, "ANSWERED"))
        out->answer_ms = out->end_ms - talked * 1000;
    out->start_ms -= out->start_ms >= 0 ? offset : 0;
    out->answer_ms -= out->answer_ms >= 0 ? offset : 0;
    out->end_ms -= out->end_ms >= 0 ? offset : 0;
}

/* ---- how it went ---- */

static bool is_app(struct str app, const char *const *names) {
    for (; *names; names++)
        if (str_is_nocase(app, *names))
            return true;
    return false;
}

/* The timeout of Dial(TECH/x,20,…); -1: none. */
static int64_t dial_timeout(struct str lastdata) {
    struct str rest = lastdata;
    (void)str_cut(&rest, ',');
    return rest.p ? whole(str_trim(str_cut(&rest, ','))) : -1;
}

static enum call_outcome answered(const struct ast_cdr *cdr, int *out_rank) {
    /* Applications behind which a person is, though no other channel is named. */
    static const char *const persons[] = {
        "Dial",       "AppDial",    "AppQueue", "ConfBridge",       "MeetMe",   "Bridge", "Pickup",
        "PickupChan", "ParkedCall", "Page",     "Transferred Call", "FollowMe", "",       NULL};
    if (str_starts(cdr->lastapp, (struct str)STR("VoiceMail")) ||
        str_eq_nocase(str_upto(cdr->lastapp, 6), (struct str)STR("MiniVM")) ||
        str_is_nocase(cdr->lastapp, "voicemail")) {
        *out_rank = RANK_VOICEMAIL;
        return CALL_VOICEMAIL;
    }
    bool local =
        ast_is_local(cdr->dstchannel) || (!cdr->dstchannel.n && ast_is_local(cdr->channel));
    if (cdr->dstchannel.n || is_app(cdr->lastapp, persons)) {
        bool queue = str_is_nocase(cdr->lastapp, "Queue");
        *out_rank = local ? RANK_LEG : queue ? RANK_ANSWERED : RANK_ANSWERED + 8;
        return CALL_ANSWERED;
    }
    *out_rank = RANK_MACHINE;
    return CALL_ABANDONED;
}

static enum call_outcome unanswered(const struct ast_cdr *cdr, int *out_rank) {
    struct str d = cdr->disposition;
    if (str_is(d, "BUSY")) {
        *out_rank = RANK_MISSED;
        return CALL_BUSY;
    }
    if (!str_is(d, "NO ANSWER") && !str_is(d, "NOANSWER") && !str_is(d, "CANCEL")) {
        *out_rank = RANK_FAILED; /* FAILED, CONGESTION, UNKNOWN */
        return CALL_FAILED;
    }
    /* Rang and ended before Dial would have given up: the caller did. */
    int64_t limit = dial_timeout(cdr->lastdata), lasted = whole(cdr->duration);
    bool dialled = cdr->dstchannel.n && str_is_nocase(cdr->lastapp, "Dial");
    if (str_is(d, "CANCEL") || (dialled && (limit <= 0 || (lasted >= 0 && lasted < limit)))) {
        *out_rank = RANK_MISSED + 6;
        return CALL_ABANDONED;
    }
    *out_rank = RANK_MISSED + 4;
    return CALL_NO_ANSWER;
}

static void set_outcome(const struct ast_cdr *cdr, struct call_line *out) {
    if (str_is(cdr->disposition, "ANSWERED")) {
        out->outcome = answered(cdr, &out->rank);
    } else {
        out->outcome = unanswered(cdr, &out->rank);
        if (ast_is_local(cdr->channel))
            out->rank -= 10;
    }
    out->rank = out->rank > 0 ? out->rank : 1;
    if (out->outcome != CALL_ANSWERED && out->outcome != CALL_VOICEMAIL)
        out->answer_ms = -1;
}

/* ---- the rest ---- */

static struct str recording_of(const struct ast_cdr *cdr) {
    static const char *const ends[] = {".wav", ".mp3", ".gsm", ".ogg", ".WAV", ".opus"};
    if (cdr->recording.n)
        return cdr->recording;
    for (size_t i = 0; i < COUNT(ends); i++)
        if (str_ends(cdr->userfield, str_c(ends[i])))
            return cdr->userfield;
    return STR_NONE;
}

static void set_ids(const struct format_in *in, const struct ast_cdr *cdr, struct str raw,
                    struct call_line *out) {
    out->call_id = cdr->linkedid.n ? cdr->linkedid : cdr->uniqueid;
    if (cdr->linkedid.n && !str_eq(cdr->linkedid, cdr->uniqueid))
        out->links[0] = cdr->uniqueid;
    if (out->call_id.n)
        return;
    uint8_t digest[SHA256_BYTES]; /* without ids the line itself is the call */
    char hex[SHA256_HEX + 1];
    sha256(raw, digest);
    hex_encode(digest, sizeof digest, hex);
    out->call_id = arena_strf(in->arena, "line:%s", hex);
}

enum format_verdict ast_cdr_read(const struct format_in *in, const struct ast_cdr *cdr,
                                 struct str raw, struct call_line *out, const char **out_why) {
    *out = CALL_LINE_INIT(LINE_RECORD);
    set_times(in, cdr, out);
    if (out->start_ms < 0 || !cdr->disposition.n) {
        *out_why = "a record without start or disposition";
        return FORMAT_BAD;
    }
    set_ids(in, cdr, raw, out);
    set_outcome(cdr, out);
    bool origin = !cdr->linkedid.n || str_eq(cdr->linkedid, cdr->uniqueid);
    out->weight = origin && !ast_is_local(cdr->channel) ? WEIGHT_ORIGIN : 0;
    out->caller = cdr->src.n ? cdr->src : ast_number(cdr->clid);
    out->callee = cdr->did.n ? cdr->did : ast_dialled(cdr->dst);
    out->display = ast_display(in->arena, cdr->clid);
    out->context = cdr->dcontext;
    out->leg = cdr->dstchannel.n ? cdr->dstchannel : cdr->channel;
    out->target = ast_is_local(cdr->dstchannel) ? STR_NONE : ast_device(cdr->dstchannel);
    out->recording = recording_of(cdr);
    if (str_is_nocase(cdr->lastapp, "Queue")) {
        struct str rest = cdr->lastdata;
        out->queue = str_trim(str_cut(&rest, ','));
    }
    return FORMAT_LINE;
}
