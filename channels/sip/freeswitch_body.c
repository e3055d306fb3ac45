/* sip/freeswitch_body.c - mod_json_cdr and mod_xml_cdr: a document as it is posted, or as it lies
 * in the folder of those that could not be.
 *
 *   JSON or XML as it is          application/json, text/xml, a file
 *   cdr= and the document         application/x-www-form-plaintext: nothing is escaped
 *   cdr= and it percent-coded     application/x-www-form-urlencoded
 *   cdr= and it in base64         application/x-www-form-base64-encoded
 *
 * Which one it is the first bytes say, whatever the header claims. Inside, values are percent-coded
 * once more where the switch is set so (its preset): the colons of a time stamp tell.
 */
#include <jansson.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

#include "freeswitch.h"

enum { DOCUMENT_MAX = 4 << 20 };

/* ---- the envelope ---- */

static int hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX to bytes in place of a copy; what is no escape stays as it is. plus: '+' is a space. */
static struct str unescaped(struct arena *a, struct str s, bool plus) {
    if (str_find(s, '%') < 0 && (!plus || str_find(s, '+') < 0))
        return s;
    char *out = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex(s.p[i + 2]) : -1;
        if (low >= 0 && high + low > 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return str_make(out, n);
}

static bool is_document(struct str s) {
    return s.n && (s.p[0] == '{' || s.p[0] == '<');
}

static struct str from_base64(struct arena *a, struct str s) {
    cleanup(buf_clear) struct buf plain, out;
    buf_init(&plain, DOCUMENT_MAX);
    buf_init(&out, DOCUMENT_MAX);
    s = unescaped(a, s, false); /* '+' and '=' may have been escaped on the way */
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r' && s.p[i] != '\n' && !buf_add_byte(&plain, s.p[i]))
            return STR_NONE;
    if (!base64_decode(&out, buf_str(&plain), true))
        return STR_NONE;
    return str_trim(arena_str(a, buf_str(&out)));
}

static struct str without_mark(struct str s) {
    static const struct str mark = STR("\xef\xbb\xbf");
    return str_trim(str_starts(s, mark) ? str_from(s, mark.n) : s);
}

/* The JSON or XML in it; absent: none. */
static struct str opened(struct arena *a, struct str body) {
    struct str s = without_mark(str_trim(body));
    if (is_document(s))
        return s;
    /* Other fields may stand before it: "uuid=…&cdr=…". */
    for (struct str rest = s; rest.n;) {
        struct str value = rest, name = str_cut(&value, '=');
        if (str_is(name, "cdr")) {
            value = without_mark(str_trim(value));
            if (is_document(value))
                return value;
            struct str one = value;
            one = str_cut(&one, '&');
            struct str plain = without_mark(unescaped(a, one, true));
            return is_document(plain) ? plain : from_base64(a, one);
        }
        (void)str_cut(&rest, '&');
    }
    return STR_NONE;
}

/* ---- the leg ---- */

static struct str text_of(struct arena *a, const json_t *v) {
    if (json_is_string(v))
        return str_make(json_string_value(v), json_string_length(v));
    if (json_is_integer(v))
        return arena_strf(a, "%lld", (long long)json_integer_value(v));
    if (json_is_boolean(v))
        return str_c(json_is_true(v) ? "true" : "false");
    return STR_NONE;
}

static void from_json(struct arena *a, const json_t *root, struct fs_leg *out) {
    const json_t *variables = json_object_get(root, "variables"),
                 *flow = json_object_get(root, "callflow");
    for (size_t i = 0; i < FS_NAMES; i++)
        out->v[i] = text_of(a, json_object_get(variables, freeswitch_names[i]));
    /* The newest profile comes first: the last is what was dialled. */
    const json_t *first = json_is_array(flow) && json_array_size(flow)
                              ? json_array_get(flow, json_array_size(flow) - 1)
                              : flow;
    const json_t *profile = json_object_get(first, "caller_profile");
    out->first_destination = text_of(a, json_object_get(profile, "destination_number"));
    out->first_caller = text_of(a, json_object_get(profile, "caller_id_number"));
    out->first_name = text_of(a, json_object_get(profile, "caller_id_name"));
    out->created = text_of(a, json_object_get(json_object_get(first, "times"), "created_time"));
}

static bool is_coded(const struct fs_leg *leg) {
    static const enum fs_name stamps[] = {FS_START_STAMP, FS_END_STAMP, FS_ANSWER_STAMP};
    for (size_t i = 0; i < COUNT(stamps); i++)
        if (leg->v[stamps[i]].n)
            return str_find(leg->v[stamps[i]], '%') >= 0;
    return true; /* the switch's preset */
}

static void mend(struct arena *a, struct str *s) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 64 * 1024);
    if (utf8_valid(*s))
        return;
    *s = utf8_mend(&b, *s) ? arena_str(a, buf_str(&b)) : STR_NONE;
}

static void decode(struct arena *a, struct fs_leg *leg) {
    bool coded = is_coded(leg);
    struct str *const profile[] = {&leg->first_caller, &leg->first_name, &leg->first_destination};
    for (size_t i = 0; i < FS_NAMES; i++) {
        if (coded)
            leg->v[i] = unescaped(a, leg->v[i], false);
        mend(a, &leg->v[i]);
    }
    for (size_t i = 0; i < COUNT(profile); i++) {
        if (coded)
            *profile[i] = unescaped(a, *profile[i], false);
        mend(a, profile[i]);
    }
}

static bool read_leg(struct arena *a, struct str text, struct fs_leg *leg, json_t **out_root,
                     const char **out_why) {
    if (text.p[0] == '<')
        return freeswitch_xml(a, text, leg, out_why);
    cleanup(buf_clear) struct buf plain;
    buf_init(&plain, DOCUMENT_MAX);
    json_error_t error;
    if (!utf8_valid(text)) {
        if (!utf8_mend(&plain, text)) {
            *out_why = "a record above 4 MiB";
            return false;
        }
        text = buf_str(&plain);
    }
    *out_root = json_loadb(text.p, text.n, 0, &error);
    if (!json_is_object(*out_root)) {
        *out_why = "JSON that cannot be read";
        return false;
    }
    from_json(a, *out_root, leg);
    return true;
}

static enum format_verdict read_document(const struct format_in *in, struct str bytes,
                                         const struct format_sink *sink, const char **out_why) {
    cleanup(json_freep) json_t *root = NULL;
    struct fs_leg leg = {0};
    struct call_line said;
    if (bytes.n > DOCUMENT_MAX) {
        *out_why = "a record above 4 MiB";
        return FORMAT_BAD;
    }
    struct str text = opened(in->arena, bytes);
    if (!text.n) {
        *out_why = "neither JSON nor XML, nor a field cdr with one";
        return FORMAT_BAD;
    }
    if (!read_leg(in->arena, text, &leg, &root, out_why))
        return FORMAT_BAD;
    decode(in->arena, &leg);
    if (!freeswitch_say(in, &leg, &said, out_why))
        return FORMAT_BAD;
    sink->line(sink->ctx, &said, bytes);
    return FORMAT_LINE;
}

const struct format format_freeswitch = {.name = "freeswitch", .document = read_document};
