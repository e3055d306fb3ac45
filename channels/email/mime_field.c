/* mime_field.c - one scan finds the parameters; their values are decoded when they are asked for.
 */
#include "mime_field.h"

#include <ctype.h>
#include <limits.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/utf8.h>

#include "charset.h"
#include "encoded_word.h"
#include "header.h"

enum { SECTION_DIGITS_MAX = 4, CHARSET_MAX = 60, COMMENT_MAX = 1000 };

/* ---- taking apart ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static size_t blanks(struct str s) {
    size_t n = 0;
    while (n < s.n && is_blank(s.p[n]))
        n++;
    return n;
}

/* Length of a comment that begins here, nested ones included; 0: none, or it does not end. */
static size_t comment(struct str s) {
    size_t depth = 0;
    for (size_t i = 0; i < s.n && i < COMMENT_MAX; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        else if (s.p[i] == '(')
            depth++;
        else if (s.p[i] == ')' && --depth == 0)
            return i + 1;
        if (!depth)
            return 0;
    }
    return 0;
}

static struct str pass_over(struct str s, const char *separators) {
    while (s.n) {
        size_t n = s.p[0] == '(' ? comment(s) : 0;
        if (!n && s.p[0] && strchr(separators, s.p[0]))
            n = 1;
        if (!n)
            break;
        s = str_from(s, n);
    }
    return s;
}

static bool is_token(char c) {
    return (unsigned char)c > 32 && c != 127 && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* Behind white space: the next parameter, whose semicolon is missing. */
static bool is_param(struct str s) {
    size_t n = 0;
    while (n < s.n && is_token(s.p[n]))
        n++;
    return n && isalpha((unsigned char)s.p[0]) && n < s.n && s.p[n] == '=';
}

/* What stands here ends a value: nothing, a separator, a comment up to one, or another parameter.
 */
static bool value_ends(struct str s) {
    struct str after = pass_over(s, " \t");
    if (!after.n || after.p[0] == ';' || after.p[0] == ',')
        return true;
    return after.n < s.n && is_param(after);
}

static bool is_escape(struct str s, size_t i) {
    return s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\');
}

/* Behind the quote. Quotes that stand inside unescaped are passed over; a quote that never ends,
 * ends at the next semicolon. \" and \\ are what they say, any other backslash is part of a path.
 */
static struct str quoted(struct arena *a, struct str *rest) {
    struct str s = *rest;
    size_t n = 0, end = 0;
    for (; end < s.n; end++) {
        if (s.p[end] == '"' && value_ends(str_from(s, end + 1)))
            break;
        end += is_escape(s, end);
    }
    if (end >= s.n) {
        struct str value = str_cut(rest, ';');
        ptrdiff_t quote = str_find(value, '"');
        return str_trim(quote < 0 ? value : str_upto(value, (size_t)quote));
    }
    char *p = arena_new(a, end + 1);
    for (size_t i = 0; i < end; i++) {
        i += is_escape(s, i);
        p[n++] = s.p[i];
    }
    *rest = str_from(s, end + 1);
    return str_make(p, n);
}

/* Without quotes: up to a semicolon, or white space in front of the next parameter or a comment. */
static struct str unquoted(struct str *rest) {
    struct str s = *rest;
    size_t i = 0;
    for (; i < s.n && s.p[i] != ';'; i++)
        if (is_blank(s.p[i]) && (i == 0 || !is_blank(s.p[i - 1])) && value_ends(str_from(s, i)))
            break;
    *rest = str_from(s, i);
    return str_trim(str_upto(s, i));
}

/* "filename*2*" into its name, section and star. */
static void name_split(struct mime_param *p) {
    p->section = -1;
    if (p->name.n > 1 && p->name.p[p->name.n - 1] == '*') {
        p->extended = true;
        p->name.n--;
    }
    ptrdiff_t star = str_find(p->name, '*');
    struct str digits = star < 0 ? STR_NONE : str_from(p->name, (size_t)star + 1);
    if (!digits.n || digits.n > SECTION_DIGITS_MAX)
        return;
    int section = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (!isdigit((unsigned char)digits.p[i]))
            return;
        section = section * 10 + digits.p[i] - '0';
    }
    p->section = section;
    p->name.n = (size_t)star;
}

/* The word in front; absent where a parameter stands there. */
static struct str word_take(struct arena *a, struct str *rest) {
    struct str s = pass_over(*rest, " \t");
    size_t n = 0;
    while (n < s.n && !is_blank(s.p[n]) && !strchr(";,(=", s.p[n]))
        n++;
    *rest = s;
    if (n < s.n && s.p[n] == '=')
        return STR_NONE;
    *rest = str_from(s, n);
    struct str word = str_upto(s, n);
    while (word.n && (word.p[0] == '"' || word.p[0] == '\''))
        word = str_from(word, 1);
    while (word.n && (word.p[word.n - 1] == '"' || word.p[word.n - 1] == '\''))
        word.n--;
    word = arena_str(a, word);
    for (size_t i = 0; i < word.n; i++)
        ((char *)(uintptr_t)word.p)[i] = (char)tolower((unsigned char)word.p[i]);
    return word;
}

