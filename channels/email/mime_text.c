/* mime_text.c - valid UTF-8, on one line, safe as names. */
#include "mime_text.h"

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "charset.h"
#include "encoded_word.h"
#include "header.h"

enum { NAME_MAX_BYTES = 200, EXTENSION_MAX_BYTES = 16 };

struct str mime_header_text(struct arena *a, struct str value, const char *charset) {
    struct str flat = charset_field_to_utf8(a, header_unfold(a, value), charset);
    cleanup(buf_clear) struct buf line;
    flat = encoded_words(a, flat);
    buf_init(&line, 3 * flat.n + 16);
    if (!utf8_one_line(&line, flat))
        return STR_NONE;
    return arena_str(a, str_trim(buf_str(&line)));
}

/* Cut to length, but not at the cost of its extension. */
static struct str name_shorten(struct arena *a, struct str name) {
    const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;
    struct str extension = dot ? str_from(name, (size_t)(dot - name.p)) : STR_NONE;
    if (name.n <= NAME_MAX_BYTES || extension.n > EXTENSION_MAX_BYTES)
        return utf8_upto(name, NAME_MAX_BYTES);
    struct str stem = utf8_upto(name, NAME_MAX_BYTES - extension.n);
    return arena_strf(a, "%.*s%.*s", STR_ARG(stem), STR_ARG(extension));
}

struct str mime_file_name(struct arena *a, struct str name) {
    cleanup(buf_clear) struct buf line;
    buf_init(&line, 3 * HEADER_VALUE_MAX);
    name = str_trim(name);
    for (size_t i = name.n; i-- > 0;)
        if ((name.p[i] == '/' || name.p[i] == '\\') && i + 1 < name.n) {
            name = str_from(name, i + 1);
            break;
        }
    if (!utf8_one_line(&line, name))
        return STR_NONE;
    name = str_trim(name_shorten(a, buf_str(&line)));
    while (name.n && (name.p[0] == '.' || name.p[0] == '/' || name.p[0] == '\\'))
        name = str_from(name, 1); /* no hidden file, no ".." */
    while (name.n && (name.p[name.n - 1] == '/' || name.p[name.n - 1] == '\\'))
        name.n--;
    return arena_str(a, name);
}

/* Some gateways write CR CR LF for one line end. */
struct str mime_unix_lines(struct arena *a, struct str s) {
    char *p = arena_new(a, s.n + 1);
    size_t n = 0, run = 0; /* of CR, written as LF already */
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n')
            n -= run;
        run = s.p[i] == '\r' ? run + 1 : 0;
        p[n++] = s.p[i] == '\r' ? '\n' : s.p[i];
    }
    return str_make(p, n);
}

struct str mime_extension(struct str type) {
    static const struct {
        const char *type;
        struct str extension;
    } known[] = {{"image/png", STR(".png")},
                 {"image/jpeg", STR(".jpg")},
                 {"image/jpg", STR(".jpg")},
                 {"image/gif", STR(".gif")},
                 {"image/webp", STR(".webp")},
                 {"image/svg+xml", STR(".svg")},
                 {"image/tiff", STR(".tif")},
                 {"image/bmp", STR(".bmp")},
                 {"application/pdf", STR(".pdf")},
                 {"application/rtf", STR(".rtf")},
                 {"text/rtf", STR(".rtf")},
                 {"application/msword", STR(".doc")},
                 {"application/vnd.ms-excel", STR(".xls")},
                 {"text/plain", STR(".txt")},
                 {"text/html", STR(".html")},
                 {"text/csv", STR(".csv")},
                 {"text/xml", STR(".xml")},
                 {"application/xml", STR(".xml")},
                 {"text/calendar", STR(".ics")},
                 {"application/ics", STR(".ics")},
                 {"message/rfc822", STR(".eml")},
                 {"message/global", STR(".eml")},
                 {"application/zip", STR(".zip")},
                 {"audio/mpeg", STR(".mp3")},
                 {"audio/wav", STR(".wav")},
                 {"audio/x-wav", STR(".wav")},
                 {"audio/amr", STR(".amr")},
                 {"video/mp4", STR(".mp4")},
                 {"application/json", STR(".json")},
                 {"text/vcard", STR(".vcf")},
                 {"text/x-vcard", STR(".vcf")},
                 {"application/pkcs7-mime", STR(".p7m")},
                 {"application/x-pkcs7-mime", STR(".p7m")},
                 {"application/pkcs7-signature", STR(".p7s")},
                 {"application/x-pkcs7-signature", STR(".p7s")},
                 {"application/pgp-signature", STR(".asc")},
                 {"application/pgp-encrypted", STR(".asc")},
                 {"application/ms-tnef", STR(".dat")}};
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is(type, known[i].type))
            return known[i].extension;
    return (struct str)STR(".bin");
}
