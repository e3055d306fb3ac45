/* reply_text.c - first cuts off what follows an embedded mail's head, then takes quotes and
 * signatures off the end, as long as there are any. What stands between somebody's own lines stays:
 * it is what he answers to.
 */
#include "reply_text.h"

#include <touchline/kit/own.h>

#include "header.h"
#include "reply_words.h"

enum {
    SIGNATURE_LINES_MAX = 20,
    BLANKS_MAX = 2, /* empty lines in a row that are kept */
    ATTRIBUTION_LINES_MAX = 4,
    FIELD_LINES_MAX = 8,
    LINES_MAX = 200 * 1000,
};

enum line_kind { LINE_TEXT, LINE_BLANK, LINE_QUOTE, LINE_RULE, LINE_ATTRIBUTION };

struct line {
    struct str text; /* without blanks at its end */
    enum line_kind kind;
};

/* Lines [first, end) are what is left. */
struct reply {
    struct line *lines;
    size_t first, end;
};

static struct str without_end(struct str s) {
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

/* Nothing but marks: "-----", "____", "***", a tracking program's lone glyph. */
static bool is_rule(struct str s) {
    s = str_trim(s);
    if (str_is(s, "\xe1\x90\xa7") || str_is(s, "\xe2\x80\x94") || str_is(s, "*"))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("-_=*#~+", s.p[i]) || !s.p[i])
            return false;
    return s.n >= 2;
}

static enum line_kind kind_of(struct str text) {
    struct str s = str_trim(text);
    if (!s.n)
        return LINE_BLANK;
    if (s.p[0] == '>')
        return LINE_QUOTE;
    return is_rule(s) ? LINE_RULE : LINE_TEXT;
}

static void lines_read(struct arena *a, struct str text, struct reply *r) {
    size_t n = 1;
    for (size_t i = 0; i < text.n && n < LINES_MAX; i++)
        n += text.p[i] == '\n';
    r->lines = arena_new(a, n * sizeof *r->lines);
    r->first = r->end = 0;
    while (text.n && r->end < n) {
        struct str line = without_end(header_line(&text));
        r->lines[r->end++] = (struct line){.text = line, .kind = kind_of(line)};
    }
}

/* How many lines from i on are one "On <date>, <name> wrote:", 0: none. They lie side by side in
 * the text, so their join is one view. */
static size_t attribution_at(const struct reply *r, size_t i) {
    if (r->lines[i].kind != LINE_TEXT || !reply_starts_attribution(r->lines[i].text))
        return 0;
    const char *from = r->lines[i].text.p;
    for (size_t n = 1; n <= ATTRIBUTION_LINES_MAX && i + n <= r->end; n++) {
        const struct line *last = &r->lines[i + n - 1];
        if (last->kind != LINE_TEXT)
            return 0;
        if (reply_is_attribution(str_make(from, (size_t)(last->text.p - from) + last->text.n)))
            return n;
        if (str_ends(last->text, str_c(":")))
            return 0; /* it would have been one by now */
    }
    return 0;
}

/* A block of fields that begins with From and has two others, at least. */
static bool fields_at(const struct reply *r, size_t i) {
    unsigned seen = 0;
    size_t blanks = 0;
    if (reply_field(r->lines[i].text) != REPLY_FIELD_FROM)
        return false;
    for (size_t j = i + 1; j < r->end && j < i + FIELD_LINES_MAX; j++) {
        enum reply_field field = reply_field(r->lines[j].text);
        if (field == REPLY_FIELD_DATE || field == REPLY_FIELD_TO || field == REPLY_FIELD_SUBJECT)
            seen |= 1u << field;
        else if (r->lines[j].kind == LINE_BLANK && ++blanks > 1)
            break;
    }
    return __builtin_popcount(seen) >= 2;
}

static bool quote_follows(const struct reply *r, size_t i) {
    while (i < r->end && r->lines[i].kind == LINE_BLANK)
        i++;
    return i < r->end && r->lines[i].kind == LINE_QUOTE;
}

