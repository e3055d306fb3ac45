/* trust.c - reads one Authentication-Results field, word by word.
 *
 *   mx.example.org 1; spf=pass smtp.mailfrom=a@b.c; dmarc=pass (p=none) header.from=b.c
 *   who       version  a method, its result and what it was found for
 */
#include "trust.h"

#include "address.h"

enum { WORDS_MAX = 2000 };

enum token { TOKEN_END, TOKEN_WORD, TOKEN_EQUALS, TOKEN_SEMICOLON };

struct lexer {
    struct str rest; /* one line */
    struct arena *arena;
    struct str word;
    size_t words;
};

/* Behind blanks and comments, which may nest; one without an end takes all that follows with it. */
static struct str skip_blanks(struct str s) {
    size_t depth = 0, i = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' && depth)
            i++;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && c != ' ' && c != '\t')
            break;
    }
    return str_from(s, i < s.n ? i : s.n);
}

static struct str quoted(struct lexer *x) {
    char *out = arena_new(x->arena, x->rest.n + 1);
    size_t n = 0, i = 1;
    for (; i < x->rest.n && x->rest.p[i] != '"'; i++) {
        if (x->rest.p[i] == '\\' && i + 1 < x->rest.n)
            i++;
        out[n++] = x->rest.p[i];
    }
    x->rest = str_from(x->rest, i < x->rest.n ? i + 1 : x->rest.n);
    return str_make(out, n);
}

static enum token next(struct lexer *x) {
    size_t n = 0;
    x->rest = skip_blanks(x->rest);
    if (!x->rest.n || ++x->words > WORDS_MAX)
        return TOKEN_END;
    char c = x->rest.p[0];
    if (c == '=' || c == ';') {
        x->rest = str_from(x->rest, 1);
        return c == '=' ? TOKEN_EQUALS : TOKEN_SEMICOLON;
    }
    if (c == '"') {
        x->word = quoted(x);
        return TOKEN_WORD;
    }
    while (n < x->rest.n && !strchr(" \t=;(\"", x->rest.p[n]))
        n++;
    n = n ? n : 1;
    x->word = str_upto(x->rest, n);
    x->rest = str_from(x->rest, n);
    return TOKEN_WORD;
}

static bool is_server(struct str word, const struct str *servers, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(word, servers[i]))
            return true;
    return false;
}

/* The server's name and, if it is there, version 1; then a semicolon. */
static bool head_read(struct lexer *x, const struct str *servers, size_t n) {
    if (next(x) != TOKEN_WORD || !is_server(x->word, servers, n))
        return false;
    enum token t = next(x);
    if (t == TOKEN_WORD && str_is(x->word, "1"))
        t = next(x);
    return t == TOKEN_SEMICOLON;
}

/* One method up to the next semicolon: absent result where it is none. */
struct method {
    struct str name, result, from;
};

static enum token method_read(struct lexer *x, struct method *out) {
    struct str name = STR_NONE;
    bool wants_value = false;
    *out = (struct method){.name = STR_NONE};
    for (;;) {
        enum token t = next(x);
        if (t == TOKEN_END || t == TOKEN_SEMICOLON)
            return t;
        if (t == TOKEN_EQUALS) {
            wants_value = name.n > 0;
        } else if (!wants_value) {
            name = x->word;
        } else {
            if (!out->name.n) {
                out->name = str_cut(&name, '/'); /* dmarc/1 */
                out->result = x->word;
            } else if (str_is_nocase(name, "header.from")) {
                out->from = x->word;
            }
            name = STR_NONE;
            wants_value = false;
        }
    }
}

/* As the whole domain, or as an address in it. */
static bool same_domain(struct str told, struct str domain) {
    struct str local, of_address;
    if (address_split(told, &local, &of_address))
        told = of_address;
    return str_eq_nocase(told, domain);
}

bool trust_sender(struct arena *a, const struct headers *h, const struct str *servers, size_t n,
                  struct str from) {
    struct lexer x = {.arena = a};
    struct method m;
    struct str local, domain;
    bool passed = false;
    enum token t;
    if (!n || !address_split(from, &local, &domain))
        return false;
    x.rest = header_unfold(a, headers_get(h, "Authentication-Results"));
    if (!x.rest.n || !head_read(&x, servers, n))
        return false;
    do {
        t = method_read(&x, &m);
        if (!str_is_nocase(m.name, "dmarc"))
            continue;
        /* DMARC is about the domain of From: one that names another was found for another mail. */
        if (!str_is_nocase(m.result, "pass") || (m.from.n && !same_domain(m.from, domain)))
            return false;
        passed = true;
    } while (t != TOKEN_END);
    return passed;
}
