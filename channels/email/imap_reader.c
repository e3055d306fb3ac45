/* imap_reader.c - gathers one response: lines, and literals by their length. */
#include "imap_reader.h"

#include <stdlib.h>

#include <touchline/kit/own.h>

enum { STORE_KEPT = 1024 * 1024 };
#define LITERAL_DECLARED_MAX UINT64_C(4294967295)

void imap_reader_init(struct imap_reader *r, size_t literal_max) {
    *r = (struct imap_reader){.state = IMAP_MORE};
    buf_init(&r->text, IMAP_TEXT_MAX);
    buf_init(&r->store, literal_max);
}

void imap_reader_clear(struct imap_reader *r) {
    buf_clear(&r->text);
    buf_clear(&r->store);
    free(r->literals);
    r->literals = NULL;
    r->literals_room = 0;
}

static void begin(struct imap_reader *r) {
    buf_reset(&r->text);
    if (r->store.room > STORE_KEPT)
        buf_clear(&r->store); /* a large mail leaves no large hole */
    else
        buf_reset(&r->store);
    r->literals_n = r->line_at = 0;
    r->in_literal = false;
    r->state = IMAP_MORE;
}

static void broken(struct imap_reader *r, const char *why) {
    r->state = IMAP_BROKEN;
    r->why = why;
}

static bool is_status(struct str word) {
    static const char *const words[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is_nocase(word, words[i]))
            return true;
    return false;
}

/* Only data carries literals: in words for people "{5}" at the end means nothing. */
static bool may_have_literals(const struct imap_reader *r) {
    struct str rest = buf_str(&r->text), star = str_cut(&rest, ' '), word = str_cut(&rest, ' ');
    return str_is(star, "*") && !is_status(word);
}

/* "{12}" or "{12+}" at the end of the line. false: none. */
static bool literal_announced(struct str line, uint64_t *out) {
    if (line.n < 3 || line.p[line.n - 1] != '}')
        return false;
    size_t end = line.n - 1;
    if (line.p[end - 1] == '+')
        end--;
    size_t from = end;
    while (from && line.p[from - 1] >= '0' && line.p[from - 1] <= '9')
        from--;
    if (from == end || !from || line.p[from - 1] != '{')
        return false;
    *out = 0;
    for (size_t i = from; i < end && *out <= LITERAL_DECLARED_MAX; i++)
        *out = *out * 10 + (uint64_t)(line.p[i] - '0');
    return true;
}

static void literal_begin(struct imap_reader *r, uint64_t declared) {
    if (declared > LITERAL_DECLARED_MAX) {
        broken(r, "a literal larger than any mail");
        return;
    }
    if (r->literals_n == IMAP_LITERALS_MAX) {
        broken(r, "too many literals in one response");
        return;
    }
    if (r->literals_n == r->literals_room) {
        r->literals_room = r->literals_room ? r->literals_room * 2 : 8;
        r->literals = mem_grow(r->literals, r->literals_room * sizeof *r->literals);
    }
    r->literals[r->literals_n++] =
        (struct imap_literal){.at = r->store.n, .n = 0, .declared = declared};
    r->left = declared;
    r->in_literal = declared > 0;
}

static size_t literal_feed(struct imap_reader *r, struct str bytes) {
    struct imap_literal *l = &r->literals[r->literals_n - 1];
    struct str piece = str_upto(bytes, r->left < bytes.n ? (size_t)r->left : bytes.n);
    size_t room = r->store.max - r->store.n;
    struct str kept = str_upto(piece, room);
    if (!buf_add(&r->store, kept)) {
        broken(r, "no memory for a literal");
        return 0;
    }
    l->n += kept.n;
    r->left -= piece.n;
    r->in_literal = r->left > 0;
    return piece.n;
}

/* The line has its end: is the response over? */
static void line_ended(struct imap_reader *r) {
    struct str line = str_from(buf_str(&r->text), r->line_at);
    uint64_t declared;
    line.n--;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    r->line_at = r->text.n;
    if (literal_announced(line, &declared) && may_have_literals(r))
        literal_begin(r, declared);
    else
        r->state = IMAP_READY;
}

static size_t line_feed(struct imap_reader *r, struct str bytes) {
    ptrdiff_t end = str_find(bytes, '\n');
    struct str piece = end < 0 ? bytes : str_upto(bytes, (size_t)end + 1);
    if (!buf_add(&r->text, piece)) {
        broken(r, "a response without an end");
        return 0;
    }
    if (end >= 0)
        line_ended(r);
    return piece.n;
}

size_t imap_reader_feed(struct imap_reader *r, struct str bytes) {
    size_t eaten = 0;
    if (r->state == IMAP_READY)
        begin(r);
    while (r->state == IMAP_MORE && eaten < bytes.n) {
        struct str rest = str_from(bytes, eaten);
        eaten += r->in_literal ? literal_feed(r, rest) : line_feed(r, rest);
    }
    return eaten;
}

/* ---- What it says ---- */

/* Nine digits and more may be too large; then it is no number. */
static bool number_read(struct str s, uint32_t *out) {
    uint64_t v = 0;
    if (!s.n || s.n > 10)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

/* "[CODE words] text"; a bracket within quotes does not end it. */
static void status_read(struct str rest, struct imap_response *out) {
    rest = str_trim(rest);
    out->text = rest;
    if (!rest.n || rest.p[0] != '[')
        return;
    bool quoted = false;
    for (size_t i = 1; i < rest.n; i++) {
        if (quoted && rest.p[i] == '\\')
            i++;
        else if (rest.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && rest.p[i] == ']') {
            out->code = str_make(rest.p + 1, i - 1);
            out->text = str_trim(str_from(rest, i + 1));
            return;
        }
    }
}

static bool tag_fits(struct str tag) {
    for (size_t i = 0; i < tag.n; i++) {
        char c = tag.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("(){%*\"\\+", c))
            return false;
    }
    return tag.n > 0;
}

static void untagged_read(struct str rest, struct imap_response *out) {
    struct str word = str_cut(&rest, ' ');
    if (number_read(word, &out->number)) {
        out->numbered = true;
        word = str_cut(&rest, ' ');
    }
    out->word = word;
    out->kind = word.n ? IMAP_UNTAGGED : IMAP_JUNK;
    if (is_status(word) && !out->numbered)
        status_read(rest, out);
    else
        out->args = rest;
}

void imap_reader_response(const struct imap_reader *r, struct imap_response *out) {
    struct str rest = buf_str(&r->text);
    *out = (struct imap_response){.kind = IMAP_JUNK};
    /* Its own end alone: "{0}CRLF" before it belongs to a literal. */
    rest.n -= rest.n && rest.p[rest.n - 1] == '\n';
    rest.n -= rest.n && rest.p[rest.n - 1] == '\r';
    if (rest.n && rest.p[0] == '+' && (rest.n == 1 || rest.p[1] == ' ')) {
        out->kind = IMAP_CONTINUE;
        out->text = str_from(rest, 2);
        return;
    }
    struct str tag = str_cut(&rest, ' ');
    if (str_is(tag, "*")) {
        untagged_read(rest, out);
        return;
    }
    struct str word = str_cut(&rest, ' ');
    if (!tag_fits(tag) || !is_status(word))
        return;
    out->kind = IMAP_TAGGED;
    out->tag = tag;
    out->word = word;
    status_read(rest, out);
}
