/* sip/kamailio_table.c - Kamailio's accounting tables as files.
 *
 * db_text: a folder with acc, missed_calls and acc_cdrs. The first line names the columns
 * ("callid(string) time(int)"), then a row a line, newest first, columns parted by ':', with \: \\
 * and \n within. The whole file is written anew each time.
 *
 * db_flatstore: rows alone, parted by '|'; the columns are acc's, or as the configuration says.
 */
#include "acc.h"

enum { COLUMNS_MAX = 64 };

static bool is_escape(char c) {
    return c == ':' || c == '\\' || c == '|' || c == 'n' || c == 'r' || c == 't';
}

static char escaped(char c) {
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

/* Where the first column ends. */
static size_t column_end(struct str s, char sep) {
    size_t i = 0;
    while (i < s.n && s.p[i] != sep)
        i += s.p[i] == '\\' && i + 1 < s.n && is_escape(s.p[i + 1]) ? 2 : 1;
    return i;
}

/* The next column without its escapes; *rest becomes absent behind the last. */
static struct str next_column(struct arena *a, struct str *rest, char sep) {
    size_t end = column_end(*rest, sep), n = 0;
    char *text = arena_new(a, end + 1);
    for (size_t i = 0; i < end; i++) {
        bool escape = rest->p[i] == '\\' && i + 1 < end && is_escape(rest->p[i + 1]);
        text[n++] = escape ? escaped(rest->p[++i]) : rest->p[i];
    }
    *rest = end < rest->n ? str_from(*rest, end + 1) : STR_NONE;
    return str_make(text, n);
}

/* "time_hr(double)" to "time_hr". */
static struct str column_name(struct str *header) {
    struct str word = str_cut(header, ' ');
    return str_cut(&word, '(');
}

/* "callid(string,null)": a name with a type behind it. */
static bool is_typed_name(struct str word) {
    struct str rest = word, name = str_cut(&rest, '(');
    if (!name.n || rest.n < 2 || rest.p[rest.n - 1] != ')')
        return false;
    for (size_t i = 0; i + 1 < rest.n; i++)
        if ((rest.p[i] < 'a' || rest.p[i] > 'z') && rest.p[i] != ',')
            return false;
    for (size_t i = 0; i < name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", name.p[i]))
            return false;
    return true;
}

static bool is_header(struct str line) {
    struct str rest = str_trim(line);
    while (rest.p)
        if (!is_typed_name(str_cut(&rest, ' ')))
            return false;
    return true;
}

static enum format_verdict judge(const struct format_in *in, const struct acc *f,
                                 enum acc_event event, struct call_line *out,
                                 const char **out_why) {
    if (acc_get(f, "start_time").n)
        return acc_summary(in, f, out, out_why);
    return acc_transaction(in, f, event, out, out_why);
}

static enum format_verdict read_text_row(const struct format_in *in, struct str line,
                                         struct call_line *out, const char **out_why) {
    struct acc f = {.n = 0};
    struct str header = in->header, rest = line;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (is_header(line))
        return FORMAT_HEADER;
    if (!header.n) {
        *out_why = "a row before the line that names the columns";
        return FORMAT_BAD;
    }
    while (header.n && rest.p) {
        struct str name = column_name(&header);
        acc_add(&f, name, next_column(in->arena, &rest, ':'));
    }
    if (header.n || rest.p) {
        *out_why = "a row of more or fewer columns than the first line names";
        return FORMAT_BAD;
    }
    bool missed = str_ends(in->name, (struct str)STR("missed_calls"));
    return judge(in, &f, missed ? ACC_MISSED : ACC_ANSWERED, out, out_why);
}

static enum format_verdict read_flat_row(const struct format_in *in, struct str line,
                                         struct call_line *out, const char **out_why) {
    static const struct str own[] = {STR("method"), STR("from_tag"), STR("to_tag"),
                                     STR("callid"), STR("sip_code"), STR("sip_reason"),
                                     STR("time")};
    static const struct tl_strs usual = {own, COUNT(own)};
    const struct tl_strs *names = in->columns->n ? in->columns : &usual;
    struct acc f = {.n = 0};
    struct str rest = line;
    size_t i = 0;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    for (; i < names->n && rest.p; i++)
        acc_add(&f, names->items[i], next_column(in->arena, &rest, '|'));
    if (i < names->n && i < COUNT(own)) {
        *out_why = "a row of fewer columns than are named";
        return FORMAT_BAD;
    }
    return judge(in, &f, ACC_UNKNOWN, out, out_why);
}

static const char *const tables[] = {"acc", "missed_calls", "acc_cdrs", NULL};
const struct format format_kamailio_dbtext = {
    .name = "kamailio-dbtext", .read = read_text_row, .rewritten = true, .files = tables};
const struct format format_kamailio_flat = {.name = "kamailio-flat", .read = read_flat_row};