/* Marks attributions; cuts at the first head of an embedded mail that something stands before. An
 * attribution is such a head where no quote marks follow it: all that follows is the other mail
 * then. */
static void cut_embedded(struct reply *r) {
    bool written = false;
    for (size_t i = r->first; i < r->end; i++) {
        struct line *line = &r->lines[i];
        size_t n = attribution_at(r, i);
        for (size_t j = i; j < i + n; j++)
            r->lines[j].kind = LINE_ATTRIBUTION;
        bool open = n && !quote_follows(r, i + n);
        if (open && !written) {
            r->first = i + n; /* the answer stands below its own heading */
        } else if (written && (open || reply_is_divider(line->text) || fields_at(r, i))) {
            r->end = i;
            return;
        }
        written = written || n || line->kind == LINE_TEXT || line->kind == LINE_QUOTE;
        i += n ? n - 1 : 0;
    }
}

/* First line of the signature that reaches to the end, or r->end. */
static size_t signature_at(const struct reply *r) {
    size_t last = r->end - 1;
    if (reply_is_device(r->lines[last].text))
        return last;
    for (size_t i = r->end; i-- > r->first && r->end - i <= SIGNATURE_LINES_MAX;) {
        const struct line *line = &r->lines[i];
        if (line->kind == LINE_QUOTE || line->kind == LINE_ATTRIBUTION)
            break;
        struct str s = line->text;
        if (str_is(s, "--") || str_is(s, "\xe2\x80\x94") || str_starts(s, str_c("____")))
            return i;
        if (i == last && s.n > 1 && s.n < 40 && s.p[0] == '-' && (unsigned char)s.p[1] > '9' &&
            i > r->first && r->lines[i - 1].kind == LINE_BLANK)
            return i; /* "-Jana" below an empty line */
    }
    return r->end;
}

static void drop_blank(struct reply *r) {
    while (r->end > r->first &&
           (r->lines[r->end - 1].kind == LINE_BLANK || r->lines[r->end - 1].kind == LINE_RULE))
        r->end--;
}

/* Takes one thing off the end. false: what stands there was written for the reader. */
static bool drop_tail(struct reply *r) {
    drop_blank(r);
    if (r->end == r->first)
        return false;
    size_t end = r->end;
    if (r->lines[end - 1].kind == LINE_QUOTE) {
        while (end > r->first &&
               (r->lines[end - 1].kind == LINE_QUOTE || r->lines[end - 1].kind == LINE_BLANK))
            end--;
        while (end > r->first && r->lines[end - 1].kind == LINE_ATTRIBUTION)
            end--;
    } else {
        end = signature_at(r);
    }
    bool dropped = end < r->end;
    r->end = end;
    return dropped;
}

static struct str join(struct arena *a, const struct reply *r) {
    size_t n = 0, blanks = 0;
    for (size_t i = r->first; i < r->end; i++)
        n += r->lines[i].text.n + 1;
    char *p = arena_new(a, n + 1), *to = p;
    for (size_t i = r->first; i < r->end; i++) {
        const struct line *line = &r->lines[i];
        blanks = line->kind == LINE_BLANK ? blanks + 1 : 0;
        if (blanks > BLANKS_MAX)
            continue;
        memcpy(to, line->text.p, line->text.n);
        to += line->text.n;
        *to++ = '\n';
    }
    return str_make(p, to > p ? (size_t)(to - p) - 1 : 0);
}

struct str reply_text(struct arena *a, struct str text) {
    struct reply r;
    lines_read(a, text, &r);
    size_t all = r.end;
    cut_embedded(&r);
    while (drop_tail(&r))
        ;
    while (r.first < r.end && r.lines[r.first].kind == LINE_BLANK)
        r.first++;
    if (r.first < r.end)
        return join(a, &r);
    r = (struct reply){.lines = r.lines, .first = 0, .end = all};
    while (r.end && r.lines[r.end - 1].kind == LINE_BLANK)
        r.end--;
    while (r.first < r.end && r.lines[r.first].kind == LINE_BLANK)
        r.first++;
    return join(a, &r);
}
