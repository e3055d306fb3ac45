/* ingest/subject.c - see subject.h. A mark is a word of the table, perhaps a number behind it, and
 * a colon; before it may stand "[list]". An unknown language's mark stays part of the subject,
 * which costs a guess and nothing else.
 */
#include "ingest/subject.h"

#include <ctype.h>

#include <touchline/kit/own.h>

enum { DEPTH_MAX = 1000 };

static const struct {
    const char *word; /* small letters; others than ASCII as they are written */
    bool forward;
} marks[] = {
    {"re", false},    {"aw", false},    {"antw", false},      {"antwort", false},
    {"sv", false},    {"vs", false},    {"ynt", false},       {"odp", false},
    {"rif", false},   {"r", false},     {"res", false},       {"ref", false},
    {"réf", false},   {"vá", false},    {"Vá", false},        {"atb", false},
    {"odg", false},   {"rép", false},   {"svar", false},      {"bls", false},
    {"на", false},    {"отв", false},   {"Отв", false},       {"ответ", false},
    {"Ответ", false}, {"回复", false},  {"答复", false},      {"回覆", false},
    {"返信", false},  {"답장", false},  {"回信", false},      {"YNT", false},
    {"σχετ", false},  {"ΑΠ", false},    {"απ", false},        {"השב", false},
    {"تجيب", false},  {"رد", false},    {"trả lời", false},   {"ke", false},
    {"fw", true},     {"fwd", true},    {"wg", true},         {"tr", true},
    {"rv", true},     {"enc", true},    {"vb", true},         {"vl", true},
    {"pd", true},     {"doorst", true}, {"i", true},          {"ilt", true},
    {"i̇lt", true},    {"İlt", true},    {"továbbítás", true}, {"转发", true},
    {"轉寄", true},   {"転送", true},   {"전달", true},       {"пересл", true},
    {"Пересл", true}, {"fs", true},     {"vidarebef", true},
};

/* One space for any white space, ASCII letters small. */
static struct str folded(struct str s, char out[SUBJECT_BASE_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < SUBJECT_BASE_MAX; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool space = c <= ' ';
        if (space && (!n || out[n - 1] == ' '))
            continue;
        out[n++] = space ? ' ' : (char)(c < 128 ? tolower(c) : c);
    }
    while (n && (out[n - 1] == ' ' || (n == SUBJECT_BASE_MAX && (out[n - 1] & 0x80))))
        n--;
    return str_make(out, n);
}

static struct str skip_space(struct str s) {
    while (s.n && s.p[0] == ' ')
        s = str_from(s, 1);
    return s;
}

/* Bytes of a colon, also the wide one, with a blank before it; 0: none. */
static size_t colon_at(struct str s) {
    static const char wide[] = "\xef\xbc\x9a";
    size_t blank = s.n && s.p[0] == ' ';
    s = str_from(s, blank);
    if (s.n && s.p[0] == ':')
        return blank + 1;
    return str_starts(s, str_c(wide)) ? blank + sizeof wide - 1 : 0;
}

/* "[4]", "(4)", "^4", "4": bytes and the number; "[list]" counts as one. */
static size_t number_at(struct str s, unsigned *out) {
    size_t i = 0, digits = 0;
    unsigned n = 0;
    char close = 0;
    *out = 1;
    if (s.n && strchr("[(^", s.p[0]) && s.p[0]) {
        close = s.p[0] == '[' ? ']' : s.p[0] == '(' ? ')' : 0;
        i = 1;
    }
    for (; i < s.n && isdigit((unsigned char)s.p[i]); i++, digits++)
        n = n < DEPTH_MAX ? 10 * n + (unsigned)(s.p[i] - '0') : n;
    if (close && (i >= s.n || s.p[i] != close))
        return 0;
    if (digits)
        *out = n ? n : 1;
    return digits ? i + (close != 0) : 0;
}

/* Behind "[…] " at the front, or where it was. */
static struct str skip_blob(struct str s) {
    size_t i = 1;
    if (!s.n || s.p[0] != '[')
        return s;
    while (i < s.n && s.p[i] != ']' && s.p[i] != '[')
        i++;
    return i < s.n && s.p[i] == ']' ? skip_space(str_from(s, i + 1)) : s;
}

/* One mark at the front. false: there is none. */
static bool take_mark(struct str *s, struct subject *out) {
    for (size_t i = 0; i < COUNT(marks); i++) {
        struct str word = str_c(marks[i].word), rest;
        unsigned times;
        if (!str_starts(*s, word))
            continue;
        rest = skip_space(str_from(*s, word.n));
        size_t number = number_at(rest, &times);
        rest = str_from(rest, number);
        if (!number)
            rest = skip_blob(rest);
        size_t colon = colon_at(rest);
        if (!colon)
            continue;
        *s = skip_space(str_from(rest, colon));
        out->forwarded |= marks[i].forward;
        if (!marks[i].forward)
            out->depth += times;
        return true;
    }
    return false;
}

static struct str without_end(struct str s) {
    static const struct str end = STR("(fwd)");
    for (;;) {
        while (s.n && s.p[s.n - 1] == ' ')
            s.n--;
        if (!str_ends(s, end))
            return s;
        s.n -= end.n;
    }
}

void subject_read(struct str subject, struct subject *out) {
    static const struct str frame = STR("[fwd:");
    struct str s;
    out->depth = 0;
    out->forwarded = false;
    s = folded(subject, out->text);
    for (bool again = true; again;) {
        s = without_end(s);
        again = take_mark(&s, out);
        struct str blob = again ? s : skip_blob(s);
        if (!again && blob.n && blob.n < s.n) { /* "[list] Re: …"; what is all in brackets stays */
            s = blob;
            again = true;
        } else if (!again && str_starts(s, frame) && str_ends(s, (struct str)STR("]"))) {
            s = skip_space(str_make(s.p + frame.n, s.n - frame.n - 1));
            out->forwarded = again = true;
        }
    }
    out->base = s;
}
