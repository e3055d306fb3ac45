/* html_text.c - a tokenizer that keeps only what it needs: how deep in quotes, what is skipped,
 * what line is under way.
 *
 * A line is gathered in `out` as it comes; white space is folded unless inside <pre>. Skipping
 * (script, style, hidden) counts the nesting of the one element name that began it, so it ends
 * where that does.
 */
#include "html_text.h"

#include <ctype.h>

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "html_entity.h"

enum { NAME_MAX_BYTES = 16, QUOTE_DEPTH_MAX = 20, HREF_MAX = 2048 };

enum tag_kind {
    TAG_BLOCK = 1, /* begins and ends on a line of its own */
    TAG_PARA,      /* the same, with an empty line around */
    TAG_BREAK,
    TAG_RULE,
    TAG_QUOTE,
    TAG_ITEM,
    TAG_CELL,
    TAG_PRE,
    TAG_LINK,
    TAG_IMAGE,
    TAG_SKIP, /* with all that is in it */
    TAG_RAW,  /* as SKIP; nothing in it is markup but its own end */
};

static const struct {
    const char *name;
    enum tag_kind kind;
} tags[] = {
    {"a", TAG_LINK},           {"address", TAG_BLOCK},  {"article", TAG_BLOCK},
    {"blockquote", TAG_QUOTE}, {"br", TAG_BREAK},       {"center", TAG_BLOCK},
    {"dd", TAG_BLOCK},         {"div", TAG_BLOCK},      {"dl", TAG_BLOCK},
    {"dt", TAG_BLOCK},         {"footer", TAG_BLOCK},   {"form", TAG_BLOCK},
    {"h1", TAG_PARA},          {"h2", TAG_PARA},        {"h3", TAG_PARA},
    {"h4", TAG_PARA},          {"h5", TAG_PARA},        {"h6", TAG_PARA},
    {"header", TAG_BLOCK},     {"hr", TAG_RULE},        {"iframe", TAG_RAW},
    {"img", TAG_IMAGE},        {"li", TAG_ITEM},        {"ol", TAG_BLOCK},
    {"p", TAG_PARA},           {"pre", TAG_PRE},        {"script", TAG_RAW},
    {"section", TAG_BLOCK},    {"select", TAG_SKIP},    {"style", TAG_RAW},
    {"svg", TAG_SKIP},         {"table", TAG_BLOCK},    {"td", TAG_CELL},
    {"template", TAG_SKIP},    {"textarea", TAG_BLOCK}, {"th", TAG_CELL},
    {"title", TAG_RAW},        {"tr", TAG_BLOCK},       {"ul", TAG_BLOCK},
    {"xml", TAG_SKIP},
};

struct tag {
    char name[NAME_MAX_BYTES + 1]; /* lower case, cut */
    enum tag_kind kind;            /* 0: inline, of no meaning here */
    bool end, empty;               /* </x>, <x/> */
    struct str attributes;
};

struct text {
    struct buf *out;
    size_t begun; /* out->n at the start: what stood there before is not ours */
    bool space;   /* white space is due before the next character */
    size_t lines; /* line ends due before the next character: 1 or 2 */
    bool any;     /* the line under way has a character */
    bool full;
    size_t quote, pre;
    char skip[NAME_MAX_BYTES + 1]; /* element under which all is left out; empty: none */
    size_t skip_depth;
    struct str hidden; /* what follows the tag that began it, were it not hidden */
    bool show_all;     /* something hidden did not end: nothing is hidden any more */
    struct str href;   /* of the link under way */
    size_t href_from;  /* out->n where its text begins */
};

static void put(struct text *t, struct str s) {
    t->full = t->full || !buf_add(t->out, s);
}

/* Ends the lines that are due and begins the next with its quote marks. */
static void line_begin(struct text *t) {
    bool first = t->out->n == t->begun;
    for (size_t i = 0; i < t->lines && !first; i++) {
        put(t, str_c("\n"));
        for (size_t q = 0; q < t->quote && i + 1 < t->lines; q++)
            put(t, str_c(">"));
    }
    if (t->lines || first) {
        for (size_t q = 0; q < t->quote; q++)
            put(t, str_c(q + 1 < t->quote ? ">" : "> "));
        t->any = false;
        t->space = false;
    }
    t->lines = 0;
}