/* One parameter from *rest; false: what stood there was none, and was passed over. */
static bool param_take(struct arena *a, struct str *rest, struct mime_param *out) {
    size_t n = 0;
    *out = (struct mime_param){0};
    while (n < rest->n && !is_blank(rest->p[n]) && !strchr(";,=", rest->p[n]))
        n++;
    out->name = str_upto(*rest, n);
    *rest = str_from(*rest, n);
    struct str after = str_from(*rest, blanks(*rest));
    if (!after.n || after.p[0] != '=') {
        *rest = after;
        return false;
    }
    after = str_from(after, 1);
    *rest = str_from(after, blanks(after));
    name_split(out);
    if (rest->n && rest->p[0] == '"') {
        *rest = str_from(*rest, 1);
        out->value = quoted(a, rest);
    } else {
        out->value = unquoted(rest);
    }
    return out->name.n > 0;
}

void mime_field_read(struct arena *a, struct str value, struct mime_field *out) {
    struct mime_param params[MIME_PARAMS_MAX];
    struct str rest = header_unfold(a, value);
    *out = (struct mime_field){.word = word_take(a, &rest)};
    for (size_t i = 0; i < MIME_PARAMS_MAX; i++) {
        rest = pass_over(rest, " \t;,");
        if (!rest.n)
            break;
        if (param_take(a, &rest, &params[out->n]))
            out->n++;
    }
    out->params = arena_new(a, (out->n + 1) * sizeof *params);
    memcpy(out->params, params, out->n * sizeof *params);
}

/* ---- values ---- */

static int hex_digit(char c) {
    c = (char)tolower((unsigned char)c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The %XX of an extended value; a lone % stays. */
static void add_percent(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0) {
            c = (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]));
            i += 2;
        }
        (void)!buf_add_byte(out, c); /* room for the whole value was made */
    }
}

/* charset'language' in front of an extended value; some write one quote only, or none. */
static struct str charset_cut(struct arena *a, struct str *value) {
    ptrdiff_t first = str_find(*value, '\'');
    if (first < 0 || first > CHARSET_MAX)
        return STR_NONE;
    struct str charset = str_upto(*value, (size_t)first);
    struct str rest = str_from(*value, (size_t)first + 1);
    ptrdiff_t second = str_find(rest, '\'');
    for (size_t i = 0; i < charset.n; i++)
        if (!isalnum((unsigned char)charset.p[i]) && !strchr("-_:.+", charset.p[i]))
            return STR_NONE; /* the quote is part of the value */
    if (second < 0 && !charset_known(arena_str(a, charset).p))
        return STR_NONE;
    *value = second >= 0 && second <= CHARSET_MAX ? str_from(rest, (size_t)second + 1) : rest;
    return charset;
}

static const struct mime_param *section_of(const struct mime_field *f, const char *name,
                                           int section, bool extended_only) {
    for (size_t i = 0; i < f->n; i++) {
        const struct mime_param *p = &f->params[i];
        if (p->section == section && (p->extended || !extended_only) &&
            str_is_nocase(p->name, name))
            return p;
    }
    return NULL;
}

/* The section next above `after`, whichever that is: a lost one does not cost those behind it. */
static const struct mime_param *section_next(const struct mime_field *f, const char *name,
                                             int after) {
    const struct mime_param *next = NULL;
    for (size_t i = 0; i < f->n; i++) {
        const struct mime_param *p = &f->params[i];
        if (p->section > after && (!next || p->section < next->section) &&
            str_is_nocase(p->name, name))
            next = p;
    }
    return next;
}

/* said: the charset that the value names itself. */
static struct str finish(struct arena *a, struct str bytes, struct str said, const char *around) {
    cleanup(buf_clear) struct buf line;
    bool known;
    struct str text = said.n ? charset_to_utf8(a, bytes, arena_str(a, said).p, &known)
                             : encoded_words(a, charset_field_to_utf8(a, bytes, around));
    buf_init(&line, 3 * text.n + 16);
    if (!utf8_one_line(&line, text))
        return STR_NONE;
    return arena_str(a, str_trim(buf_str(&line)));
}

/* The value in one piece, or in sections put together. */
static struct str joined(struct arena *a, const struct mime_field *f, const char *name,
                         const struct mime_param *first, const char *around) {
    cleanup(buf_clear) struct buf bytes;
    struct str said = STR_NONE;
    buf_init(&bytes, 2 * HEADER_VALUE_MAX);
    for (const struct mime_param *p = first; p; p = section_next(f, name, p->section)) {
        struct str value = p->value;
        if (p == first && p->extended)
            said = charset_cut(a, &value);
        if (p->extended)
            add_percent(&bytes, value);
        else
            (void)!buf_add(&bytes, value);
        if (p->section < 0)
            break;
    }
    return finish(a, buf_str(&bytes), said, around);
}

struct str mime_field_param(struct arena *a, const struct mime_field *f, const char *name,
                            const char *charset) {
    const struct mime_param *p = section_of(f, name, -1, true);
    if (!p)
        p = section_next(f, name, -1);
    if (!p)
        p = section_of(f, name, -1, false);
    return p ? joined(a, f, name, p, charset) : STR_NONE;
}

struct str mime_field_token(struct arena *a, const struct mime_field *f, const char *name) {
    const struct mime_param *p = section_of(f, name, -1, false);
    return p && !p->extended ? p->value : mime_field_param(a, f, name, NULL);
}
