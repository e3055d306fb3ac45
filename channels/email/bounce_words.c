/* bounce_words.c - codes, subjects and lines, found by their shape. */
#include "bounce_words.h"

#include <ctype.h>
#include <stdint.h>

#include <touchline/kit/own.h>

#include "bounce_reason.h"
#include "header.h"

enum { WORDS_MAX = 4096 };

/* The enhanced code wants three numbers with dots, and nothing of that kind around (an IP address).
 */
static size_t status_at(struct str s, size_t i) {
    size_t n = i + 1;
    if (s.p[i] != '2' && s.p[i] != '4' && s.p[i] != '5')
        return 0;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        if (n >= s.n || s.p[n] != '.')
            return 0;
        for (n++; n < s.n && isdigit((unsigned char)s.p[n]) && digits < 4; n++)
            digits++;
        if (digits == 0 || digits > 3)
            return 0;
    }
    bool more = n < s.n && (isalnum((unsigned char)s.p[n]) ||
                            (s.p[n] == '.' && n + 1 < s.n && isdigit((unsigned char)s.p[n + 1])));
    return more ? 0 : n - i;
}

static bool free_before(struct str s, size_t i) {
    return i == 0 ||
           !(isalnum((unsigned char)s.p[i - 1]) || s.p[i - 1] == '.' || s.p[i - 1] == '-');
}

struct str bounce_status(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        bool multiline =
            i > 1 && s.p[i - 1] == '-' && isdigit((unsigned char)s.p[i - 2]); /* 550-5.1.1 */
        size_t n = free_before(s, i) || multiline ? status_at(s, i) : 0;
        if (n)
            return str_make(s.p + i, n);
    }
    return STR_NONE;
}

/* Codes that some document gives a meaning; other numbers are not replies. */
static bool is_reply_code(const char *p) {
    static const char codes[] = "421 422 430 432 450 451 452 453 454 455 456 458 459 500 501 502 "
                                "503 504 510 511 512 515 520 521 523 524 525 530 533 534 535 538 "
                                "541 542 550 551 552 553 554 555 556 557 571 572 573";
    for (size_t i = 0; i + 3 < sizeof codes; i += 4)
        if (!memcmp(codes + i, p, 3))
            return true;
    return false;
}

struct str bounce_code(struct str s) {
    for (size_t i = 0; i + 3 <= s.n; i++) {
        bool code = is_reply_code(s.p + i);
        bool ends = i + 3 == s.n || !(isalnum((unsigned char)s.p[i + 3]) || s.p[i + 3] == '.');
        if (code && ends && free_before(s, i))
            return str_make(s.p + i, 3);
    }
    return STR_NONE;
}

struct str bounce_folded(char *out, size_t max, struct str words) {
    size_t n = 0;
    for (size_t i = 0; i < words.n && n < max; i++) {
        char c = words.p[i];
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (space && n && out[n - 1] == ' ')
            continue;
        out[n++] = space ? ' ' : (char)tolower((unsigned char)c);
    }
    return str_make(out, n);
}

static bool any_in(struct str text, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memmem(text.p, text.n, words[i], strlen(words[i])))
            return true;
    return false;
}

/* A code 4xx alone says nothing: many give up on one. */
bool bounce_is_delay(struct str subject, struct str words) {
    static const char *const delays[] = {
        "delayed",
        "warning:",
        "will be retried",
        "will continue to",
        "will keep trying",
        "has not yet been",
        "not yet been delivered",
        "still being retried",
        "still trying",
        "no action is required",
        "do not need to resend",
        "verzögert",
        "retardé",
    };
    static const char *const ends[] = {
        "giving up",         "gave up",     "not going to try", "permanent",    "will not be",
        "will not continue", "no further",  "too long",         "expired",      "undeliverable",
        "undelivered",       "returned to", "has failed",       "failed after",
    };
    char lower[WORDS_MAX];
    if (any_in(bounce_folded(lower, sizeof lower, subject), delays, COUNT(delays)))
        return true;
    struct str text = bounce_folded(lower, sizeof lower, words);
    return any_in(text, delays, COUNT(delays)) && !any_in(text, ends, COUNT(ends));
}

bool bounce_subject(struct str subject) {
    static const char *const words[] = {
        "undeliver",      "delivery fail",    "delivery has failed", "failure notice",
        "returned mail",  "mail delivery",    "delivery status",     "delivery report",
        "delivery notif", "could not be",     "mail system error",   "mail failure",
        "not delivered",  "delivery problem", "error sending",       "not member",
        "unzustellbar",   "non remis",        "loop alert",          "warning: message",
    };
    char lower[WORDS_MAX];
    return any_in(bounce_folded(lower, sizeof lower, subject), words, COUNT(words));
}

/* A line is believed when it carries a code in the way servers write one, or a phrase of the table.
 */
struct str bounce_reason_line(struct str text) {
    struct str phrase_line = STR_NONE;
    for (size_t seen = 0; text.n && seen < 400; seen++) {
        struct str line = str_trim(str_upto(header_line(&text), 500));
        struct str code = bounce_code(line);
        size_t at = code.n ? (size_t)(code.p - line.p) : 0;
        bool spoken = code.n && (at == 0 || line.p[at - 1] != '#') &&
                      (bounce_status(line).n || at < 5 || memmem(line.p, at, ": ", 2) ||
                       memmem(line.p, at, "SMTP", 4) || memmem(line.p, at, "said", 4));
        if (spoken)
            return line;
        if (!phrase_line.n && line.n && bounce_words_tell(line))
            phrase_line = line;
    }
    return phrase_line;
}