/* Behind a letter that is not ASCII, a zero width non-joiner is part of the word (Persian, Hindi).
 */
static bool joins(const struct text *t) {
    static const char joiner[] = "\xe2\x80\x8c";
    struct str line = str_from(buf_str(t->out), t->begun);
    return t->any && !t->space && !t->lines && line.n && (unsigned char)line.p[line.n - 1] >= 128 &&
           !str_ends(line, str_c(joiner));
}

static void put_char(struct text *t, uint32_t c) {
    bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    if (t->pre && c == '\n') {
        t->lines++;
        return;
    }
    if (space && !t->pre) {
        t->space = t->any;
        return;
    }
    if (c < 32 || c == 0x200B || c == 0xFEFF || c == 0xAD || c == 0x34F ||
        (c == 0x200C && !joins(t)))
        return; /* what senders pad their previews with */
    if (t->lines || t->out->n == t->begun)
        line_begin(t);
    if (t->space)
        put(t, str_c(" "));
    t->space = false;
    t->any = true;
    t->full = t->full || !utf8_add(t->out, c == 0xA0 ? ' ' : c);
}

static void line_end(struct text *t, size_t lines) {
    t->space = false;
    if (t->lines < lines)
        t->lines = lines;
}

/* <br>: two in a row make an empty line. */
static void line_break(struct text *t) {
    if (t->lines < 3)
        t->lines++;
    t->space = false;
}

/* ---- tags ---- */

static enum tag_kind kind_of(const char *name) {
    for (size_t i = 0; i < COUNT(tags); i++)
        if (!strcmp(tags[i].name, name))
            return tags[i].kind;
    return (enum tag_kind)0;
}

/* The value of an attribute, without quotes; absent when it is not there. */
static struct str attribute(struct str attributes, const char *name) {
    struct str a = attributes;
    while (a.n) {
        size_t n = 0;
        while (a.n && (isspace((unsigned char)a.p[0]) || a.p[0] == '/'))
            a = str_from(a, 1);
        while (n < a.n && !isspace((unsigned char)a.p[n]) && a.p[n] != '=')
            n++;
        struct str key = str_upto(a, n), value = STR("");
        a = str_from(a, n ? n : 1);
        while (a.n && isspace((unsigned char)a.p[0]))
            a = str_from(a, 1);
        if (a.n && a.p[0] == '=') {
            do
                a = str_from(a, 1);
            while (a.n && isspace((unsigned char)a.p[0]));
            char quote = a.n && (a.p[0] == '"' || a.p[0] == '\'') ? a.p[0] : 0;
            a = str_from(a, quote ? 1 : 0);
            n = 0;
            while (n < a.n && (quote ? a.p[n] != quote : !isspace((unsigned char)a.p[n])))
                n++;
            value = str_upto(a, n);
            a = str_from(a, n + (quote ? 1 : 0));
        }
        if (str_is_nocase(key, name))
            return value;
    }
    return STR_NONE;
}

/* Reads a tag from behind its '<'. Returns the bytes up to and with '>', 0: it is text. */
static size_t tag_read(struct str s, struct tag *out) {
    size_t i = 0, n = 0;
    *out = (struct tag){.end = s.n && s.p[0] == '/'};
    i += out->end;
    if (i >= s.n || !isalpha((unsigned char)s.p[i]))
        return 0;
    for (; i < s.n && !isspace((unsigned char)s.p[i]) && s.p[i] != '>' && s.p[i] != '/'; i++)
        if (n < NAME_MAX_BYTES)
            out->name[n++] = (char)tolower((unsigned char)s.p[i]);
    size_t from = i;
    char quote = 0, before = 0; /* the last that is no white space */
    for (; i < s.n && (quote || s.p[i] != '>'); i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if ((s.p[i] == '"' || s.p[i] == '\'') && before == '=')
            quote = s.p[i];
        before = isspace((unsigned char)s.p[i]) ? before : s.p[i];
    }
    if (i == s.n && quote) /* a quote that never ends: the next bracket ends the tag */
        for (i = from; i < s.n && s.p[i] != '>';)
            i++;
    out->attributes = str_make(s.p + from, i - from);
    out->empty = i > from && s.p[i - 1] == '/';
    out->kind = kind_of(out->name);
    return i < s.n ? i + 1 : i;
}

