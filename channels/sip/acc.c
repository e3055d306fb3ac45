/* sip/acc.c - see acc.h. */
#include "acc.h"

#include <math.h>
#include <stdlib.h>

#include <touchline/kit/date.h>

enum { NAME_BYTES_MAX = 40 };

/* ---- splitting ---- */

/* Fields of the modules, and those that their guides recommend. */
static const char known_names[] =
    "|timestamp|time|time_hr|time_attr|method|from_tag|to_tag|call_id|callid|code|reason|sip_code|"
    "sip_reason|src_user|src_domain|src_ip|src_port|src_uri|src|dst_ouser|dst_user|dst_domain|"
    "dst_uri|dst_ip|dst_port|dst|from_uri|from_user|to_uri|to_user|r_uri|ruri|ua|user_agent|pai|"
    "caller|callee|start_time|end_time|duration|ms_duration|setuptime|created|call_start_time|"
    "leg_src|leg_dst|leg_user|privacy|display|cseq|contact|acc_type|";

/* Of a URI or a header: never a field's. */
static const char parameter_names[] =
    "|transport|user|lr|maddr|ttl|tag|ob|rinstance|line|alias|branch|received|rport|expires|q|npdi|"
    "rn|cic|isub|ext|phone-context|reg-id|gr|comp|sigcomp-id|ftag|did|nat|r2|on|cpc|otg|tgrp|"
    "trunk-context|verstat|index|cause|lang|level|screen|party|counter|hi|pub-gruu|temp-gruu|"
    "methods|audio|video|i|m|x|";

static bool is_in(const char *list, struct str name) {
    char word[NAME_BYTES_MAX + 2];
    if (name.n + 2 > sizeof word)
        return false;
    word[0] = '|';
    memcpy(word + 1, name.p, name.n);
    word[name.n + 1] = '|';
    return memmem(list, strlen(list), word, name.n + 2) != NULL;
}

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Length of a name followed by '=' at the beginning of s; 0: none. */
static size_t name_at(struct str s) {
    size_t n = 0;
    while (n < s.n && n < NAME_BYTES_MAX && is_name_char(s.p[n]))
        n++;
    return n && n < s.n && s.p[n] == '=' ? n : 0;
}

static bool is_uri(struct str s) {
    static const struct str begins[] = {STR("sip:"), STR("sips:"), STR("tel:"), STR("<"),
                                        STR("\"")};
    for (size_t i = 0; i < COUNT(begins); i++)
        if (str_starts(s, begins[i]))
            return true;
    return false;
}

/* Whether a field begins here, behind `value`. */
static bool is_field(struct str value, struct str name) {
    if (is_in(known_names, name))
        return true;
    return !is_in(parameter_names, name) && !is_uri(value);
}

/* The end of a value: ';' and perhaps a space before the next field. */
static size_t value_end(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ';')
            continue;
        size_t next = i + 1;
        while (next < s.n && next < i + 3 && s.p[next] == ' ')
            next++;
        size_t name = name_at(str_from(s, next));
        if (name && is_field(str_upto(s, i), str_make(s.p + next, name)))
            return i;
    }
    return s.n;
}

void acc_add(struct acc *f, struct str name, struct str value) {
    if (f->n < ACC_FIELDS_MAX)
        f->items[f->n++] = (struct acc_field){name, str_trim(value)};
}

void acc_split(struct str s, struct acc *out) {
    out->n = 0;
    while (s.n && out->n < ACC_FIELDS_MAX) {
        while (s.n && (s.p[0] == ';' || s.p[0] == ' '))
            s = str_from(s, 1);
        size_t name = name_at(s);
        if (!name)
            return;
        struct str rest = str_from(s, name + 1);
        size_t end = value_end(rest);
        acc_add(out, str_upto(s, name), str_upto(rest, end));
        s = str_from(rest, end);
    }
}

struct str acc_get(const struct acc *f, const char *names) {
    struct str rest = str_c(names);
    while (rest.p) {
        struct str name = str_cut(&rest, '|');
        for (size_t i = 0; i < f->n; i++)
            if (str_eq_nocase(f->items[i].name, name)) {
                if (f->items[i].value.n)
                    return f->items[i].value;
                break;
            }
    }
    return STR_NONE;
}

struct str acc_last(const struct acc *f, const char *name, size_t *out_count) {
    struct str last = STR_NONE;
    *out_count = 0;
    for (size_t i = 0; i < f->n; i++)
        if (str_is(f->items[i].name, name)) {
            last = f->items[i].value;
            ++*out_count;
        }
    return last;
}

/* ---- values ---- */

static double number(struct str s) {
    char text[32];
    if (!s.n || s.n >= sizeof text)
        return -1;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789.", s.p[i]))
            return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return strtod(text, NULL);
}

int64_t acc_time(const struct format_in *in, struct str s) {
    int64_t ms;
    double v = number(s);
    if (v > 0 && v < 253402300799.0)
        return llround(v * 1000);
    if (s.n < 19 || s.n > 40)
        return -1;
    if (date_parse(s, &ms))
        return ms;
    return date_parse(arena_strf(in->arena, "%.*sZ", STR_ARG(s)), &ms)
               ? zone_to_utc_ms(in->zone, ms)
               : -1;
}

static int64_t span_ms(struct str s, double unit_ms) {
    double v = number(s);
    return v >= 0 && v < 1e12 ? llround(v * unit_ms) : -1;
}

