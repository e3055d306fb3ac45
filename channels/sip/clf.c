/* sip/clf.c - the SIP Common Log Format (RFC 6872, 6873; WebSocket by RFC 7355): two lines a
 * message.
 *
 *   A000100,0053005C005E…                                  index: lengths and pointers
 *   1328821153.010 TAB RORUU TAB 1 INVITE TAB - TAB …      data: time, flags, twelve fields
 *
 * The index is passed over: the RFC's own sample has each pointer off by one, and the data splits
 * at its TABs without it (6873 6: an index line begins with a letter, a data line with a digit).
 * A log is that of one element: what it sends towards the caller (or gets itself, being the caller)
 * is how the call went; what comes back from a branch tells of the branch.
 */
#include "format.h"

enum { CSEQ, STATUS, R_URI, DST, SRC, TO, TO_TAG, FROM, FROM_TAG, CALL_ID, SERVER, CLIENT, FIELDS };
enum { FLAGS_MIN = 4, FIELD_MAX = 4096, TIME_MAX = 20 };

struct record {
    int64_t at_ms;
    bool request, sent;
    struct str f[FIELDS]; /* absent where the log has "-" or "?" */
    struct str method;
    int code;
};

/* "1328821153.010" to ms; -1: no time. */
static int64_t read_time(struct str s) {
    int64_t seconds = 0, ms = 0;
    size_t i = 0, digits = 0;
    if (!s.n || s.n > TIME_MAX)
        return -1;
    for (; i < s.n && i <= 12 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        seconds = seconds * 10 + (s.p[i] - '0');
    if (i == 0 || i > 12)
        return -1;
    if (i < s.n && s.p[i++] != '.')
        return -1;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        if (digits++ < 3)
            ms = ms * 10 + (s.p[i] - '0');
    for (; digits < 3; digits++)
        ms *= 10;
    return i == s.n ? seconds * 1000 + ms : -1;
}

/* "-" absent, "?" could not be read there, "%2D" and "%3F" those characters themselves. */
static struct str field(struct str s) {
    if (str_is(s, "-") || str_is(s, "?"))
        return STR_NONE;
    if (str_is_nocase(s, "%2D"))
        return str_c("-");
    return str_is_nocase(s, "%3F") ? str_c("?") : s;
}

static bool split(struct str line, struct record *r, const char **out_why) {
    struct str rest = line, flags;
    r->at_ms = read_time(str_cut(&rest, '\t'));
    flags = str_cut(&rest, '\t');
    if (r->at_ms < 0 || flags.n < FLAGS_MIN || !strchr("Rr", flags.p[0])) {
        *out_why = "a CLF record without time or flags";
        return false;
    }
    r->request = flags.p[0] == 'R';
    r->sent = flags.p[2] == 'S' || flags.p[2] == 's';
    for (size_t i = 0; i < FIELDS; i++) {
        if (!rest.p) {
            *out_why = "a CLF record with fewer than twelve fields";
            return false;
        }
        struct str one = str_cut(&rest, '\t');
        if (one.n > FIELD_MAX) {
            *out_why = "a CLF field above 4096 bytes";
            return false;
        }
        r->f[i] = field(one);
    }
    /* A Call-ID holds no blank (RFC 3261 25.1); three of the RFC's own records add a word to it. */
    r->f[CALL_ID] = str_cut(&r->f[CALL_ID], ' ');
    struct str number = r->f[CSEQ];
    (void)str_cut(&number, ' ');
    r->method = str_trim(number);
    struct str status = str_trim(r->f[STATUS]);
    if (status.n == 3 && status.p[0] >= '1' && status.p[0] <= '6')
        r->code = (status.p[0] - '0') * 100 + (status.p[1] - '0') * 10 + (status.p[2] - '0');
    if (!r->f[CALL_ID].n || !r->method.n || (!r->request && !r->code)) {
        *out_why = "a CLF record without Call-ID, CSeq or status";
        return false;
    }
    return true;
}

/* Towards the callee: this element is the caller, or passes the call on. */
static bool is_downstream(const struct record *r) {
    return r->request == r->sent;
}

static enum format_verdict invite(const struct record *r, struct call_line *out) {
    if (r->f[TO_TAG].n)
        return FORMAT_NOTHING; /* within a call: a hold, a new codec */
    out->kind = LINE_BEGIN;
    out->caller = r->f[FROM];
    out->callee = r->f[R_URI].n ? r->f[R_URI] : r->f[TO];
    if (is_downstream(r) && r->f[SERVER].n) { /* one branch of what has been received */
        out->kind = LINE_NOTE;
        out->callee = STR_NONE;
        out->leg = r->f[CLIENT];
        out->target = r->f[R_URI];
        out->start_ms = r->at_ms;
    } else {
        out->weight = 1;
        if (!r->f[SERVER].n)
            out->leg = r->f[CLIENT];
    }
    return FORMAT_LINE;
}

static enum format_verdict answer(const struct record *r, struct call_line *out) {
    out->caller = r->f[FROM];
    out->callee = r->f[TO];
    out->code = r->code;
    out->leg = r->f[CLIENT].n ? r->f[CLIENT] : r->f[SERVER];
    bool of_branch = is_downstream(r) && r->f[SERVER].n;
    if (r->code < 200 || of_branch)
        out->kind = LINE_NOTE;
    else
        out->kind = LINE_FINAL;
    if (r->code < 200)
        out->code = 0;
    if (of_branch && r->code >= 200 && r->code < 300)
        out->answer_ms = r->at_ms;
    return FORMAT_LINE;
}

static enum format_verdict say(const struct record *r, struct call_line *out) {
    *out = CALL_LINE_INIT(LINE_NOTE);
    out->call_id = r->f[CALL_ID];
    out->at_ms = r->at_ms;
    if (str_is(r->method, "INVITE"))
        return r->request ? invite(r, out) : answer(r, out);
    if (!r->request)
        return FORMAT_NOTHING;
    if (str_is(r->method, "BYE")) {
        out->kind = LINE_BYE;
        return FORMAT_LINE;
    }
    /* A proxy takes back its other branches: that is not the caller who gives up. */
    if (str_is(r->method, "CANCEL") && !(is_downstream(r) && r->f[SERVER].n)) {
        out->kind = LINE_CANCEL;
        return FORMAT_LINE;
    }
    return FORMAT_NOTHING;
}

static bool is_hex(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789ABCDEFabcdef", s.p[i]) || !s.p[i])
            return false;
    return s.n > 0;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct record r = {0};
    (void)in;
    line.n -= line.n && line.p[line.n - 1] == '\r';
    if (!line.n)
        return FORMAT_NOTHING;
    if (line.p[0] < '0' || line.p[0] > '9') {
        /* An index line of this version, or a later one whose data we would misread. */
        if (line.n >= 8 && line.p[7] == ',' && is_hex(str_upto(str_from(line, 1), 6)) &&
            line.p[0] != 'A') {
            *out_why = "a SIP CLF version that is not A";
            return FORMAT_BAD;
        }
        return FORMAT_NOTHING;
    }
    return split(line, &r, out_why) ? say(&r, out) : FORMAT_BAD;
}

const struct format format_clf = {.name = "clf", .read = read_line};
