/* sip/asterisk.c - Asterisk's CDRs in files, a record a line.
 *
 *   cdr_csv (Master.csv): 16 to 21 columns without a header
 *     accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,
 *     disposition,amaflags[,uniqueid][,userfield][,peeraccount,linkedid,sequence]
 *   cdr_custom: the columns of cdr_custom.conf, or as the configuration names them; or a JSON
 * object
 *
 * What stands in brackets is switched by options, so count and type tell what is there; 17 or 20
 * columns hold a uniqueid or a userfield.
 */
#include "asterisk.h"

#include <touchline/kit/csv.h>
#include <touchline/kit/jread.h>

enum { COLUMNS_MIN = 16, COLUMNS_MAX = 64, EXTRA = 16 };

static const char *const base[COLUMNS_MIN] = {
    "accountcode", "src",   "dst",    "dcontext", "clid",     "channel", "dstchannel",  "lastapp",
    "lastdata",    "start", "answer", "end",      "duration", "billsec", "disposition", "amaflags"};

/* By count and type: which of the optional columns are there. */
static bool set_optional(struct ast_cdr *cdr, const struct str *col, size_t n) {
    int64_t ignored;
    if (n < COLUMNS_MIN || n > 21)
        return false;
    if (n >= 19) {
        cdr->peeraccount = col[n - 3];
        cdr->linkedid = col[n - 2];
        cdr->sequence = col[n - 1];
        n -= 3;
    }
    if (n == 18) {
        cdr->uniqueid = col[EXTRA];
        cdr->userfield = col[EXTRA + 1];
    } else if (n == 17) {
        *(ast_unique_ms(col[EXTRA], &ignored) ? &cdr->uniqueid : &cdr->userfield) = col[EXTRA];
    }
    return true;
}

static bool set_named(struct ast_cdr *cdr, const struct tl_strs *names, const struct str *col,
                      size_t n) {
    for (size_t i = 0; i < n && i < names->n; i++)
        (void)ast_cdr_set(cdr, names->items[i], col[i]);
    return n == names->n;
}

static enum format_verdict read_csv(const struct format_in *in, struct str line,
                                    struct call_line *out, const char **out_why) {
    struct ast_cdr cdr = {0};
    struct str col[COLUMNS_MAX];
    size_t n;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (!csv_split(in->arena, line, ',', col, COLUMNS_MAX, &n)) {
        *out_why = "a record with an open quote or too many columns";
        return FORMAT_BAD;
    }
    bool ok = in->columns->n ? set_named(&cdr, in->columns, col, n) : set_optional(&cdr, col, n);
    if (!ok) {
        *out_why = in->columns->n ? "a record of more or fewer columns than are configured"
                                  : "a record of fewer than 16 or more than 21 columns";
        return FORMAT_BAD;
    }
    for (size_t i = 0; i < COLUMNS_MIN && !in->columns->n; i++)
        (void)ast_cdr_set(&cdr, str_c(base[i]), col[i]);
    return ast_cdr_read(in, &cdr, line, out, out_why);
}

/* ---- cdr_custom ---- */

static enum format_verdict read_json(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    cleanup(json_freep) json_t *root = NULL;
    struct fault fault = {0};
    struct ast_cdr cdr = {0};
    const char *key;
    json_t *v;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (!jread_parse(str_trim(line), line.n + 1, &root, &fault) || !json_is_object(root)) {
        *out_why = "a record that is no JSON object";
        return FORMAT_BAD;
    }
    json_object_foreach(root, key, v) {
        struct str name = str_c(key), value = STR_NONE;
        if (str_starts(name, (struct str)STR("CDR(")) && name.p[name.n - 1] == ')')
            name = str_make(name.p + 4, name.n - 5);
        if (json_is_string(v))
            value = arena_str(in->arena, str_make(json_string_value(v), json_string_length(v)));
        else if (json_is_integer(v))
            value = arena_strf(in->arena, "%lld", (long long)json_integer_value(v));
        else if (json_is_real(v))
            value = arena_strf(in->arena, "%.6f", json_real_value(v));
        (void)ast_cdr_set(&cdr, name, value);
    }
    return ast_cdr_read(in, &cdr, line, out, out_why);
}

static enum format_verdict read_custom(const struct format_in *in, struct str line,
                                       struct call_line *out, const char **out_why) {
    /* As its sample configuration writes them. */
    static const struct str sample[] = {
        STR("clid"),        STR("src"),      STR("dst"),       STR("dcontext"),    STR("channel"),
        STR("dstchannel"),  STR("lastapp"),  STR("lastdata"),  STR("start"),       STR("answer"),
        STR("end"),         STR("duration"), STR("billsec"),   STR("disposition"), STR("amaflags"),
        STR("accountcode"), STR("uniqueid"), STR("userfield"), STR("sequence")};
    static const struct tl_strs usual = {sample, COUNT(sample)};
    struct str text = str_trim(line);
    struct format_in with = *in;
    if (text.n && text.p[0] == '{')
        return read_json(in, line, out, out_why);
    if (!in->columns->n)
        with.columns = &usual;
    return read_csv(&with, line, out, out_why);
}

const struct format format_asterisk_csv = {.name = "asterisk-csv", .read = read_csv};
const struct format format_asterisk_custom = {.name = "asterisk-custom", .read = read_custom};
const struct format format_asterisk_json = {.name = "asterisk-json", .read = read_json};
