/* social/activitypub_text.c - the HTML of a note as plain text: paragraphs and breaks as lines,
 * links with their addresses unless the words are the address, mentions and hashtags as they read.
 * One pass; what is no tag stays as it is. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/utf8.h>

#include "activitypub.h"

enum { TEXT_MAX = 4 * 1024 * 1024, TAG_MAX = 8192, ENTITY_MAX = 10 };

struct html {
    struct buf out;
    struct str link;   /* of the <a> that is open */
    size_t link_begin; /* where its words begin */
    bool ok;
};

static void entity(struct html *h, struct str name) {
    static const struct {
        const char *name;
        uint32_t c;
    } known[] = {{"amp", '&'},      {"lt", '<'},     {"gt", '>'},        {"quot", '"'},
                 {"apos", '\''},    {"nbsp", 0xa0},  {"hellip", 0x2026}, {"mdash", 0x2014},
                 {"ndash", 0x2013}, {"euro", 0x20ac}};
    uint32_t c = 0;
    for (size_t i = 0; i < COUNT(known) && !c; i++)
        if (str_is(name, known[i].name))
            c = known[i].c;
    if (!c && name.n > 1 && name.p[0] == '#') {
        char digits[ENTITY_MAX + 1];
        bool hex = name.p[1] == 'x' || name.p[1] == 'X';
        struct str s = str_from(name, hex ? 2 : 1);
        memcpy(digits, s.p, s.n);
        digits[s.n] = '\0';
        c = (uint32_t)strtoul(digits, NULL, hex ? 16 : 10);
    }
    if (c && c < 0x110000 && (c < 0xd800 || c > 0xdfff))
        h->ok = h->ok && utf8_add(&h->out, c);
    else
        h->ok = h->ok && buf_addf(&h->out, "&%.*s;", STR_ARG(name));
}

/* At most two line ends in a row, none at the beginning. */
static void line(struct html *h, size_t wanted) {
    size_t there = 0;
    while (there < h->out.n && h->out.p[h->out.n - 1 - there] == '\n')
        there++;
    if (there == h->out.n)
        return;
    for (; h->ok && there < wanted; there++)
        h->ok = buf_add_byte(&h->out, '\n');
}

static struct str attribute(struct str tag, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 1; i + n + 2 < tag.n; i++) {
        bool begins = tag.p[i - 1] == ' ' || tag.p[i - 1] == '\t' || tag.p[i - 1] == '\n';
        if (!begins || strncasecmp(tag.p + i, name, n) != 0 || tag.p[i + n] != '=')
            continue;
        char quote = tag.p[i + n + 1];
        struct str value = str_from(tag, i + n + 2);
        return quote == '"' || quote == '\'' ? str_cut(&value, quote) : STR_NONE;
    }
    return STR_NONE;
}

static bool has_class(struct str tag, const char *word) {
    struct str all = attribute(tag, "class");
    while (all.p)
        if (str_is(str_cut(&all, ' '), word))
            return true;
    return false;
}

static void link_end(struct html *h) {
    struct str words = str_from(buf_str(&h->out), h->link_begin);
    struct str bare = h->link;
    for (size_t i = 0; i + 3 <= bare.n; i++)
        if (memcmp(bare.p + i, "://", 3) == 0) {
            bare = str_from(bare, i + 3);
            break;
        }
    bool same = str_eq(words, h->link) || str_eq(words, bare) ||
                (words.n && bare.n > words.n && str_starts(bare, str_upto(words, words.n - 1)));
    if (h->link.n && same) {
        h->out.n = h->link_begin; /* shown shortened: the address itself says more */
        h->ok = h->ok && buf_add(&h->out, h->link);
    } else if (h->link.n) {
        h->ok = h->ok && buf_addf(&h->out, " <%.*s>", STR_ARG(h->link));
    }
    h->link = STR_NONE;
}

static void tag(struct html *h, struct str inside) {
    bool closing = inside.n && inside.p[0] == '/';
    struct str name = closing ? str_from(inside, 1) : inside;
    size_t n = 0;
    while (n < name.n && name.p[n] != ' ' && name.p[n] != '/' && name.p[n] != '\t' &&
           name.p[n] != '\n')
        n++;
    name.n = n;
    if (str_is_nocase(name, "br")) {
        h->ok = h->ok && buf_add_byte(&h->out, '\n');
    } else if (str_is_nocase(name, "p") || str_is_nocase(name, "blockquote")) {
        line(h, 2);
    } else if (str_is_nocase(name, "li") || str_is_nocase(name, "div") ||
               str_is_nocase(name, "ul") || str_is_nocase(name, "ol")) {
        line(h, 1);
        if (str_is_nocase(name, "li") && !closing)
            h->ok = h->ok && buf_add_c(&h->out, "- ");
    } else if (str_is_nocase(name, "a") && closing) {
        link_end(h);
    } else if (str_is_nocase(name, "a")) {
        bool plain = has_class(inside, "mention") || has_class(inside, "hashtag");
        h->link = plain ? STR_NONE : attribute(inside, "href");
        h->link_begin = h->out.n;
    }
}

/* The end of the tag that begins at i; 0: it is none. `next` keeps where the next > stands, so that
 * many < are not searched anew each. */
static size_t tag_end(struct str s, size_t i, size_t *next) {
    if (*next <= i) {
        ptrdiff_t at = str_find(str_from(s, i + 1), '>');
        *next = at < 0 ? s.n : i + 1 + (size_t)at;
    }
    return *next < s.n && *next - i <= TAG_MAX ? *next : 0;
}

static size_t entity_end(struct str s, size_t i) {
    for (size_t k = i + 1; k < s.n && k <= i + ENTITY_MAX; k++) {
        char c = s.p[k];
        if (c == ';')
            return k;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '#'))
            return 0;
    }
    return 0;
}

struct str activitypub_text(struct arena *a, struct str html) {
    struct html h = {.ok = true};
    size_t next = 0;
    buf_init(&h.out, TEXT_MAX);
    for (size_t i = 0; i < html.n && h.ok; i++) {
        char c = html.p[i];
        size_t end = c == '<' ? tag_end(html, i, &next) : c == '&' ? entity_end(html, i) : 0;
        struct str inside = end ? str_make(html.p + i + 1, end - i - 1) : STR_NONE;
        if (end && c == '<')
            tag(&h, inside);
        else if (inside.n)
            entity(&h, inside);
        else
            h.ok = buf_add_byte(&h.out, c);
        i = inside.n || (end && c == '<') ? end : i;
    }
    struct str text = h.ok ? arena_str(a, str_trim(buf_str(&h.out))) : html;
    buf_clear(&h.out);
    return text;
}
