/* mime_decode.c - decoders that take whatever comes. */
#include "mime_decode.h"

#include <ctype.h>

#include <touchline/kit/own.h>

#include "header.h"

enum mime_coding mime_coding_of(struct str value) {
    static const struct {
        const char *word;
        enum mime_coding coding;
    } known[] = {{"", MIME_CODING_NONE},
                 {"7bit", MIME_CODING_NONE},
                 {"8bit", MIME_CODING_NONE},
                 {"7bits", MIME_CODING_NONE},
                 {"8bits", MIME_CODING_NONE},
                 {"binary", MIME_CODING_NONE},
                 {"none", MIME_CODING_NONE},
                 {"plain", MIME_CODING_NONE},
                 {"base64", MIME_CODING_BASE64},
                 {"xbase64", MIME_CODING_BASE64},
                 {"quotedprintable", MIME_CODING_QUOTED},
                 {"qp", MIME_CODING_QUOTED},
                 {"uuencode", MIME_CODING_UU},
                 {"xuuencode", MIME_CODING_UU},
                 {"xuue", MIME_CODING_UU},
                 {"uue", MIME_CODING_UU}};
    char word[32] = "";
    size_t n = 0, depth = 0;
    for (size_t i = 0; i < value.n && n + 1 < sizeof word; i++) {
        char c = value.p[i];
        if (c == '(' || c == ')')
            depth += c == '(' ? 1 : depth ? (size_t)-1 : 0;
        else if ((c == ';' || c == ',') && !depth)
            break;
        else if (!depth && isalnum((unsigned char)c))
            word[n++] = (char)tolower((unsigned char)c);
    }
    for (size_t i = 0; i < COUNT(known); i++)
        if (!strcmp(word, known[i].word))
            return known[i].coding;
    return MIME_CODING_UNKNOWN;
}

static int base64_digit(unsigned char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What a mailing list appended behind the end, or a broken delimiter: a line that could not be
 * base64. */
static bool is_foreign(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != '=' && base64_digit((unsigned char)line.p[i]) < 0)
            return true;
    return false;
}

void mime_decode_base64(struct buf *out, struct str s) {
    char *to = buf_reserve(out, s.n / 4 * 3 + 4);
    size_t n = 0;
    unsigned bits = 0, have = 0;
    bool padded = false;
    while (to && s.n) {
        struct str line = header_line(&s);
        if (padded && is_foreign(str_trim(line)))
            continue;
        for (size_t i = 0; i < line.n; i++) {
            int digit = base64_digit((unsigned char)line.p[i]);
            if (line.p[i] == '=') {
                padded = true;
                have = 0; /* another text may follow */
            }
            if (digit < 0)
                continue;
            bits = (bits << 6 | (unsigned)digit) & 0xFFFF;
            have += 6;
            if (have >= 8) {
                have -= 8;
                to[n++] = (char)(bits >> have & 0xFF);
            }
        }
    }
    if (to)
        buf_commit(out, n);
}

static int hex_digit(char c) {
    c = (char)tolower((unsigned char)c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Spaces at the end of a line were added on the way. */
static struct str without_blanks(struct str line) {
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    return line;
}

static void decode_quoted(struct buf *out, struct str s) {
    char *to = buf_reserve(out, s.n + 1);
    size_t n = 0;
    while (to && s.n) {
        struct str before = s, line = header_line(&s);
        struct str end = str_make(line.p + line.n, before.n - s.n - line.n);
        line = without_blanks(line);
        bool soft = line.n && line.p[line.n - 1] == '=';
        line.n -= soft;
        for (size_t i = 0; i < line.n; i++) {
            bool coded = line.p[i] == '=' && i + 2 < line.n && hex_digit(line.p[i + 1]) >= 0 &&
                         hex_digit(line.p[i + 2]) >= 0;
            to[n++] = coded ? (char)(hex_digit(line.p[i + 1]) * 16 + hex_digit(line.p[i + 2]))
                            : line.p[i];
            i += coded ? 2 : 0;
        }
        for (size_t i = 0; i < end.n && !soft; i++)
            to[n++] = end.p[i];
    }
    if (to)
        buf_commit(out, n);
}

static void uu_line(struct buf *out, struct str line) {
    size_t left = line.n ? (size_t)(line.p[0] - 32) & 63 : 0;
    for (size_t i = 1; left && i < line.n; i += 4) {
        unsigned bits = 0;
        for (size_t k = 0; k < 4; k++)
            bits = bits << 6 | (i + k < line.n ? (unsigned)(line.p[i + k] - 32) & 63 : 0);
        for (int shift = 16; left && shift >= 0; shift -= 8, left--)
            (void)!buf_add_byte(out, (char)(bits >> shift & 0xFF));
    }
}

/* Some leave its first line out: then all are content. */
static void decode_uu(struct buf *out, struct str s) {
    bool begun = !str_starts(s, str_c("begin ")) && !memmem(s.p, s.n, "\nbegin ", 7);
    while (s.n) {
        struct str line = header_line(&s);
        if (!begun)
            begun = str_starts(line, str_c("begin "));
        else if (str_is(line, "end"))
            return;
        else
            uu_line(out, line);
    }
}

void mime_decode(struct buf *out, struct str s, enum mime_coding coding) {
    switch (coding) {
    case MIME_CODING_BASE64:
        mime_decode_base64(out, s);
        break;
    case MIME_CODING_QUOTED:
        decode_quoted(out, s);
        break;
    case MIME_CODING_UU:
        decode_uu(out, s);
        break;
    case MIME_CODING_NONE:
    case MIME_CODING_UNKNOWN:
        (void)!buf_add(out, s);
        break;
    }
}
