/* ingest/mask_text.c - one rule over one text. Pure.
 *
 *   card   4111 1111 1111 1111        ──mask──► **** **** **** 1111     ──hash──► [card 1f0c…]
 *   iban   DE89 3704 0044 0532 0130 00 ───────► DE** **** **** **** **30 00
 *   pattern, whole field                ──────► stars for each character
 *
 * A pattern that runs into its limits cannot say that nothing is there, so the text goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>

#include "base/log.h"
#include "ingest/mask_find.h"
#include "ingest/mask_priv.h"
#include "touchpoint/id.h"

enum { MATCH_STEPS_MAX = 2000000, MATCH_DEPTH_MAX = 4000, KEPT_LAST = 4, HASH_HEX = 12 };

#define NOT_SEARCHED "[masked: could not be searched]"

struct writing {
    const struct mask *m;
    const struct mask_rule *rule;
    struct buf *out;
    bool raw, full;
};

static void put(struct writing *w, struct str s) {
    w->full |= !buf_add(w->out, s);
}

static bool is_sign(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Stars for all signs but the first and the last few; what stands between them stays. */
static void put_stars(struct writing *w, struct str found, size_t first, size_t last) {
    size_t signs = 0, seen = 0;
    for (size_t i = 0; i < found.n;) {
        size_t gap = mask_gap(found, i, w->raw);
        signs += !gap && is_sign(found.p[i]);
        i += gap ? gap : 1;
    }
    for (size_t i = 0; i < found.n;) {
        size_t gap = mask_gap(found, i, w->raw);
        bool star = !gap && is_sign(found.p[i]) && seen >= first && seen + last < signs;
        seen += !gap && is_sign(found.p[i]);
        put(w, star ? str_c("*") : str_upto(str_from(found, i), gap ? gap : 1));
        i += gap ? gap : 1;
    }
}

/* A star for each character. */
static void put_blank(struct writing *w, struct str found) {
    for (size_t i = 0; i < found.n; i++)
        if (((unsigned char)found.p[i] & 0xC0) != 0x80)
            put(w, str_c("*"));
}

/* The same value has the same hash, whatever stands between its groups. */
static void put_hash(struct writing *w, struct str found, const char *what) {
    cleanup(buf_clear) struct buf plain;
    char hex[2 * ID_BYTES + 1], text[64];
    buf_init(&plain, found.n + 1);
    for (size_t i = 0; i < found.n; i++) {
        bool kept = w->rule->find == FIND_PATTERN || !w->rule->find || is_sign(found.p[i]);
        w->full |= kept && !buf_add_byte(&plain, found.p[i]);
    }
    struct id id = id_reference(w->m->ids, str_c("mask"), buf_str(&plain));
    hex_encode(id.b, sizeof id.b, hex);
    snprintf(text, sizeof text, "[%s %.*s]", what, HASH_HEX, hex);
    put(w, str_c(text));
}

static void put_instead(struct writing *w, struct str found, enum mask_find kind) {
    static const char *const words[] = {[FIND_NOTHING] = "value",
                                        [FIND_CARD] = "card",
                                        [FIND_IBAN] = "iban",
                                        [FIND_PATTERN] = "value"};
    switch ((enum mask_with)w->rule->config->with) {
    case MASK_DROP:
        return;
    case MASK_HASH:
        put_hash(w, found, words[kind]);
        return;
    case MASK_MASK:
        break;
    }
    if (kind == FIND_CARD)
        put_stars(w, found, 0, KEPT_LAST);
    else if (kind == FIND_IBAN)
        put_stars(w, found, 2, KEPT_LAST);
    else
        put_blank(w, found);
}

/* ---- finding ---- */

/* 1: found, 0: nothing more, -1: beyond the limits. */
static int pattern_find(const struct mask_rule *r, struct str text, size_t from,
                        struct mask_span *out) {
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!data || !limits)
        abort(); /* out of memory, as in mem_new */
    pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(limits, MATCH_DEPTH_MAX);
    int code = pcre2_match(r->pattern, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, from,
                           PCRE2_NOTEMPTY, data, limits);
    if (code >= 0) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
        *out = (struct mask_span){at[0], at[1]};
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    bool odd = code >= 0 && (out->end <= out->begin || out->begin < from); /* \K and the like */
    return code >= 0 && !odd ? 1 : code == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static size_t replace(struct writing *w, struct str text, enum mask_find kind) {
    size_t n = 0, from = 0;
    struct mask_span at;
    int found = 1;
    while (found > 0) {
        found = kind == FIND_CARD   ? mask_find_card(text, from, w->raw, &at)
                : kind == FIND_IBAN ? mask_find_iban(text, from, w->raw, &at)
                                    : pattern_find(w->rule, text, from, &at);
        if (found <= 0)
            break;
        put(w, str_upto(str_from(text, from), at.begin - from));
        put_instead(w, str_upto(str_from(text, at.begin), at.end - at.begin), kind);
        from = at.end;
        n++;
    }
    if (found < 0) {
        log_warn("mask.pattern", "rule=%s what=\"beyond its limits; the text is not kept\"",
                 log_value(str_c(w->rule->name)));
        buf_reset(w->out);
        put(w, str_c(NOT_SEARCHED));
        return n + 1;
    }
    if (n)
        put(w, str_from(text, from));
    return n;
}

size_t mask_rule_text(const struct mask *m, const struct mask_rule *r, struct str text, bool raw,
                      struct buf *out) {
    static const enum mask_find kinds[] = {FIND_CARD, FIND_IBAN, FIND_PATTERN};
    cleanup(buf_clear) struct buf made;
    size_t n = 0;
    buf_init(&made, out->max);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct writing w = {.m = m, .rule = r, .out = &made, .raw = raw};
        if (!(r->find & kinds[i]))
            continue;
        buf_reset(&made);
        size_t found = replace(&w, n ? buf_str(out) : text, kinds[i]);
        if (!found)
            continue;
        n += found;
        buf_reset(out);
        if (w.full || !buf_add(out, buf_str(&made))) { /* longer than its bound: nothing of it */
            buf_reset(out);
            return n;
        }
    }
    return n;
}

void mask_rule_whole(const struct mask *m, const struct mask_rule *r, struct str text,
                     struct buf *out) {
    struct writing w = {.m = m, .rule = r, .out = out};
    if (r->config->with == MASK_MASK)
        put(&w, str_c("***"));
    else
        put_instead(&w, text, FIND_NOTHING);
}