/* Behind "<!" or "<?": a comment up to "-->", anything else up to '>'. */
static size_t markup_skip(struct str s) {
    if (str_starts(s, str_c("!--"))) {
        const char *end = memmem(s.p + 1, s.n - 1, "-->", 3);
        return end ? (size_t)(end - s.p) + 3 : s.n;
    }
    ptrdiff_t end = str_find(s, '>');
    return end < 0 ? s.n : (size_t)end + 1;
}

/* A style may say display : none with spaces anywhere. `what` is without them, in lower case. */
static bool style_says(struct str style, const char *what) {
    size_t n = strlen(what), at = 0; /* bytes of what that stand in front of i */
    for (size_t i = 0; i < style.n && at < n; i++) {
        char c = (char)tolower((unsigned char)style.p[i]);
        if (isspace((unsigned char)c))
            continue;
        at = c == what[at] ? at + 1 : c == what[0];
    }
    return at == n;
}

static bool is_hidden(const struct tag *t) {
    struct str style = attribute(t->attributes, "style");
    return style_says(style, "display:none") || style_says(style, "mso-hide:all") ||
           style_says(style, "visibility:hidden") || attribute(t->attributes, "hidden").p;
}

/* Elements that have no end tag cannot hide anything behind them. */
static bool is_void(const char *name) {
    static const char *const voids[] = {"area",  "base", "br",   "col",    "hr",    "img",
                                        "input", "link", "meta", "source", "track", "wbr"};
    for (size_t i = 0; i < COUNT(voids); i++)
        if (!strcmp(voids[i], name))
            return true;
    return false;
}

/* Inside a skipped element: only its own name counts. */
static void tag_skipped(struct text *t, const struct tag *tag) {
    if (strcmp(tag->name, t->skip) != 0)
        return;
    if (!tag->end)
        t->skip_depth += !tag->empty;
    else if (--t->skip_depth == 0)
        t->skip[0] = 0;
}

static void put_text(struct text *t, struct str s);

/* </a>: the address behind the text, unless the text shows it. */
static void link_end(struct text *t) {
    struct str href = t->href, shown;
    t->href = STR_NONE;
    if (!href.n || href.n > HREF_MAX || t->out->n <= t->href_from)
        return;
    shown = str_trim(str_make(t->out->p + t->href_from, t->out->n - t->href_from));
    bool web = str_eq_nocase(str_upto(href, 7), (struct str)STR("http://")) ||
               str_eq_nocase(str_upto(href, 8), (struct str)STR("https://"));
    if (str_eq_nocase(str_upto(href, 7), (struct str)STR("mailto:"))) {
        href = str_from(href, 7);
        href = str_cut(&href, '?');
        web = str_find(href, '@') > 0;
    }
    if (!web || !shown.n || memmem(href.p, href.n, shown.p, shown.n) ||
        (shown.n >= href.n && memmem(shown.p, shown.n, href.p, href.n)))
        return;
    put_text(t, str_c(" <"));
    put_text(t, href);
    put_text(t, str_c(">"));
}

static void link_begin(struct text *t, const struct tag *tag) {
    t->href = str_trim(attribute(tag->attributes, "href"));
    t->href_from = t->out->n;
}

static void quote_move(struct text *t, bool end) {
    line_end(t, t->any ? 1 : 0);
    if (t->out->n != t->begun)
        t->lines = t->lines ? t->lines : 1;
    if (!end && t->quote < QUOTE_DEPTH_MAX)
        t->quote++;
    else if (end && t->quote)
        t->quote--;
}

static void tag_apply(struct text *t, const struct tag *tag) {
    if (!tag->end && !is_void(tag->name) &&
        (tag->kind == TAG_RAW || (!t->show_all && (tag->kind == TAG_SKIP || is_hidden(tag))))) {
        if (tag->empty)
            return;
        memcpy(t->skip, tag->name, sizeof t->skip);
        t->skip_depth = 1;
        return;
    }
    switch (tag->kind) {
    case TAG_BLOCK:
        line_end(t, 1);
        break;
    case TAG_PARA:
        line_end(t, 2);
        break;
    case TAG_BREAK:
        line_break(t);
        break;
    case TAG_RULE:
        line_end(t, 1);
        put_text(t, str_c("________________________________"));
        line_end(t, 1);
        break;
    case TAG_QUOTE:
        quote_move(t, tag->end);
        break;
    case TAG_ITEM:
        line_end(t, 1);
        if (!tag->end)
            put_text(t, str_c("* "));
        break;
    case TAG_CELL:
        if (!tag->end)
            t->space = t->any;
        break;
    case TAG_PRE:
        line_end(t, 1);
        t->pre = tag->end ? 0 : 1;
        break;
    case TAG_LINK:
        if (tag->end)
            link_end(t);
        else
            link_begin(t, tag);
        break;
    case TAG_IMAGE:
        put_text(t, attribute(tag->attributes, "alt"));
        break;
    case TAG_SKIP:
    case TAG_RAW:
        break;
    }
}

