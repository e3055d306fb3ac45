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
    bool dropped; /* within what is left: the heading of a quote */
};

/* Lines [first, end) are what is left. */
struct reply {
    struct line *lines;
    size_t first, end;
    bool headed; /* its own heading stood above it and was taken off */
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
    r->headed = false;
    while (text.n && r->end < n) {
        struct str line = without_end(header_line(&text));
        r->lines[r->end++] = (struct line){.text = line, .kind = kind_of(line)};
    }
}

static bool quote_follows(const struct reply *r, size_t i) {
    while (i < r->end && r->lines[i].kind == LINE_BLANK)
        i++;
    return i < r->end && r->lines[i].kind == LINE_QUOTE;
}

/* How many lines from i on are one "On <date>, <name> wrote:", 0: none. They lie side by side in
 * the text, so their join is one view. */
static size_t attribution_at(const struct reply *r, size_t i) {
    if (r->lines[i].kind != LINE_TEXT)
        return 0;
    if (reply_names_sender(r->lines[i].text) ||
        (reply_is_dated_sender(r->lines[i].text) && quote_follows(r, i + 1)))
        return 1;
    if (!reply_starts_attribution(r->lines[i].text))
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

/* The same in a language that the tables lack: four lines "Word: …", the first with an address, the
 * second with a time of day. */
static bool foreign_fields_at(const struct reply *r, size_t i) {
    enum { FIELDS = 4 };
    if (i + FIELDS > r->end || (i > 0 && r->lines[i - 1].kind == LINE_TEXT))
        return false;
    for (size_t j = i; j < i + FIELDS; j++)
        if (r->lines[j].kind != LINE_TEXT || !reply_is_labelled(r->lines[j].text))
            return false;
    return str_find(r->lines[i].text, '@') >= 0 && reply_has_time(r->lines[i + 1].text);
}

/* A block of fields that begins with From and has two others, at least; or with another one, and
 * has From and two. */
static bool fields_at(const struct reply *r, size_t i) {
    unsigned seen = 0;
    size_t blanks = 0;
    enum reply_field first = reply_field(r->lines[i].text);
    if (first == REPLY_FIELD_NONE)
        return foreign_fields_at(r, i);
    if (first != REPLY_FIELD_FROM && first != REPLY_FIELD_SUBJECT && first != REPLY_FIELD_DATE)
        return false;
    for (size_t j = i; j < r->end && j < i + FIELD_LINES_MAX; j++) {
        enum reply_field field = reply_field(r->lines[j].text);
        if (field != REPLY_FIELD_NONE && field != REPLY_FIELD_OTHER)
            seen |= 1u << field;
        else if (r->lines[j].kind == LINE_BLANK && ++blanks > 1)
            break;
    }
    return seen & 1u << REPLY_FIELD_FROM && __builtin_popcount(seen) >= 3;
}

/* What we asked to be left alone: below our own line nothing counts. */
static void cut_above(struct reply *r) {
    bool written = false;
    for (size_t i = r->first; i < r->end; i++) {
        if (written && reply_is_marker(r->lines[i].text)) {
            r->end = i;
            return;
        }
        written = written || (r->lines[i].kind == LINE_TEXT && !attribution_at(r, i));
    }
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
            r->headed = true;
        } else if (written && (open || reply_is_divider(line->text) || fields_at(r, i))) {
            r->end = i;
            return;
        }
        written = written || n || line->kind == LINE_TEXT || line->kind == LINE_QUOTE;
        i += n ? n - 1 : 0;
    }
}

/* A line that parts two of the writer's own paragraphs: blank lines around it, and more than one
 * paragraph below. */
