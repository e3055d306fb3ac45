/* bounce_words.c - tables of phrases; the first that is found decides, so the narrower stand first.
 */
#include "bounce_words.h"

#include <ctype.h>
#include <stdint.h>

#include <touchline/kit/own.h>

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

struct str bounce_code(struct str s) {
    for (size_t i = 0; i + 3 <= s.n; i++) {
        bool code = (s.p[i] == '4' || s.p[i] == '5') && s.p[i + 1] >= '0' && s.p[i + 1] <= '7' &&
                    isdigit((unsigned char)s.p[i + 2]);
        bool ends = i + 3 == s.n || !(isalnum((unsigned char)s.p[i + 3]) || s.p[i + 3] == '.');
        if (code && ends && free_before(s, i))
            return str_make(s.p + i, 3);
    }
    return STR_NONE;
}

enum verdict { SOFT, HARD };

static const struct {
    const char *phrase; /* lower case */
    enum verdict verdict;
} phrases[] = {
    {"mailbox full", SOFT},
    {"mailbox is full", SOFT},
    {"mailbox over", SOFT},
    {"quota", SOFT},
    {"has exceeded", SOFT},
    {"recipient address rejected: access denied", HARD},
    {"access denied", SOFT},
    {"couldn't create", SOFT},
    {"user unknown", HARD},
    {"unknown user", HARD},
    {"no such user", HARD},
    {"no such recipient", HARD},
    {"no such address", HARD},
    {"no such local user", HARD},
    {"no such person", HARD},
    {"not listed in", HARD},
    {"user not found", HARD},
    {"recipient not found", HARD},
    {"recipient unknown", HARD},
    {"unknown recipient", HARD},
    {"unknown address", HARD},
    {"address unknown", HARD},
    {"does not exist", HARD},
    {"doesn't exist", HARD},
    {"doesn't have a", HARD},
    {"no valid recipients", HARD},
    {"check if address is correct", HARD},
    {"\xe8\xa6\x8b\xe3\x81\xa4\xe3\x81\x8b\xe3\x82\x8a\xe3\x81\xbe\xe3\x81\x9b",
     HARD}, /* not found */
    {"not a valid recipient", HARD},
    {"invalid recipient", HARD},
    {"mailbox name not allowed", HARD},
    {"mailbox not found", HARD},
    {"no mailbox here", HARD},
    {"unrouteable address", HARD},
    {"address has changed", HARD},
    {"has moved", HARD},
    {"account has been disabled", HARD},
    {"mailbox unavailable", HARD},
    {"spam", SOFT},
    {"blacklist", SOFT},
    {"blocked", SOFT},
    {"banned", SOFT},
    {"reputation", SOFT},
    {"dmarc", SOFT},
    {"authenticat", SOFT},
    {"policy", SOFT},
    {"for security", SOFT},
    {"security reason", SOFT},
    {"virus", SOFT},
    {"too large", SOFT},
    {"too big", SOFT},
    {"too many hops", SOFT},
    {"loop", SOFT},
    {"temporar", SOFT},
    {"try again", SOFT},
    {"timed out", SOFT},
    {"expired", SOFT},
    {"suspend", SOFT},
    {"not member", SOFT},
    {"command died", SOFT},
    {"refused", SOFT},
};

/* Lower case, white space folded: what a phrase may be looked for in. */
static struct str folded(char out[WORDS_MAX], struct str words) {
    size_t n = 0;
    for (size_t i = 0; i < words.n && n < WORDS_MAX; i++) {
        char c = words.p[i];
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (space && n && out[n - 1] == ' ')
            continue;
        out[n++] = space ? ' ' : (char)tolower((unsigned char)c);
    }
    return str_make(out, n);
}

static ptrdiff_t phrase_in(struct str text) {
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (memmem(text.p, text.n, phrases[i].phrase, strlen(phrases[i].phrase)))
            return (ptrdiff_t)i;
    return -1;
}

/* Refused after the server had taken the recipient: whatever it says then, it knows the address. In
 * a transcript the first refusal counts, by the command above it. */
bool bounce_after_data(struct str text) {
    static const char refusal[] = "\n<<< 5", command[] = ">>> DATA";
    const char *at = memmem(text.p, text.n, refusal, sizeof refusal - 1);
    if (at && (size_t)(at - text.p) >= sizeof command - 1)
        return !memcmp(at - (sizeof command - 1), command, sizeof command - 1);
    return memmem(text.p, text.n, "end of DATA", 11) != NULL;
}

bool bounce_is_hard(struct str words, struct str status, struct str code) {
    char lower[WORDS_MAX];
    ptrdiff_t phrase = words.n ? phrase_in(folded(lower, words)) : -1;
    bool permanent = status.n ? status.p[0] == '5' : code.n ? code.p[0] == '5' : phrase >= 0;
    if (!permanent)
        return false;
    if (phrase >= 0)
        return phrases[phrase].verdict == HARD;
    if (str_is(status, "5.2.2") || str_starts(status, str_c("5.7.")) ||
        str_starts(status, str_c("5.3.")))
        return false;
    return status.n && !str_is(status, "5.0.0") && !str_is(status, "5.2.0");
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
    struct str s = folded(lower, subject);
    for (size_t i = 0; i < COUNT(words); i++)
        if (memmem(s.p, s.n, words[i], strlen(words[i])))
            return true;
    return false;
}

/* A line is believed when it carries a code in the way servers write one, or a phrase of the table.
 */
struct str bounce_reason_line(struct str text) {
    struct str phrase_line = STR_NONE;
    char lower[WORDS_MAX];
    for (size_t seen = 0; text.n && seen < 400; seen++) {
        struct str line = str_trim(str_upto(header_line(&text), 500));
        struct str code = bounce_code(line);
        size_t at = code.n ? (size_t)(code.p - line.p) : 0;
        bool spoken = code.n && (at == 0 || line.p[at - 1] != '#') &&
                      (bounce_status(line).n || at < 5 || memmem(line.p, at, ": ", 2) ||
                       memmem(line.p, at, "SMTP", 4) || memmem(line.p, at, "said", 4));
        if (spoken)
            return line;
        if (!phrase_line.n && line.n && phrase_in(folded(lower, line)) >= 0)
            phrase_line = line;
    }
    return phrase_line;
}
