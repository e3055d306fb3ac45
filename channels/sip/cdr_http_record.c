/* sip/cdr_http_record.c - the generic call record: JSON in our own words, for a switch that is told
 * what to post (README.md has its fields). One object, an array of them, or one a line.
 */
#include <jansson.h>
#include <math.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "format.h"

enum { DOCUMENT_MAX = 4 << 20, RECORDS_MAX = 10000 };

static struct str text_of(const struct format_in *in, const json_t *v) {
    if (json_is_string(v))
        return arena_str(in->arena, str_make(json_string_value(v), json_string_length(v)));
    if (json_is_integer(v))
        return arena_strf(in->arena, "%lld", (long long)json_integer_value(v));
    return STR_NONE;
}

static struct str member(const struct format_in *in, const json_t *o, const char *key) {
    return text_of(in, json_object_get(o, key));
}

/* RFC 3339 with an offset or local time of the source's zone; a number is seconds since 1970, or
 * milliseconds where it is too large for those. */
static int64_t moment(const struct format_in *in, const json_t *v) {
    int64_t ms;
    if (json_is_number(v)) {
        double n = json_number_value(v);
        if (!(n > 0 && n < 1e14))
            return -1;
        return n > 1e11 ? (int64_t)n : (int64_t)llround(n * 1000);
    }
    struct str s = str_trim(text_of(in, v));
    if (!s.n || s.n > 40)
        return -1;
    if (date_parse(s, &ms))
        return ms;
    if (date_parse(arena_strf(in->arena, "%.*sZ", STR_ARG(s)), &ms))
        return zone_to_utc_ms(in->zone, ms);
    return -1;
}

static const struct {
    const char *word;
    enum call_outcome outcome;
    int rank;
} dispositions[] = {
    {"answered", CALL_ANSWERED, RANK_ANSWERED},
    {"abandoned", CALL_ABANDONED, RANK_MISSED + 6},
    {"cancel", CALL_ABANDONED, RANK_MISSED + 6},
    {"canceled", CALL_ABANDONED, RANK_MISSED + 6},
    {"cancelled", CALL_ABANDONED, RANK_MISSED + 6},
    {"noanswer", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"missed", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"unavailable", CALL_NO_ANSWER, RANK_MISSED + 4},
    {"rejected", CALL_REJECTED, RANK_MISSED + 2},
    {"declined", CALL_REJECTED, RANK_MISSED + 2},
    {"busy", CALL_BUSY, RANK_MISSED},
    {"voicemail", CALL_VOICEMAIL, RANK_VOICEMAIL},
    {"failed", CALL_FAILED, RANK_FAILED},
    {"congestion", CALL_FAILED, RANK_FAILED},
};

/* Equal but for case, blanks, '-' and '_'. */
static bool is_word(struct str s, const char *word) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ' ' || c == '-' || c == '_')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (*word++ != c)
            return false;
    }
    return !*word;
}

static int disposition_of(struct str s) {
    for (size_t i = 0; i < COUNT(dispositions); i++)
        if (is_word(s, dispositions[i].word))
            return (int)i;
    return -1;
}

static const char *word_of_code(int code) {
    switch (code) {
    case 487:
        return "abandoned";
    case 408:
    case 480:
        return "noanswer";
    case 486:
    case 600:
        return "busy";
    case 403:
    case 603:
    case 607:
        return "rejected";
    default:
        return code >= 200 && code < 300 ? "answered" : "failed";
    }
}

/* Said, else by the SIP answer, else by whether it was answered. */
static bool judge(struct str said, struct call_line *out, const char **out_why) {
    const char *word = out->answer_ms >= 0 ? "answered" : "noanswer";
    if (out->code)
        word = word_of_code(out->code);
    int at = disposition_of(said.n ? said : str_c(word));
    if (at < 0) {
        *out_why = "a disposition that is none of ours";
        return false;
    }
    out->outcome = dispositions[at].outcome;
    /* Of the call as a whole the record knows best. */
    out->rank = out->leg.n ? dispositions[at].rank : RANK_QUEUE;
    return true;
}

/* "+4930…", or {"number" | "e164" | "raw", "display", "withheld"}. */
static struct str party(const struct format_in *in, const json_t *v, struct call_line *out,
                        bool caller) {
    if (!json_is_object(v))
        return text_of(in, v);
    struct str number = member(in, v, "e164");
    if (!number.n)
        number = member(in, v, "number");
    if (!number.n)
        number = member(in, v, "raw");
    if (caller) {
        out->display = member(in, v, "display");
        out->withheld = jget_bool(v, "withheld", false);
    }
    return number;
}

static enum call_direction direction_of(struct str s) {
    static const char *const words[] = {[DIRECTION_INBOUND] = "inbound",
                                        [DIRECTION_OUTBOUND] = "outbound",
                                        [DIRECTION_INTERNAL] = "internal"};
    for (size_t i = DIRECTION_INBOUND; i < COUNT(words); i++)
        if (is_word(s, words[i]))
            return (enum call_direction)i;
    return DIRECTION_UNKNOWN;
}

static int small(const json_t *o, const char *key, int max) {
    const json_t *v = json_object_get(o, key);
    int64_t n = json_is_string(v) ? strtoll(json_string_value(v), NULL, 10) : json_integer_value(v);
    return n > 0 && n <= max ? (int)n : 0;
}

