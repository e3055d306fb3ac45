/* sip/kamailio.c - Kamailio's acc module: transaction and missed lines, and CDR lines of the dialog
 * module.
 *
 *   … ACC: transaction answered: timestamp=…;method=INVITE;from_tag=…;to_tag=…;call_id=…;code=200;
 *                                reason=OK;src_user=…
 *   … ACC: call missed: …
 *   … start_time=…; end_time=…; duration=…; callid=…; from_uri=…; to_uri=…; r_uri=…
 *
 * What stands before "ACC: " is the syslog's. "transaction answered" is said of failures too: the
 * code decides. Values are not escaped, so a value ends only where ';' is followed by a name and
 * '='; of a name that comes twice the first counts.
 */
#include "format.h"

#include <math.h>
#include <stdlib.h>

enum { FIELDS_MAX = 64 };

struct field {
    struct str name, value;
};
struct fields {
    struct field items[FIELDS_MAX];
    size_t n;
};

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Length of a name followed by '=' at the beginning of s; 0: none. */
static size_t name_at(struct str s) {
    size_t n = 0;
    while (n < s.n && n < 40 && is_name_char(s.p[n]))
        n++;
    return n && n < s.n && s.p[n] == '=' ? n : 0;
}

/* The end of a value: ';' and perhaps a space before the next name. */
static size_t value_end(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ';')
            continue;
        size_t next = i + 1;
        while (next < s.n && s.p[next] == ' ')
            next++;
        if (name_at(str_from(s, next)))
            return i;
    }
    return s.n;
}

static void split(struct str s, struct fields *out) {
    out->n = 0;
    while (s.n && out->n < FIELDS_MAX) {
        while (s.n && (s.p[0] == ';' || s.p[0] == ' '))
            s = str_from(s, 1);
        size_t name = name_at(s);
        if (!name)
            return;
        struct str rest = str_from(s, name + 1);
        size_t end = value_end(rest);
        out->items[out->n++] = (struct field){str_upto(s, name), str_trim(str_upto(rest, end))};
        s = str_from(rest, end);
    }
}

static struct str get(const struct fields *f, const char *name) {
    for (size_t i = 0; i < f->n; i++)
        if (str_is(f->items[i].name, name))
            return f->items[i].value;
    return STR_NONE;
}

/* Seconds with a fraction to ms; -1: none. */
static int64_t seconds(struct str s) {
    char text[32];
    if (!s.n || s.n >= sizeof text)
        return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    double v = strtod(text, NULL);
    return v > 0 && v < 253402300799.0 ? llround(v * 1000) : -1;
}

static struct str find(struct str s, const char *word) {
    const char *at = s.n ? memmem(s.p, s.n, word, strlen(word)) : NULL;
    return at ? str_from(s, (size_t)(at - s.p)) : STR_NONE;
}

static bool is_voicemail(struct str target) {
    return str_starts(target, (struct str)STR("voicemail")) || str_is(target, "vm") ||
           str_starts(target, (struct str)STR("vm-")) ||
           str_starts(target, (struct str)STR("vmail"));
}

static enum format_verdict read_acc(struct str rest, bool missed, struct call_line *out,
                                    const char **out_why) {
    struct fields f;
    split(rest, &f);
    struct str method = get(&f, "method"), code = get(&f, "code");
    out->call_id = get(&f, "call_id");
    if (!out->call_id.n || !method.n || code.n != 3) {
        *out_why = "an accounting line without method, call_id or code";
        return FORMAT_BAD;
    }
    out->code = (code.p[0] - '0') * 100 + (code.p[1] - '0') * 10 + (code.p[2] - '0');
    out->at_ms = seconds(get(&f, "time_hr"));
    if (out->at_ms < 0)
        out->at_ms = seconds(get(&f, "timestamp"));
    out->caller = get(&f, "src_user");
    out->callee = get(&f, "dst_ouser");
    out->target = get(&f, "dst_user");
    out->voicemail = is_voicemail(out->target);
    if (str_is(method, "INVITE"))
        out->kind = missed ? LINE_MISSED : LINE_FINAL;
    else if (str_is(method, "CANCEL"))
        out->kind = LINE_CANCEL;
    else if (str_is(method, "BYE"))
        out->kind = LINE_BYE;
    else
        return FORMAT_NOTHING;
    /* The caller of a BYE may be either side. */
    if (out->kind == LINE_BYE)
        out->caller = out->callee = STR_NONE;
    return FORMAT_LINE;
}

static enum format_verdict read_cdr(struct str rest, struct call_line *out, const char **out_why) {
    struct fields f;
    split(rest, &f);
    out->kind = LINE_CDR;
    out->call_id = get(&f, "callid");
    out->start_ms = seconds(get(&f, "start_time"));
    out->end_ms = seconds(get(&f, "end_time"));
    if (!out->call_id.n)
        out->call_id = get(&f, "call_id");
    if (!out->call_id.n || out->start_ms < 0) {
        *out_why = "a CDR line without callid or start_time";
        return FORMAT_BAD;
    }
    out->caller = get(&f, "src_user");
    out->callee = get(&f, "dst_ouser");
    if (!out->caller.n)
        out->caller = get(&f, "from_uri");
    if (!out->callee.n)
        out->callee = get(&f, "to_uri");
    return FORMAT_LINE;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    static const char missed[] = "call missed: ", answered[] = "transaction answered: ",
                      accounted[] = "request accounted: ";
    (void)in;
    *out = CALL_LINE_INIT(LINE_FINAL);
    struct str acc = find(line, "ACC: ");
    if (acc.p) {
        acc = str_from(acc, 5);
        const char *const words[] = {missed, answered, accounted};
        for (size_t i = 0; i < COUNT(words); i++)
            if (str_starts(acc, str_c(words[i])))
                return read_acc(str_from(acc, strlen(words[i])), i == 0, out, out_why);
        return FORMAT_NOTHING;
    }
    struct str cdr = find(line, "start_time=");
    return cdr.p && find(cdr, "duration=").p ? read_cdr(cdr, out, out_why) : FORMAT_NOTHING;
}

const struct format format_kamailio = {.name = "kamailio", .read = read_line};