/* ---- text ---- */

/* Characters and references, no markup. */
static void put_text(struct text *t, struct str s) {
    if (!s.n)
        return; /* absent: an image without a description */
    const char *p = s.p, *end = s.p + s.n;
    while (p < end && !t->full) {
        uint32_t c;
        size_t took = *p == '&' ? html_entity(str_make(p, (size_t)(end - p)), &c) : 0;
        p += took;
        if (!took)
            c = utf8_next(&p, end);
        put_char(t, c);
    }
}

/* In a raw element only "</name" counts; everything up to there is dropped. */
static size_t raw_skip(struct text *t, struct str s) {
    size_t n = strlen(t->skip);
    for (size_t i = 0; i < s.n; i++) {
        const char *at = memchr(s.p + i, '<', s.n - i);
        if (!at)
            return s.n;
        i = (size_t)(at - s.p);
        if (s.n - i > n + 2 && s.p[i + 1] == '/' && !strncasecmp(s.p + i + 2, t->skip, n)) {
            t->skip[0] = 0;
            ptrdiff_t close = str_find(str_from(s, i), '>');
            return close < 0 ? s.n : i + (size_t)close + 1;
        }
    }
    return s.n;
}

/* One tag, comment or a lone '<', from behind the '<'. Returns the bytes it took. */
static size_t markup(struct text *t, struct str html) {
    struct tag tag;
    size_t took = html.n && (html.p[0] == '!' || html.p[0] == '?') ? markup_skip(html) : 0;
    if (took)
        return took;
    took = tag_read(html, &tag);
    if (took && t->skip[0]) {
        tag_skipped(t, &tag);
    } else if (took) {
        tag_apply(t, &tag);
        if (t->skip[0])
            t->hidden = str_from(html, took);
    } else if (!t->skip[0]) {
        put_text(t, str_c("<"));
    }
    return took;
}

/* At the end under something that is hidden and did not end: back to where it began, once; from
 * there on all is shown. */
static bool go_back(struct text *t, struct str *html) {
    if (!t->skip[0] || kind_of(t->skip) == TAG_RAW || t->show_all)
        return false;
    t->skip[0] = 0;
    t->show_all = true;
    *html = t->hidden;
    return html->n > 0;
}

void html_text(struct buf *out, struct str html) {
    struct text t = {.out = out, .begun = out->n};
    while ((html.n || go_back(&t, &html)) && !t.full) {
        if (t.skip[0] && kind_of(t.skip) == TAG_RAW) {
            html = str_from(html, raw_skip(&t, html));
            continue;
        }
        ptrdiff_t lt = str_find(html, '<');
        struct str before = lt < 0 ? html : str_upto(html, (size_t)lt);
        if (!t.skip[0])
            put_text(&t, before);
        html = str_from(html, before.n + (lt >= 0));
        if (lt >= 0)
            html = str_from(html, markup(&t, html));
    }
}

struct str html_charset(struct str html) {
    static const char word[] = "charset=";
    struct str head = str_upto(html, 2048);
    for (size_t i = 0; i + sizeof word < head.n; i++) {
        if (strncasecmp(head.p + i, word, sizeof word - 1) != 0)
            continue;
        struct str value = str_from(head, i + sizeof word - 1);
        if (value.n && (value.p[0] == '"' || value.p[0] == '\''))
            value = str_from(value, 1);
        size_t n = 0;
        while (n < value.n && (isalnum((unsigned char)value.p[n]) || strchr("-_:.", value.p[n])))
            n++;
        return str_upto(value, n < 40 ? n : 40);
    }
    return STR_NONE;
}
