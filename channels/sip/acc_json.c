/* sip/acc_json.c - see acc_json.h.
 *
 *   {"time": 1795422885, "method": "INVITE", "callid": "…", "sip_code": "200", …}     acc_json
 *   {"jsonrpc": "2.0", "method": "E_ACC_CDR", "params": {"method": "INVITE", …}}      OpenSIPS
 *
 * acc_json writes the same object for a missed branch and for the final answer: neither says which.
 */
#include "acc_json.h"

#include <touchline/kit/jread.h>

struct str acc_json_find(struct str line) {
    for (size_t i = 0; i + 1 < line.n; i++) {
        if (line.p[i] != '{')
            continue;
        struct str rest = str_from(line, i + 1);
        while (rest.n && rest.p[0] == ' ')
            rest = str_from(rest, 1);
        if (!rest.n || rest.p[0] != '"')
            continue;
        rest = str_from(line, i);
        bool ours = memmem(rest.p, rest.n, "\"method\"", 8) || memmem(rest.p, rest.n, "E_ACC_", 6);
        return ours ? rest : STR_NONE;
    }
    return STR_NONE;
}

static void add_members(const struct format_in *in, json_t *object, struct acc *f) {
    const char *key;
    json_t *v;
    json_object_foreach(object, key, v) {
        struct str name = arena_str(in->arena, str_c(key));
        if (json_is_string(v))
            acc_add(f, name,
                    arena_str(in->arena, str_make(json_string_value(v), json_string_length(v))));
        else if (json_is_integer(v))
            acc_add(f, name, arena_strf(in->arena, "%lld", (long long)json_integer_value(v)));
        else if (json_is_real(v))
            acc_add(f, name, arena_strf(in->arena, "%.3f", json_real_value(v)));
    }
}

static enum format_verdict judge(const struct format_in *in, const struct acc *f, struct str event,
                                 struct call_line *out, const char **out_why) {
    if (str_is(event, "E_ACC_CDR"))
        return acc_summary(in, f, out, out_why);
    if (acc_get(f, "start_time").n && acc_get(f, "duration").n)
        return acc_summary(in, f, out, out_why);
    if (!acc_get(f, "call_id|callid").n)
        return FORMAT_NOTHING; /* another program's object */
    return acc_transaction(in, f,
                           str_is(event, "E_ACC_MISSED_EVENT") ? ACC_MISSED
                           : event.n                           ? ACC_ANSWERED
                                                               : ACC_UNKNOWN,
                           out, out_why);
}

enum format_verdict acc_json_read(const struct format_in *in, struct str json,
                                  struct call_line *out, const char **out_why) {
    cleanup(json_freep) json_t *root = NULL;
    struct fault fault = {0};
    struct acc f = {.n = 0};
    if (!jread_parse(str_trim(json), json.n + 1, &root, &fault) || !json_is_object(root)) {
        *out_why = "an accounting object that is no JSON";
        return FORMAT_BAD;
    }
    json_t *params = json_object_get(root, "params");
    struct str event = jget_str(root, json_is_object(params) ? "method" : "event");
    add_members(in, json_is_object(params) ? params : root, &f);
    return judge(in, &f, event, out, out_why);
}
