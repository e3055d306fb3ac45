/* mime_text.c - GMime's strings as ours: valid UTF-8, on one line, safe as names. */
#include "mime_text.h"

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "charset.h"
#include "encoded_word.h"
#include "mime.h"

enum { NAME_MAX_BYTES = 200 };

void mime_begin(void) {
    static bool begun;
    if (!begun)
        g_mime_init();
    begun = true;
}

/* Loose wherever mail is written loosely. */
GMimeParserOptions *mime_options(void) {
    static const char *charsets[] = {"utf-8", "windows-1252", NULL};
    GMimeParserOptions *o = g_mime_parser_options_new();
    g_mime_parser_options_set_rfc2047_compliance_mode(o, GMIME_RFC_COMPLIANCE_LOOSE);
    g_mime_parser_options_set_parameter_compliance_mode(o, GMIME_RFC_COMPLIANCE_LOOSE);
    g_mime_parser_options_set_fallback_charsets(o, charsets);
    return o;
}

/* A string of GMime's as ours: valid and on one line. */
struct str mime_take_line(struct arena *a, char *take_s) {
    cleanup(buf_clear) struct buf mended, line;
    size_t n = take_s ? strlen(take_s) : 0;
    buf_init(&mended, 3 * n + 16);
    buf_init(&line, 3 * n + 16);
    if (!utf8_mend(&mended, str_c(take_s ? take_s : "")) || !utf8_one_line(&line, buf_str(&mended)))
        buf_reset(&line);
    g_free(take_s);
    return arena_str(a, str_trim(buf_str(&line)));
}

struct str mime_header_text(struct arena *a, struct str value) {
    bool known;
    struct str flat = charset_to_utf8(a, header_unfold(a, value), NULL, &known);
    cleanup(buf_clear) struct buf line;
    flat = encoded_words(a, flat);
    buf_init(&line, 3 * flat.n + 16);
    if (!utf8_one_line(&line, flat))
        return STR_NONE;
    return arena_str(a, str_trim(buf_str(&line)));
}

struct str mime_file_name(struct arena *a, struct str name) {
    cleanup(buf_clear) struct buf line;
    buf_init(&line, 3 * HEADER_VALUE_MAX);
    for (size_t i = name.n; i-- > 0;)
        if (name.p[i] == '/' || name.p[i] == '\\') {
            name = str_from(name, i + 1);
            break;
        }
    if (!utf8_one_line(&line, name))
        return STR_NONE;
    name = str_trim(utf8_upto(buf_str(&line), NAME_MAX_BYTES));
    while (name.n && name.p[0] == '.') /* no hidden file, no ".." */
        name = str_from(name, 1);
    return arena_str(a, name);
}

/* CRLF and lone CR become LF. */
struct str mime_unix_lines(struct arena *a, struct str s) {
    char *p = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
            continue;
        p[n++] = s.p[i] == '\r' ? '\n' : s.p[i];
    }
    return str_make(p, n);
}

struct str mime_extension(struct str type) {
    static const struct {
        const char *type;
        struct str extension;
    } known[] = {{"image/png", STR(".png")},         {"image/jpeg", STR(".jpg")},
                 {"image/gif", STR(".gif")},         {"application/pdf", STR(".pdf")},
                 {"text/plain", STR(".txt")},        {"text/html", STR(".html")},
                 {"text/csv", STR(".csv")},          {"text/calendar", STR(".ics")},
                 {"message/rfc822", STR(".eml")},    {"application/zip", STR(".zip")},
                 {"audio/mpeg", STR(".mp3")},        {"audio/amr", STR(".amr")},
                 {"application/json", STR(".json")}, {"text/vcard", STR(".vcf")}};
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is(type, known[i].type))
            return known[i].extension;
    return (struct str)STR(".bin");
}
