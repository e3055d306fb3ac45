/* address.c - reads address lists by one scan over the field. */
#include "address.h"

#include <ctype.h>

/* What has been gathered of the mailbox under way. */
struct gather {
    struct arena *arena;
    char *words, *angle, *comment; /* each as large as the field */
    size_t words_n, angle_n, comment_n;
    size_t quoted_n; /* of words, up to the end of the last quoted string */
    bool has_angle, quoted;
    struct address *out;
    size_t n, max;
};

static void put_word(struct gather *g, char c) {
    bool space = c == ' ' || c == '\t';
    if (space && (!g->words_n || g->words[g->words_n - 1] == ' '))
        return;
    g->words[g->words_n++] = space ? ' ' : c;
}

/* "@a,@b:" in front of the address is a route of old (RFC 5322 4.4). */
static struct str without_route(struct str angle) {
    ptrdiff_t colon = angle.n && angle.p[0] == '@' ? str_find(angle, ':') : -1;
    return colon < 0 ? angle : str_from(angle, (size_t)colon + 1);
}

/* What programs put around an address: mailto:, doubled or lost brackets, single quotes, a dot. */
static struct str cleaned(struct str s) {
    s = str_trim(s);
    if (str_eq_nocase(str_upto(s, 7), (struct str)STR("mailto:")))
        s = str_from(s, 7);
    while (s.n && (s.p[0] == '<' || s.p[0] == '\''))
        s = str_from(s, 1);
    while (s.n && strchr(">'.", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    return s;
}

/* Outlook writes 'Name' within the quotes. */
static struct str name_cleaned(struct str s) {
    while (s.n && (s.p[s.n - 1] == ',' || s.p[s.n - 1] == ' '))
        s.n--;
    bool wrapped = s.n > 2 && s.p[0] == '\'' && s.p[s.n - 1] == '\'';
    return wrapped ? str_make(s.p + 1, s.n - 2) : s;
}

static struct str copy(struct gather *g, struct str s) {
    return s.n ? arena_str(g->arena, s) : STR_NONE;
}

static void put_out(struct gather *g, struct str name, struct str email) {
    if ((email.n || name.n) && g->n < g->max)
        g->out[g->n++] = (struct address){.name = copy(g, name), .email = copy(g, email)};
}

/* Words outside quotes that are addresses, without brackets: "Jana jana@example.org", "a@b.c
 * d@e.f". What stands in front of the first is its name. */
static bool bare_addresses(struct gather *g, struct str words, struct str comment) {
    size_t found = 0, from = g->quoted ? g->quoted_n : 0;
    struct str rest = str_from(words, from);
    while (rest.n) {
        const char *at = rest.p;
        struct str word = cleaned(str_cut(&rest, ' '));
        if (!address_valid(word))
            continue;
        struct str name = str_trim(str_upto(words, (size_t)(at - words.p)));
        put_out(g, found++ ? STR_NONE : name_cleaned(name.n ? name : comment), word);
    }
    return found > 0;
}

/* "jana . b @ example.org": blanks that the old grammar allows around dots and the @ (RFC
 * 5322 4.4). Absent: it is no address without them either. */
static struct str without_blanks(struct gather *g, struct str words) {
    char *p = arena_new(g->arena, words.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < words.n; i++) {
        char before = n ? p[n - 1] : '.', next = i + 1 < words.n ? words.p[i + 1] : '.';
        bool beside = before == '.' || before == '@' || next == '.' || next == '@';
        if (words.p[i] != ' ' || !beside)
            p[n++] = words.p[i];
    }
    return address_valid(str_make(p, n)) ? str_make(p, n) : STR_NONE;
}

/* Ends the mailbox under way: "Name <address>", "address (Name)", or a name alone. */
static void flush(struct gather *g) {
    struct str words = str_make(g->words, g->words_n);
    struct str comment = str_trim(str_make(g->comment, g->comment_n));
    if (g->has_angle) {
        struct str name = str_trim(words);
        put_out(g, name_cleaned(name.n ? name : comment),
                cleaned(without_route(str_make(g->angle, g->angle_n))));
    } else if (!bare_addresses(g, words, comment)) {
        words = str_trim(words);
        struct str joined = str_find(words, '@') > 0 ? without_blanks(g, words) : STR_NONE;
        if (!g->quoted && joined.n)
            words = joined;
        bool broken = !g->quoted && str_find(words, '@') >= 0 &&
                      (str_find(words, ' ') < 0 || words.p[0] == '"');
        put_out(g, broken ? comment : words, broken ? words : STR_NONE);
    }
    g->words_n = g->angle_n = g->comment_n = g->quoted_n = 0;
    g->has_angle = g->quoted = false;
}

/* A quoted string from i on (behind its quote); its content goes to the words, or, followed by an
 * @, it is a local part and keeps its quotes. Returns where it ended. */
static size_t take_quoted(struct gather *g, struct str v, size_t i) {
    size_t end = i;
    while (end < v.n && v.p[end] != '"')
        end += v.p[end] == '\\' && end + 1 < v.n ? 2 : 1;
    bool local = end + 1 < v.n && v.p[end + 1] == '@';
    if (local)
        g->words[g->words_n++] = '"';
    else
        g->quoted = true;
    for (; i < end && i < v.n; i++) {
        if (!local && v.p[i] == '\\' && i + 1 < end)
            i++;
        put_word(g, v.p[i]);
    }
    if (local)
        g->words[g->words_n++] = '"';
    else
        g->quoted_n = g->words_n;
    return end;
}

/* A comment, nested ones included, from behind its bracket. */
static size_t take_comment(struct gather *g, struct str v, size_t i) {
    size_t depth = 1;
    for (; i < v.n; i++) {
        if (v.p[i] == '\\' && i + 1 < v.n)
            i++;
        else if (v.p[i] == '(')
            depth++;
        else if (v.p[i] == ')' && --depth == 0)
            break;
        g->comment[g->comment_n++] = v.p[i];
    }
    return i;
}

/* Where a comment that begins at i ends within an address, or i: it does not. */
static size_t comment_end(struct str v, size_t i) {
    size_t depth = 0;
    for (size_t j = i; j < v.n && v.p[j] != '>'; j++) {
        depth += v.p[j] == '(';
        if (v.p[j] == ')' && --depth == 0)
            return j;
        j += v.p[j] == '\\';
    }
    return i;
}

/* <…>: quotes inside hide brackets; white space and comments are dropped. */
static size_t take_angle(struct gather *g, struct str v, size_t i) {
    bool quote = false;
    bool comments = true; /* one that never ends is looked for once */
    g->has_angle = true;
    g->angle_n = 0;
    for (; i < v.n; i++) {
        char c = v.p[i];
        if (c == '(' && !quote && comments) {
            size_t end = comment_end(v, i);
            comments = end > i;
            i = end;
            if (comments)
                continue;
        }
        if (c == '"')
            quote = !quote;
        if (c == '>' && !quote)
            break;
        if (quote || (c != ' ' && c != '\t'))
            g->angle[g->angle_n++] = c;
    }
    return i;
}

/* A colon ends the name of a group ("Team: a@x, b@y;"), but not a bare "mailto:". */
static bool group_name(struct gather *g) {
    struct str words = str_trim(str_make(g->words, g->words_n));
    if (!g->has_angle && str_find(words, '@') < 0) {
        g->words_n = 0;
        g->quoted = false;
        return true;
    }
    return false;
}

/* "Weiss, Jana <jana@example.org>": the comma should have been quoted. */
static bool only_a_name(const struct gather *g) {
    struct str words = str_make(g->words, g->words_n);
    return !g->has_angle && !g->quoted && str_trim(words).n && str_find(words, '@') < 0;
}

static void put_name_comma(struct gather *g) {
    while (g->words_n && g->words[g->words_n - 1] == ' ')
        g->words_n--;
    g->words[g->words_n++] = ',';
}

size_t address_list(struct arena *a, struct str v, struct address *out, size_t max) {
    struct gather g = {.arena = a, .out = out, .max = max};
    g.words = arena_new(a, v.n + 3);
    g.angle = arena_new(a, v.n + 1);
    g.comment = arena_new(a, v.n + 1);
    const char *last = v.n ? memrchr(v.p, '"', v.n) : NULL;
    size_t last_quote = last ? (size_t)(last - v.p) : 0;
    for (size_t i = 0; i < v.n && g.n < max; i++) {
        char c = v.p[i];
        if (c == '"' && i < last_quote)
            i = take_quoted(&g, v, i + 1);
        else if (c == '"')
            continue; /* it never ends */
        else if (c == '\\' && i + 1 < v.n && v.p[i + 1] == '"')
            put_word(&g, v.p[++i]);
        else if (c == '>' && g.has_angle)
            continue; /* a doubled bracket */
        else if (c == '(')
            i = take_comment(&g, v, i + 1);
        else if (c == '<')
            i = take_angle(&g, v, i + 1);
        else if (c == ',' && only_a_name(&g))
            put_name_comma(&g);
        else if (c == ',' || c == ';')
            flush(&g);
        else if (c == ':' && group_name(&g))
            continue;
        else
            put_word(&g, c);
    }
    flush(&g);
    return g.n;
}

bool address_split(struct str email, struct str *out_local, struct str *out_domain) {
    const char *at = email.n ? memrchr(email.p, '@', email.n) : NULL;
    if (!at)
        return false;
    *out_local = str_upto(email, (size_t)(at - email.p));
    *out_domain = str_from(email, out_local->n + 1);
    return true;
}

static bool local_valid(struct str local) {
    if (local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"') {
        for (size_t i = 1; i + 1 < local.n; i++) {
            unsigned char c = (unsigned char)local.p[i];
            if (c < 32 || c == 127 || c == '"' || c == '<' || c == '>' || c == '\\')
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < local.n; i++) {
        unsigned char c = (unsigned char)local.p[i];
        if (c <= 32 || c == 127 || strchr("()<>[]:;@\\,\"", c))
            return false;
    }
    return local.n > 0 && local.n <= 128;
}

static bool domain_valid(struct str domain) {
    if (domain.n > 2 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']') {
        for (size_t i = 1; i + 1 < domain.n; i++)
            if (!isalnum((unsigned char)domain.p[i]) && !strchr(".:-", domain.p[i]))
                return false;
        return true;
    }
    size_t label = 0;
    for (size_t i = 0; i < domain.n; i++) {
        unsigned char c = (unsigned char)domain.p[i];
        if (c == '.') {
            if (!label)
                return false;
            label = 0;
            continue;
        }
        if (!isalnum(c) && c != '-' && c != '_' && c < 128)
            return false;
        if (++label > 63)
            return false;
    }
    return label > 0 && domain.n <= 255;
}

bool address_valid(struct str email) {
    struct str local, domain;
    return email.n <= ADDRESS_MAX_BYTES && address_split(email, &local, &domain) &&
           local_valid(local) && domain_valid(domain);
}

bool address_sendable(struct str email) {
    for (size_t i = 0; i < email.n; i++)
        if ((unsigned char)email.p[i] >= 128)
            return false;
    return address_valid(email);
}

/* A quoted local part and the bare one are the same mailbox. */
static struct str unquoted(struct str local) {
    if (local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"')
        return str_make(local.p + 1, local.n - 2);
    return local;
}

bool address_matches(struct str own, struct str given) {
    struct str own_local, own_domain, local, domain;
    if (!address_split(own, &own_local, &own_domain) || !address_split(given, &local, &domain) ||
        !str_eq_nocase(own_domain, domain))
        return false;
    own_local = unquoted(own_local);
    local = unquoted(local);
    if (str_eq_nocase(own_local, local))
        return true;
    return local.n > own_local.n && local.p[own_local.n] == '+' &&
           str_eq_nocase(own_local, str_upto(local, own_local.n));
}