static bool parts_paragraphs(const struct reply *r, size_t i) {
    if (i + 1 >= r->end || i == r->first || r->lines[i + 1].kind != LINE_BLANK ||
        r->lines[i - 1].kind != LINE_BLANK)
        return false;
    bool text = false, blank = false;
    for (size_t j = i + 1; j < r->end; j++) {
        if (r->lines[j].kind == LINE_BLANK)
            blank = text;
        else if (blank)
            return true;
        else
            text = true;
    }
    return false;
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
        if (str_is(s, "--") || str_is(s, "\xe2\x80\x94") ||
            (str_starts(s, str_c("____")) && !parts_paragraphs(r, i)))
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

/* Lines [first, end) that were not dropped. */
static struct str join(struct arena *a, const struct reply *r) {
    size_t n = 0, blanks = 0;
    for (size_t i = r->first; i < r->end; i++)
        n += r->lines[i].text.n + 1;
    char *p = arena_new(a, n + 1), *to = p;
    for (size_t i = r->first; i < r->end; i++) {
        const struct line *line = &r->lines[i];
        if (line->dropped)
            continue;
        blanks = line->kind == LINE_BLANK ? blanks + 1 : 0;
        if (blanks > BLANKS_MAX)
            continue;
        memcpy(to, line->text.p, line->text.n);
        to += line->text.n;
        *to++ = '\n';
    }
    return str_make(p, to > p ? (size_t)(to - p) - 1 : 0);
}

/* All the other lines; blank ones beside what is left count to that. */
static struct str join_others(struct arena *a, const struct reply *r, size_t all) {
    size_t n = 0, first = r->first, end = r->end;
    while (first > 0 && r->lines[first - 1].kind == LINE_BLANK)
        first--;
    while (end < all && r->lines[end].kind == LINE_BLANK)
        end++;
    for (size_t i = 0; i < all; i++)
        n += r->lines[i].text.n + 1;
    char *p = arena_new(a, n + 1), *to = p;
    for (size_t i = 0; i < all; i++) {
        const struct line *line = &r->lines[i];
        if (i >= first && i < end && !line->dropped)
            continue;
        memcpy(to, line->text.p, line->text.n);
        to += line->text.n;
        *to++ = '\n';
    }
    return str_trim(str_make(p, to > p ? (size_t)(to - p) - 1 : 0));
}

/* Where the program puts headings above everything, those of the quotes that are answered in
 * between are its own too; elsewhere they belong to what was written. */
static void drop_headings(struct reply *r) {
    for (size_t i = r->first; i < r->end && r->headed; i++)
        r->lines[i].dropped = r->lines[i].kind == LINE_ATTRIBUTION;
}

static void trim_blank(struct reply *r) {
    while (r->first < r->end && r->lines[r->first].kind == LINE_BLANK)
        r->first++;
    while (r->end > r->first && r->lines[r->end - 1].kind == LINE_BLANK)
        r->end--;
}

void reply_split(struct arena *a, struct str text, struct reply_parts *out) {
    struct reply r;
    lines_read(a, text, &r);
    size_t all = r.end;
    cut_above(&r);
    cut_embedded(&r);
    while (drop_tail(&r))
        ;
    trim_blank(&r);
    drop_headings(&r);
    if (r.first == r.end) {
        r = (struct reply){.lines = r.lines, .first = 0, .end = all};
        for (size_t i = 0; i < all; i++)
            r.lines[i].dropped = false;
        trim_blank(&r);
        *out = (struct reply_parts){.reply = join(a, &r)};
        return;
    }
    *out = (struct reply_parts){.reply = join(a, &r), .elided = join_others(a, &r, all)};
}

struct str reply_text(struct arena *a, struct str text) {
    struct reply_parts parts;
    reply_split(a, text, &parts);
    return parts.reply;
}

bool reply_forwarded(struct arena *a, struct str text, struct reply_forward *out) {
    struct reply r;
    lines_read(a, text, &r);
    size_t all = r.end, at = 0;
    while (at < all && (r.lines[at].kind != LINE_TEXT || !fields_at(&r, at)))
        at++;
    if (at == all)
        return false;
    size_t before = at;
    while (before &&
           (r.lines[before - 1].kind == LINE_BLANK || r.lines[before - 1].kind == LINE_RULE ||
            reply_is_divider(r.lines[before - 1].text)))
        before--;
    struct str from = r.lines[at].text, last = before ? r.lines[before - 1].text : text;
    *out = (struct reply_forward){
        .before = str_make(text.p, before ? (size_t)(last.p - text.p) + last.n : 0),
        .embedded = str_trim(str_from(text, (size_t)(from.p - text.p)))};
    (void)str_cut(&from, ':');
    out->from = str_trim(from);
    return true;
}
