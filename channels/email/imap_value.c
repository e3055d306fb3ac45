/* imap_value.c - walks over the arguments of a response; literals come from the reader's store. */
#include "imap_value.h"

#include <stdlib.h>
#include <touchline/kit/date.h>
#include <touchline/kit/own.h>

void imap_walk_begin(struct imap_walk *w, const struct imap_reader *r, struct str args) {
    *w = (struct imap_walk){.reader = r, .rest = args};
}

static enum imap_token bad(struct imap_walk *w, struct imap_value *out) {
    w->rest = STR_NONE;
    return out->token = IMAP_BAD;
}

/* "{12}CRLF" or "~{12+}CRLF" at the front: its length with the line end, or 0. */
static size_t literal_mark(struct str s) {
    size_t i = s.n && s.p[0] == '~';
    if (i >= s.n || s.p[i++] != '{')
        return 0;
    size_t digits = i;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    if (i == digits)
        return 0;
    if (i < s.n && s.p[i] == '+')
        i++;
    if (i >= s.n || s.p[i++] != '}')
        return 0;
    if (i < s.n && s.p[i] == '\r')
        i++;
    return i < s.n && s.p[i] == '\n' ? i + 1 : 0;
}

static enum imap_token literal_take(struct imap_walk *w, size_t mark, struct imap_value *out) {
    if (w->literal >= w->reader->literals_n)
        return bad(w, out);
    const struct imap_literal *l = &w->reader->literals[w->literal++];
    out->bytes = str_make((w->reader->store.p ? w->reader->store.p : "") + l->at, l->n);
    out->cut = l->n < l->declared;
    w->rest = str_from(w->rest, mark);
    return out->token = IMAP_STRING;
}

static enum imap_token quoted_take(struct imap_walk *w, struct imap_value *out) {
    struct str s = w->rest;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\') {
            i++;
        } else if (s.p[i] == '"') {
            out->bytes = str_make(s.p + 1, i - 1);
            out->quoted = true;
            w->rest = str_from(s, i + 1);
            return out->token = IMAP_STRING;
        }
    }
    return bad(w, out);
}

/* Brackets hold what they like up to their end: names of fields, flags. */
static size_t bracket_end(struct str s, size_t i) {
    bool quoted = false;
    for (; i < s.n && s.p[i] != '\n'; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && s.p[i] == ']')
            return i;
    }
    return s.n;
}

static enum imap_token atom_take(struct imap_walk *w, struct imap_value *out) {
    struct str s = w->rest;
    size_t i = 0;
    while (i < s.n && !strchr(" ()\"\r\n", s.p[i] ? s.p[i] : ' ')) {
        if (s.p[i] == '[' && (i = bracket_end(s, i)) == s.n)
            return bad(w, out);
        i++;
    }
    if (!i)
        return bad(w, out);
    out->bytes = str_upto(s, i);
    w->rest = str_from(s, i);
    return out->token = IMAP_ATOM;
}

enum imap_token imap_walk_next(struct imap_walk *w, struct imap_value *out) {
    *out = (struct imap_value){.token = IMAP_END};
    while (w->rest.n && w->rest.p[0] == ' ')
        w->rest = str_from(w->rest, 1);
    if (!w->rest.n || w->rest.p[0] == '\r' || w->rest.p[0] == '\n')
        return w->depth ? bad(w, out) : IMAP_END;
    size_t mark = literal_mark(w->rest);
    if (mark)
        return literal_take(w, mark, out);
    switch (w->rest.p[0]) {
    case '(':
        w->depth++;
        w->rest = str_from(w->rest, 1);
        return out->token = IMAP_OPEN;
    case ')':
        if (!w->depth--)
            return w->depth = 0, bad(w, out);
        w->rest = str_from(w->rest, 1);
        return out->token = IMAP_CLOSE;
    case '"':
        return quoted_take(w, out);
    }
    return atom_take(w, out);
}

bool imap_walk_skip(struct imap_walk *w) {
    struct imap_value v;
    size_t depth = w->depth;
    while (w->depth >= depth) {
        enum imap_token t = imap_walk_next(w, &v);
        if (t == IMAP_BAD || t == IMAP_END)
            return false;
    }
    return true;
}

bool imap_value_add(struct buf *out, const struct imap_value *v) {
    if (v->token != IMAP_STRING)
        return true; /* NIL */
    if (!v->quoted)
        return buf_add(out, v->bytes);
    for (size_t i = 0; i < v->bytes.n; i++) {
        if (v->bytes.p[i] == '\\' && i + 1 < v->bytes.n)
            i++;
        if (!buf_add_byte(out, v->bytes.p[i]))
            return false;
    }
    return true;
}