static void read_times(const struct format_in *in, const json_t *o, struct call_line *out) {
    out->start_ms = moment(in, json_object_get(o, "start"));
    out->answer_ms = moment(in, json_object_get(o, "answer"));
    out->end_ms = moment(in, json_object_get(o, "end"));
    double lasted = json_number_value(json_object_get(o, "duration")),
           talked = json_number_value(json_object_get(o, "talk"));
    if (out->end_ms < 0 && out->start_ms >= 0 && lasted > 0 && lasted < 1e7)
        out->end_ms = out->start_ms + llround(lasted * 1000);
    if (out->answer_ms < 0 && out->end_ms >= 0 && talked > 0 && talked < 1e7)
        out->answer_ms = out->end_ms - llround(talked * 1000);
    out->at_ms = out->end_ms;
}

static bool read_record(const struct format_in *in, const json_t *o, struct call_line *out,
                        const char **out_why) {
    *out = CALL_LINE_INIT(LINE_RECORD);
    out->call_id = member(in, o, "call_id");
    if (!out->call_id.n || out->call_id.n > 512) {
        *out_why = "a call record without call_id";
        return false;
    }
    read_times(in, o, out);
    if (out->start_ms < 0) {
        *out_why = "a call record without a time in start";
        return false;
    }
    out->leg = member(in, o, "leg");
    out->caller = party(in, json_object_get(o, "caller"), out, true);
    out->callee = party(in, json_object_get(o, "callee"), out, false);
    out->withheld |= jget_bool(o, "withheld", false);
    out->direction = direction_of(member(in, o, "direction"));
    out->code = small(o, "sip_code", 699);
    out->q850 = small(o, "q850", 127);
    out->queue = member(in, o, "queue");
    out->agent = member(in, o, "agent");
    out->recording = member(in, o, "recording");
    out->transfer = jget_bool(o, "transfer", false);
    return judge(member(in, o, "disposition"), out, out_why);
}

static bool parse(struct str text, json_t **out, const char **out_why) {
    struct fault f;
    if (jread_parse(text, DOCUMENT_MAX, out, &f))
        return true;
    *out_why = "JSON that cannot be read";
    return false;
}

static enum format_verdict read_line(const struct format_in *in, struct str line,
                                     struct call_line *out, const char **out_why) {
    cleanup(json_freep) json_t *o = NULL;
    if (!str_trim(line).n)
        return FORMAT_NOTHING;
    if (!parse(line, &o, out_why))
        return FORMAT_BAD;
    if (!json_is_object(o)) {
        *out_why = "a call record is a JSON object";
        return FORMAT_BAD;
    }
    return read_record(in, o, out, out_why) ? FORMAT_LINE : FORMAT_BAD;
}

/* One of a document's records, with its own bytes. */
static void read_one(const struct format_in *in, const json_t *o, struct str raw,
                     const struct format_sink *sink) {
    struct call_line said;
    const char *why = "a call record is a JSON object";
    if (json_is_object(o) && read_record(in, o, &said, &why))
        sink->line(sink->ctx, &said, raw);
    else
        sink->bad(sink->ctx, raw, why);
}

static enum format_verdict read_array(const struct format_in *in, const json_t *all,
                                      const struct format_sink *sink, const char **out_why) {
    const json_t *one;
    size_t i;
    if (json_array_size(all) > RECORDS_MAX) {
        *out_why = "more than 10,000 call records at once";
        return FORMAT_BAD;
    }
    json_array_foreach(all, i, one) {
        cleanup(buf_clear) struct buf raw;
        buf_init(&raw, DOCUMENT_MAX);
        if (!jread_dump(&raw, one))
            continue; /* cannot be: it is a part of what fits */
        read_one(in, one, buf_str(&raw), sink);
    }
    return FORMAT_LINE;
}

static enum format_verdict read_lines(const struct format_in *in, struct str text,
                                      const struct format_sink *sink, const char **out_why) {
    struct str rest = text;
    size_t n = 0;
    while (rest.p) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        cleanup(json_freep) json_t *o = NULL;
        const char *why;
        if (!line.n)
            continue;
        if (++n > RECORDS_MAX) {
            *out_why = "more than 10,000 call records at once";
            return FORMAT_BAD;
        }
        if (parse(line, &o, &why))
            read_one(in, o, line, sink);
        else
            sink->bad(sink->ctx, line, why);
    }
    return n ? FORMAT_LINE : FORMAT_NOTHING;
}

static enum format_verdict read_document(const struct format_in *in, struct str bytes,
                                         const struct format_sink *sink, const char **out_why) {
    cleanup(json_freep) json_t *root = NULL;
    if (!parse(bytes, &root, out_why)) {
        struct str rest = str_trim(bytes);
        struct str first = str_cut(&rest, '\n');
        const char *why;
        if (!rest.p || !parse(first, &root, &why)) /* not one a line either */
            return FORMAT_BAD;
        return read_lines(in, bytes, sink, out_why);
    }
    if (json_is_array(root))
        return read_array(in, root, sink, out_why);
    read_one(in, root, bytes, sink);
    return FORMAT_LINE;
}

const struct format format_json = {.name = "json", .read = read_line, .document = read_document};
