/* sip/freeswitch_csv.c - FreeSWITCH's mod_cdr_csv: a leg a line, the columns by its template.
 *
 * Values stand in quotes but the quotes within them are not escaped (a caller's name may hold any),
 * and a comma may stand beside one. So a line is cut from both ends: the names come first, the
 * columns behind them are numbers and times without quotes. What is left over in the middle
 * belongs to the first column, the only one that a stranger chooses.
 */
#include "freeswitch.h"

enum { COLUMNS_MAX = 64, VALUE_MAX = 8 * 1024 };

/* The template "example", which the switch comes with. */
static const struct str usual[] = {
    STR("caller_id_name"),
    STR("caller_id_number"),
    STR("destination_number"),
    STR("context"),
    STR("start_stamp"),
    STR("answer_stamp"),
    STR("end_stamp"),
    STR("duration"),
    STR("billsec"),
    STR("hangup_cause"),
    STR("uuid"),
    STR("bleg_uuid"),
    STR("accountcode"),
    STR("read_codec"),
    STR("write_codec"),
};

/* The last value of the line with its comma; false: the line does not end in a value. */
static bool take_last(struct str *rest, struct str *out) {
    struct str s = *rest;
    size_t begin = s.n;
    if (s.n && s.p[s.n - 1] == '"') {
        for (begin = s.n - 1; begin > 0; begin--)
            if (s.p[begin - 1] == '"' && (begin == 1 || s.p[begin - 2] == ','))
                break;
        if (!begin)
            return false;
        *out = str_make(s.p + begin, s.n - 1 - begin);
        begin--;
    } else {
        while (begin > 0 && s.p[begin - 1] != ',')
            begin--;
        *out = str_from(s, begin);
    }
    *rest = str_upto(s, begin ? begin - 1 : 0);
    return true;
}

static struct str unquoted(struct str s) {
    s = str_trim(s);
    return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? str_make(s.p + 1, s.n - 2) : s;
}

/* From the end back to the second column; the first takes what is left. */
static bool split(struct str line, struct str *col, size_t n) {
    struct str rest = line;
    for (size_t i = n; i-- > 1;)
        if (!rest.n || !take_last(&rest, &col[i]))
            return false;
    if (rest.n && rest.p[0] == '"' && (rest.n < 2 || rest.p[rest.n - 1] != '"'))
        return false;
    col[0] = unquoted(rest);
    return true;
}

static void put(struct fs_leg *leg, struct str name, struct str value) {
    if (str_is(name, "bleg_uuid"))
        name = str_c("bridge_uuid");
    for (size_t i = 0; i < FS_NAMES; i++)
        if (str_is(name, freeswitch_names[i]))
            leg->v[i] = value;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct str col[COLUMNS_MAX];
    const struct str *names = in->columns->n ? in->columns->items : usual;
    size_t n = in->columns->n ? in->columns->n : COUNT(usual);
    struct fs_leg leg = {0};
    line = str_trim(line);
    if (!line.n)
        return FORMAT_NOTHING;
    if (n > COLUMNS_MAX || !split(line, col, n)) {
        *out_why = "not as many columns as the template has";
        return FORMAT_BAD;
    }
    for (size_t i = 0; i < n; i++)
        put(&leg, names[i], col[i]);
    return freeswitch_say(in, &leg, out, out_why) ? FORMAT_LINE : FORMAT_BAD;
}

const struct format format_freeswitch_csv = {.name = "freeswitch-csv", .read = read_line};