static int code_of(struct str s) {
    if (s.n != 3)
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
    int code = (s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0');
    return code >= 100 && code < 700 ? code : 0;
}

static bool is_voicemail(struct str target) {
    static const struct str begins[] = {STR("voicemail"), STR("vm-"), STR("vmail"), STR("vmb")};
    struct str user = target;
    if (str_starts(user, (struct str)STR("sip:")))
        user = str_from(user, 4);
    user = str_cut(&user, '@');
    for (size_t i = 0; i < COUNT(begins); i++)
        if (str_eq_nocase(str_upto(user, begins[i].n), begins[i]))
            return true;
    return str_is_nocase(user, "vm");
}

/* ---- what a record says ---- */

/* The legs of a call one after another: caller=A;callee=B;caller=B;callee=C. */
static void set_legs(const struct format_in *in, const struct acc *f, struct call_line *out) {
    size_t n;
    (void)acc_last(f, "callee", &n);
    if (n < 2)
        return;
    struct str *targets = arena_new(in->arena, n * sizeof *targets);
    for (size_t i = 0; i < f->n; i++)
        if (str_is(f->items[i].name, "callee") && f->items[i].value.n)
            targets[out->targets_n++] = f->items[i].value;
    out->targets = targets;
}

static void set_people(const struct acc *f, struct call_line *out) {
    size_t legs;
    out->caller = acc_get(f, "src_user|from_user|caller|src_uri|from_uri|src");
    out->callee = acc_get(f, "dst_ouser|to_user|callee|to_uri|dst_uri|dst");
    out->target = acc_get(f, "dst_user|leg_dst");
    out->display = acc_get(f, "display");
    struct str last = acc_last(f, "callee", &legs);
    if (legs > 1 && !out->target.n) /* each leg names its own */
        out->target = last;
    out->withheld = memmem(acc_get(f, "privacy").p ? acc_get(f, "privacy").p : "",
                           acc_get(f, "privacy").n, "id", 2) != NULL;
}

static bool set_kind(struct str method, enum acc_event event, struct call_line *out) {
    if (str_is(method, "INVITE"))
        out->kind = event == ACC_MISSED || (event == ACC_UNKNOWN && out->code >= 300) ? LINE_MISSED
                                                                                      : LINE_FINAL;
    else if (str_is(method, "CANCEL"))
        out->kind = LINE_CANCEL;
    else if (str_is(method, "BYE"))
        out->kind = LINE_BYE;
    else if (str_is(method, "REFER"))
        out->kind = LINE_NOTE;
    else
        return false;
    return true;
}

enum format_verdict acc_transaction(const struct format_in *in, const struct acc *f,
                                    enum acc_event event, struct call_line *out,
                                    const char **out_why) {
    struct str method = acc_get(f, "method");
    *out = CALL_LINE_INIT(LINE_FINAL);
    out->call_id = acc_get(f, "call_id|callid");
    out->code = code_of(acc_get(f, "code|sip_code"));
    if (!out->call_id.n || !method.n || !out->code) {
        *out_why = "an accounting record without method, call_id or code";
        return FORMAT_BAD;
    }
    out->at_ms = acc_time(in, acc_get(f, "time_hr|timestamp|time"));
    out->start_ms = acc_time(in, acc_get(f, "created"));
    if (!set_kind(method, event, out))
        return FORMAT_NOTHING;
    set_people(f, out);
    out->voicemail = is_voicemail(out->target);
    if (out->kind == LINE_FINAL || out->kind == LINE_MISSED) {
        out->leg = acc_get(f, "to_tag");
        return FORMAT_LINE;
    }
    /* Either side may say it: it tells nothing of who called. */
    if (out->kind != LINE_CANCEL)
        out->caller = out->callee = out->target = STR_NONE;
    out->transfer = out->kind == LINE_NOTE && out->code < 300;
    out->code = 0;
    return FORMAT_LINE;
}

enum format_verdict acc_summary(const struct format_in *in, const struct acc *f,
                                struct call_line *out, const char **out_why) {
    *out = CALL_LINE_INIT(LINE_CDR);
    out->call_id = acc_get(f, "callid|call_id");
    out->start_ms = acc_time(in, acc_get(f, "start_time|created"));
    out->answer_ms = acc_time(in, acc_get(f, "call_start_time"));
    out->end_ms = acc_time(in, acc_get(f, "end_time"));
    out->code = code_of(acc_get(f, "code|sip_code"));
    int64_t lasted = span_ms(acc_get(f, "ms_duration"), 1);
    if (lasted < 0)
        lasted = span_ms(acc_get(f, "duration"), 1000);
    int64_t setup = span_ms(acc_get(f, "setuptime"), 1000),
            at = acc_time(in, acc_get(f, "timestamp|time"));
    if (out->answer_ms < 0 && out->start_ms >= 0 && setup >= 0)
        out->answer_ms = out->start_ms + setup;
    if (out->answer_ms < 0 && at >= 0 && out->start_ms < 0) /* an event's time is the answer's */
        out->answer_ms = at;
    if (out->start_ms < 0)
        out->start_ms = out->answer_ms;
    if (out->end_ms < 0 && lasted >= 0)
        out->end_ms = (out->answer_ms >= 0 ? out->answer_ms : out->start_ms) + lasted;
    if (!out->call_id.n || out->start_ms < 0) {
        *out_why = "a CDR without call id or start time";
        return FORMAT_BAD;
    }
    set_people(f, out);
    set_legs(in, f, out);
    return FORMAT_LINE;
}
