/* sip/asterisk_words.c - times, channels and caller ids as Asterisk writes them; see asterisk.h. */
#include "asterisk.h"

#include <math.h>
#include <stdlib.h>

#include <touchline/kit/date.h>

static bool all_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

bool ast_unique_ms(struct str s, int64_t *out_ms) {
    ptrdiff_t dot = -1;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '.')
            dot = (ptrdiff_t)i;
    if (dot <= 0)
        return false;
    size_t begin = (size_t)dot;
    while (begin > 0 && s.p[begin - 1] >= '0' && s.p[begin - 1] <= '9')
        begin--;
    struct str digits = str_make(s.p + begin, (size_t)dot - begin);
    if (digits.n < 9 || digits.n > 11 || !all_digits(str_from(s, (size_t)dot + 1)) ||
        (begin > 0 && s.p[begin - 1] != '-'))
        return false;
    *out_ms = 0;
    for (size_t i = 0; i < digits.n; i++)
        *out_ms = *out_ms * 10 + (digits.p[i] - '0');
    *out_ms *= 1000;
    return true;
}

/* "1284693183.123456", "1284693183123456" (microseconds); -1: neither. */
static int64_t epoch_ms(struct str s) {
    char text[32];
    struct str rest = s, head = str_cut(&rest, '.');
    if (!all_digits(head) || (rest.p && !all_digits(rest)) || s.n >= sizeof text || head.n < 9)
        return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    double v = strtod(text, NULL);
    if (head.n >= 15)
        v /= 1e6;
    return v > 0 && v < 253402300799.0 ? llround(v * 1000) : -1;
}

int64_t ast_time(const struct format_in *in, struct str s, int64_t not_before_ms) {
    int64_t ms = epoch_ms(s), both[2];
    if (ms >= 0)
        return ms;
    if (s.n < 19 || s.n > 40)
        return -1;
    if (date_parse(s, &ms)) /* with an offset of its own */
        return ms;
    if (!date_parse(arena_strf(in->arena, "%.*sZ", STR_ARG(s)), &ms))
        return -1;
    zone_both_utc_ms(in->zone, ms, both);
    return both[0] < not_before_ms ? both[1] : both[0];
}

bool ast_is_local(struct str channel) {
    return str_starts(channel, (struct str)STR("Local/"));
}

struct str ast_device(struct str channel) {
    size_t dash = channel.n;
    while (dash > 0 && channel.p[dash - 1] != '-')
        dash--;
    if (dash < 2)
        return channel;
    for (size_t i = dash; i < channel.n; i++)
        if (!strchr("0123456789abcdefABCDEF;", channel.p[i]))
            return channel;
    return str_upto(channel, dash - 1);
}

struct str ast_number(struct str clid) {
    ptrdiff_t open = str_find(clid, '<');
    if (open >= 0) {
        struct str rest = str_from(clid, (size_t)open + 1);
        return str_trim(str_cut(&rest, '>'));
    }
    return str_find(clid, '"') >= 0 ? STR_NONE : str_trim(clid);
}

struct str ast_display(struct arena *a, struct str clid) {
    struct str s = str_trim(clid);
    ptrdiff_t open = str_find(s, '<');
    if (open >= 0)
        s = str_trim(str_upto(s, (size_t)open));
    else if (!s.n || s.p[0] != '"')
        return STR_NONE; /* a number alone */
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = str_make(s.p + 1, s.n - 2);
    char *plain = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        plain[n++] = s.p[i];
    }
    return n ? str_make(plain, n) : STR_NONE;
}

struct str ast_dialled(struct str exten) {
    static const char *const none[] = {"s", "h",     "i",   "t",      "T",     "o",    "a",
                                       "e", "~~s~~", "fax", "failed", "start", "hang", "<unknown>"};
    for (size_t i = 0; i < COUNT(none); i++)
        if (str_is(exten, none[i]))
            return STR_NONE;
    return exten;
}