bool imap_value_number(const struct imap_value *v, uint64_t *out) {
    uint64_t n = 0;
    if (v->token != IMAP_ATOM || !v->bytes.n || v->bytes.n > 18)
        return false;
    for (size_t i = 0; i < v->bytes.n; i++) {
        if (v->bytes.p[i] < '0' || v->bytes.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(v->bytes.p[i] - '0');
    }
    *out = n;
    return true;
}

/* ---- FETCH ---- */

/* "17-Jul-1996 02:44:25 -0700" is a mail's date but for its hyphens. */
static int64_t internal_date(struct str s) {
    char text[40];
    int64_t ms;
    s = str_trim(s);
    if (s.n < 20 || s.n >= sizeof text)
        return -1;
    memcpy(text, s.p, s.n);
    for (size_t i = 0; i < 12; i++)
        if (text[i] == '-')
            text[i] = ' ';
    return date_parse_mail(str_make(text, s.n), &ms) ? ms : -1;
}

static bool is_item(struct str name, const char *item) {
    ptrdiff_t partial = str_find(name, '<');
    return str_is_nocase(partial < 0 ? name : str_upto(name, (size_t)partial), item);
}

static void fetch_item(struct imap_fetch *out, struct str name, const struct imap_value *v) {
    uint64_t n;
    if (str_is_nocase(name, "UID") && imap_value_number(v, &n) && n <= UINT32_MAX)
        out->uid = (uint32_t)n;
    else if (str_is_nocase(name, "RFC822.SIZE") && imap_value_number(v, &n))
        out->size = (int64_t)n;
    else if (str_is_nocase(name, "INTERNALDATE"))
        out->arrived_ms = internal_date(v->bytes);
    else if (is_item(name, "BODY[]") || str_is_nocase(name, "RFC822"))
        out->body = *v;
    else if (is_item(name, "BODY[HEADER]"))
        out->header = *v;
    else if (is_item(name, "BODY[TEXT]"))
        out->text = *v;
}

bool imap_fetch_read(const struct imap_reader *r, struct str args, struct imap_fetch *out) {
    struct imap_walk w;
    struct imap_value name, v;
    *out = (struct imap_fetch){.size = -1, .arrived_ms = -1};
    imap_walk_begin(&w, r, args);
    if (imap_walk_next(&w, &v) != IMAP_OPEN)
        return false;
    while (imap_walk_next(&w, &name) == IMAP_ATOM) {
        switch (imap_walk_next(&w, &v)) {
        case IMAP_ATOM:
        case IMAP_STRING:
            fetch_item(out, name.bytes, &v);
            break;
        case IMAP_OPEN:
            if (!imap_walk_skip(&w))
                return false;
            break;
        default:
            return false;
        }
    }
    return name.token == IMAP_CLOSE && imap_walk_next(&w, &v) == IMAP_END;
}

/* ---- UIDs ---- */

bool imap_uids_add(struct imap_uids *u, uint32_t uid, size_t max) {
    if (u->n >= max)
        return false;
    if (u->n == u->room) {
        u->room = u->room ? u->room * 2 : 64;
        u->items = mem_grow(u->items, u->room * sizeof *u->items);
    }
    u->items[u->n++] = uid;
    return true;
}

static bool uid_read(struct str s, uint32_t *out) {
    struct imap_value v = {.token = IMAP_ATOM, .bytes = s};
    uint64_t n;
    if (!imap_value_number(&v, &n) || n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool set_read(struct str set, struct imap_uids *out, size_t max) {
    while (set.n) {
        struct str last = str_cut(&set, ','), first = str_cut(&last, ':');
        uint32_t a, b;
        if (!uid_read(first, &a) || !uid_read(last.p ? last : first, &b))
            return false;
        uint64_t from = a < b ? a : b, to = a < b ? b : a;
        if (to - from >= max)
            return false;
        for (uint64_t uid = from; uid <= to; uid++)
            if (!imap_uids_add(out, (uint32_t)uid, max))
                return false;
    }
    return true;
}

static bool esearch_read(struct imap_walk *w, struct imap_uids *out, size_t max) {
    struct imap_value name, v;
    enum imap_token t = imap_walk_next(w, &name);
    if (t == IMAP_OPEN) { /* (TAG "…") */
        if (!imap_walk_skip(w))
            return false;
        t = imap_walk_next(w, &name);
    }
    if (t == IMAP_ATOM && str_is_nocase(name.bytes, "UID"))
        t = imap_walk_next(w, &name);
    for (; t == IMAP_ATOM; t = imap_walk_next(w, &name)) {
        enum imap_token value = imap_walk_next(w, &v);
        if (value == IMAP_OPEN ? !imap_walk_skip(w) : value != IMAP_ATOM)
            return false;
        if (value == IMAP_ATOM && str_is_nocase(name.bytes, "ALL") && !set_read(v.bytes, out, max))
            return false;
    }
    return t == IMAP_END;
}

bool imap_search_read(const struct imap_reader *r, const struct imap_response *response,
                      struct imap_uids *out, size_t max) {
    struct imap_walk w;
    struct imap_value v;
    uint32_t uid;
    imap_walk_begin(&w, r, response->args);
    if (str_is_nocase(response->word, "ESEARCH"))
        return esearch_read(&w, out, max);
    while (imap_walk_next(&w, &v) == IMAP_ATOM)
        if (!uid_read(v.bytes, &uid) || !imap_uids_add(out, uid, max))
            return false;
    if (v.token == IMAP_OPEN) /* (MODSEQ 917162500) */
        return imap_walk_skip(&w) && imap_walk_next(&w, &v) == IMAP_END;
    return v.token == IMAP_END;
}

static int by_uid(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void imap_uids_sort(struct imap_uids *u) {
    size_t kept = 0;
    if (u->n)
        qsort(u->items, u->n, sizeof *u->items, by_uid);
    for (size_t i = 0; i < u->n; i++)
        if (!kept || u->items[kept - 1] != u->items[i])
            u->items[kept++] = u->items[i];
    u->n = kept;
}

void imap_uids_clear(struct imap_uids *u) {
    free(u->items);
    *u = (struct imap_uids){0};
}

size_t imap_uids_write(const uint32_t *items, size_t n, struct buf *out, size_t max_bytes) {
    size_t i = 0, from = out->n;
    while (i < n && out->n - from + 24 <= max_bytes) {
        size_t last = i;
        while (last + 1 < n && items[last + 1] == items[last] + 1)
            last++;
        const char *comma = i ? "," : "";
        if (!(last == i ? buf_addf(out, "%s%u", comma, items[i])
                        : buf_addf(out, "%s%u:%u", comma, items[i], items[last])))
            break;
        i = last + 1;
    }
    return i;
}
