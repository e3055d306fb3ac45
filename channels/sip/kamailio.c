/* sip/kamailio.c - the acc modules of Kamailio and OpenSIPS in a log of lines: transactions, missed
 * branches, summaries (CDR), and their JSON objects; whatever stands before is the syslog's.
 *
 *   … ACC: transaction answered: timestamp=…;method=INVITE;from_tag=…;to_tag=…;call_id=…;code=200;
 *                                reason=OK;src_user=…
 *   … ACC: call missed: …
 *   … ACC: call ended: created=…;call_start_time=…;duration=5;…;call_id=…;code=200;…    OpenSIPS
 *   … start_time=…; end_time=…; duration=…; callid=…; from_uri=…; to_uri=…; r_uri=…     Kamailio
 *   … {"time": …, "method": "INVITE", "callid": …, "sip_code": "200", …}
 */
#include "acc_json.h"

static struct str find(struct str s, const char *word) {
    const char *at = s.n ? memmem(s.p, s.n, word, strlen(word)) : NULL;
    return at ? str_from(s, (size_t)(at - s.p)) : STR_NONE;
}

static enum format_verdict read_acc(const struct format_in *in, struct str acc,
                                    struct call_line *out, const char **out_why) {
    static const struct {
        struct str word;
        enum acc_event event;
        bool summary;
    } words[] = {{STR("transaction answered: "), ACC_ANSWERED, false},
                 {STR("call missed: "), ACC_MISSED, false},
                 {STR("request accounted: "), ACC_ANSWERED, false},
                 {STR("call ended: "), ACC_ANSWERED, true}};
    struct acc f;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_starts(acc, words[i].word)) {
            acc_split(str_from(acc, words[i].word.n), &f);
            return words[i].summary ? acc_summary(in, &f, out, out_why)
                                    : acc_transaction(in, &f, words[i].event, out, out_why);
        }
    return FORMAT_NOTHING;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    struct acc f;
    struct str acc = find(line, "ACC: ");
    if (acc.p)
        return read_acc(in, str_from(acc, 5), out, out_why);
    struct str cdr = find(line, "start_time=");
    if (cdr.p && find(cdr, "duration=").p) {
        acc_split(cdr, &f);
        return acc_summary(in, &f, out, out_why);
    }
    struct str json = acc_json_find(line);
    return json.p ? acc_json_read(in, json, out, out_why) : FORMAT_NOTHING;
}

const struct format format_kamailio = {.name = "kamailio", .read = read_line};
const struct format format_opensips = {.name = "opensips", .read = read_line};
