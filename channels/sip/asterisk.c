/* sip/asterisk.c - Asterisk's cdr_csv (Master.csv): a record a line, 16 to 21 columns without a
 * header.
 *
 *   accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,
 *   disposition,amaflags[,uniqueid][,userfield][,peeraccount,linkedid,sequence]
 *
 * Legs of one call share linkedid, else each record is a call. Times are local without a zone; the
 * uniqueid begins with the channel's creation in UTC, which tells the offset even in the hour that
 * is there twice.
 */
#include "format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/csv.h>
#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>

enum { COLUMNS_MIN = 16, COLUMNS_MAX = 21, QUARTER_MS = 15 * 60 * 1000 };
enum {
    SRC = 1,
    DST = 2,
    DSTCHANNEL = 6,
    LASTAPP = 7,
    LASTDATA = 8,
    START = 9,
    ANSWER = 10,
    END = 11,
    DURATION = 12,
    BILLSEC = 13,
    DISPOSITION = 14,
    EXTRA = 16
};

/* (name-)digits.digits; the first digits are seconds of UTC. */
static bool unique_seconds(struct str s, int64_t *out_ms) {
    ptrdiff_t dot = -1;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '.')
            dot = (ptrdiff_t)i;
    if (dot <= 0)
        return false;
    size_t begin = (size_t)dot;
    while (begin > 0 && s.p[begin - 1] >= '0' && s.p[begin - 1] <= '9')
        begin--;
    struct str digits = str_make(s.p + begin, (size_t)dot - begin),
               serial = str_from(s, (size_t)dot + 1);
    if (digits.n < 9 || digits.n > 11 || !serial.n)
        return false;
    for (size_t i = 0; i < serial.n; i++)
        if (serial.p[i] < '0' || serial.p[i] > '9')
            return false;
    *out_ms = strtoll(digits.p, NULL, 10) * 1000;
    return true;
}

/* By count and type: which of the optional columns are there. */
static void find_ids(const struct str *col, size_t n, struct str *out_unique,
                     struct str *out_linked) {
    int64_t ignored;
    *out_unique = *out_linked = STR_NONE;
    if (n >= 19)
        *out_linked = col[n - 2];
    if (n == 18 || n == 21 || ((n == 17 || n == 20) && unique_seconds(col[EXTRA], &ignored)))
        *out_unique = col[EXTRA];
}

static int64_t local_time(struct str s) {
    int64_t ms;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    return s.n && date_parse(arena_strf(&a, "%.*sZ", STR_ARG(s)), &ms) ? ms : -1;
}

static int64_t whole(struct str s) {
    int64_t v = 0;
    for (size_t i = 0; i < s.n && i < 9; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            v = v * 10 + (s.p[i] - '0');
        else
            return -1;
    return s.n ? v : -1;
}

/* The timeout of Dial(TECH/x,20,…); -1: none. */
static int64_t dial_timeout(struct str lastdata) {
    struct str rest = lastdata;
    (void)str_cut(&rest, ',');
    return rest.p ? whole(str_trim(str_cut(&rest, ','))) : -1;
}

static enum call_outcome outcome_of(const struct str *col, int *out_rank) {
    struct str d = col[DISPOSITION], app = col[LASTAPP];
    bool rang = col[DSTCHANNEL].n > 0;
    *out_rank = 1;
    if (str_is(d, "ANSWERED")) {
        if (str_starts(app, (struct str)STR("VoiceMail"))) {
            *out_rank = 4;
            return CALL_VOICEMAIL;
        }
        /* The queue itself answers the channel. */
        if (str_is(app, "Queue") && !rang) {
            *out_rank = 3;
            return CALL_ABANDONED;
        }
        *out_rank = rang ? 5 : 4;
        return CALL_ANSWERED;
    }
    if (str_is(d, "BUSY")) {
        *out_rank = 2;
        return CALL_BUSY;
    }
    if (str_is(d, "FAILED") || str_is(d, "CONGESTION"))
        return CALL_FAILED;
    *out_rank = 2;
    if (str_is(d, "CANCEL"))
        return CALL_ABANDONED;
    /* Rang and ended before Dial would have given up: the caller did. */
    int64_t limit = dial_timeout(col[LASTDATA]), lasted = whole(col[DURATION]);
    bool gave_up = rang && str_is(app, "Dial") && limit > 0 && lasted >= 0 && lasted < limit;
    return gave_up ? CALL_ABANDONED : CALL_NO_ANSWER;
}

static void set_times(const struct str *col, struct str unique, const struct zone *zone,
                      struct call_line *out) {
    int64_t start = local_time(col[START]), answer = local_time(col[ANSWER]),
            end = local_time(col[END]), created;
    int64_t offset;
    if (unique_seconds(unique, &created) && start >= 0)
        offset = llround((double)(start - created) / QUARTER_MS) * QUARTER_MS;
    else
        offset = start - zone_to_utc_ms(zone, start);
    out->start_ms = start >= 0 ? start - offset : -1;
    out->answer_ms = answer >= 0 ? answer - offset : -1;
    out->end_ms = end >= 0 ? end - offset : -1;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct str col[COLUMNS_MAX], unique, linked;
    size_t n;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (!csv_split(in->arena, line, ',', col, COLUMNS_MAX, &n) || n < COLUMNS_MIN) {
        *out_why = "a record of fewer than 16 or more than 21 columns, or with an open quote";
        return FORMAT_BAD;
    }
    *out = CALL_LINE_INIT(LINE_RECORD);
    find_ids(col, n, &unique, &linked);
    set_times(col, unique, in->zone, out);
    if (out->start_ms < 0 || !col[DISPOSITION].n) {
        *out_why = "a record without start or disposition";
        return FORMAT_BAD;
    }
    out->call_id = linked.n ? linked : unique;
    if (!out->call_id.n) { /* without ids the line itself is the call */
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        sha256(line, digest);
        hex_encode(digest, sizeof digest, hex);
        out->call_id = arena_strf(in->arena, "line:%s", hex);
    }
    out->outcome = outcome_of(col, &out->rank);
    if (out->outcome != CALL_ANSWERED && out->outcome != CALL_VOICEMAIL)
        out->answer_ms = -1;
    out->caller = col[SRC];
    out->callee = str_is(col[DST], "s") || str_is(col[DST], "h") ? STR_NONE : col[DST];
    out->target = col[DSTCHANNEL];
    return FORMAT_LINE;
}

const struct format format_asterisk_csv = {.name = "asterisk-csv", .read = read_line};
