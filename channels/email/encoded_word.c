/* encoded_word.c - words of one charset in a row are one run of bytes; white space between words is
 * none. */
#include "encoded_word.h"

#include <ctype.h>
#include <stdio.h>

#include <touchline/kit/buf.h>

#include "charset.h"
#include "mime_decode.h"

enum { CHARSET_MAX = 60, LOOK_MAX = 200 };

struct word {
    struct str charset, data;
    char encoding; /* B or Q */
    size_t bytes;  /* of the whole word */
};

struct decoder {
    struct arena *a;
    struct buf out, run;           /* run: bytes of words not yet converted */
    char charset[CHARSET_MAX + 1]; /* of the run; empty: none */
    bool endless;                  /* no "?=" comes any more */
};

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The last word of a field may have lost its end ("=?utf-8?Q?abc", "…abc?"): what is left of it is
 * data, if it can be. */
static bool word_cut_off(struct str rest, struct str *out_data) {
    size_t n = 0;
    while (n < rest.n && (unsigned char)rest.p[n] > 32 && rest.p[n] != '?')
        n++;
    *out_data = str_upto(rest, n);
    struct str behind = str_from(rest, n);
    return n > 0 && (!behind.n || str_is(behind, "?"));
}

/* Where "?=" ends the data. In Q, "?=3D" may be a question mark that was not encoded, if the word
 * goes on and ends before the next space. */
static const char *word_end(struct str rest, char encoding) {
    const char *end = memmem(rest.p, rest.n, "?=", 2);
    if (!end || encoding != 'Q')
        return end;
    struct str behind = str_from(rest, (size_t)(end - rest.p) + 2);
    if (behind.n < 4 || hex_digit(behind.p[0]) < 0 || hex_digit(behind.p[1]) < 0)
        return end;
    size_t n = 0;
    while (n < behind.n && n < LOOK_MAX && (unsigned char)behind.p[n] > 32)
        n++;
    const char *next = memmem(behind.p, n, "?=", 2);
    return next && !memmem(behind.p, (size_t)(next - behind.p), "=?", 2) ? next : end;
}

/* A word at the beginning of s, "=?charset?B?data?=". The data may hold spaces, against the rules.
 */
static bool word_at(struct decoder *d, struct str s, struct word *out) {
    struct str rest = str_from(s, 2);
    ptrdiff_t mark = str_find(str_upto(rest, CHARSET_MAX + 1), '?');
    if (d->endless || !str_starts(s, str_c("=?")) || mark <= 0)
        return false;
    out->charset = str_upto(rest, (size_t)mark);
    ptrdiff_t language = str_find(out->charset, '*'); /* RFC 2231 5 */
    if (language > 0)
        out->charset.n = (size_t)language;
    rest = str_from(rest, (size_t)mark + 1);
    if (rest.n < 4 || rest.p[1] != '?' || !strchr("bBqQ", rest.p[0]) || !rest.p[0])
        return false;
    out->encoding = (char)toupper((unsigned char)rest.p[0]);
    rest = str_from(rest, 2);
    const char *end = word_end(rest, out->encoding);
    if (!end) {
        d->endless = true;
        out->bytes = s.n;
        return word_cut_off(rest, &out->data);
    }
    out->data = str_upto(rest, (size_t)(end - rest.p));
    out->bytes = (size_t)(end - s.p) + 2;
    return true;
}

static bool add_q(struct buf *out, struct str data) {
    bool ok = true;
    for (size_t i = 0; i < data.n && ok; i++) {
        char c = data.p[i];
        if (c == '=' && i + 2 < data.n && hex_digit(data.p[i + 1]) >= 0 &&
            hex_digit(data.p[i + 2]) >= 0) {
            c = (char)(hex_digit(data.p[i + 1]) * 16 + hex_digit(data.p[i + 2]));
            i += 2;
        } else if (c == '_') {
            c = ' ';
        }
        ok = buf_add_byte(out, c);
    }
    return ok;
}

static void run_end(struct decoder *d) {
    bool known;
    struct str text = charset_to_utf8(d->a, buf_str(&d->run), d->charset, &known);
    (void)!buf_add(&d->out, text);
    buf_reset(&d->run);
    d->charset[0] = 0;
}

static void word_take(struct decoder *d, const struct word *w) {
    char charset[CHARSET_MAX + 1];
    snprintf(charset, sizeof charset, "%.*s", STR_ARG(w->charset));
    if (d->charset[0] && strcasecmp(d->charset, charset) != 0)
        run_end(d);
    memcpy(d->charset, charset, sizeof charset);
    if (w->encoding == 'B')
        mime_decode_base64(&d->run, w->data);
    else
        (void)!add_q(&d->run, w->data);
}

static size_t blanks(struct str s) {
    size_t n = 0;
    while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
        n++;
    return n;
}

struct str encoded_words(struct arena *a, struct str text) {
    struct decoder d = {.a = a};
    buf_init(&d.out, 12 * text.n + 64);
    buf_init(&d.run, text.n + 64);
    while (text.n) {
        struct word w;
        size_t gap = d.charset[0] ? blanks(text) : 0;
        if (word_at(&d, str_from(text, gap), &w)) {
            word_take(&d, &w);
            text = str_from(text, gap + w.bytes);
            continue;
        }
        if (d.charset[0])
            run_end(&d);
        ptrdiff_t next = str_find(str_from(text, 1), '=');
        size_t plain = next < 0 ? text.n : (size_t)next + 1;
        (void)!buf_add(&d.out, str_upto(text, plain));
        text = str_from(text, plain);
    }
    if (d.charset[0])
        run_end(&d);
    struct str decoded = arena_str(a, buf_str(&d.out));
    buf_clear(&d.out);
    buf_clear(&d.run);
    return decoded;
}
