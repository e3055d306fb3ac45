/* store/search.c - finding contacts by name, address or number, from the first letters on.
 *
 * {x:NN} holds WORD NUL contact, NN by the word's first two bytes: so all words with one beginning
 * lie in one slot, and a query of two letters asks one of them.
 */
#include <stdlib.h>

#include <utf8proc.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/phone.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

#include "store/contact_priv.h"
#include "store/read.h"
#include "touchpoint/touchpoint.h"

enum {
    SLOTS = 64,
    WORDS_MAX = 24, /* of one contact, or one query */
    WORD_MAX = 64,
    QUERY_WORDS_MAX = 4,
    FOUND_MAX = 2000, /* entries looked at for one word */
    RESULT_MAX = 64 << 20,
};

struct words {
    char text[WORDS_MAX][WORD_MAX];
    size_t length[WORDS_MAX], n;
};

/* ---- folding ---- */

static void word_add(struct words *w, struct str s) {
    s = utf8_upto(s, WORD_MAX);
    if (!s.n || w->n == WORDS_MAX)
        return;
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(str_make(w->text[i], w->length[i]), s))
            return;
    memcpy(w->text[w->n], s.p, s.n);
    w->length[w->n++] = s.n;
}

static bool is_letter(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
        return true;
    default:
        return false;
    }
}

/* Without case and marks: Weiß is weiss, Müller is muller. */
static char *fold(struct str s, size_t *out_n) {
    uint8_t *folded = NULL;
    s = utf8_upto(s, 1024);
    utf8proc_ssize_t n = utf8proc_map((const uint8_t *)s.p, (utf8proc_ssize_t)s.n, &folded,
                                      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                          UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
    *out_n = n > 0 ? (size_t)n : 0;
    return (char *)folded;
}

static void words_of_name(struct words *w, struct str name) {
    size_t n;
    if (!name.n)
        return;
    char *folded = fold(name, &n);
    const char *p = folded, *end = folded ? folded + n : folded, *begin = NULL;
    while (p < end) {
        const char *at = p;
        bool letter = is_letter(utf8_next(&p, end));
        if (letter && !begin)
            begin = at;
        if (!letter && begin) {
            word_add(w, str_make(begin, (size_t)(at - begin)));
            begin = NULL;
        }
    }
    if (begin)
        word_add(w, str_make(begin, (size_t)(end - begin)));
    free(folded);
}

static void word_folded(struct words *w, struct str s) {
    size_t n;
    char *folded = fold(s, &n);
    if (folded)
        word_add(w, str_make(folded, n));
    free(folded);
}

static void words_of_identity(struct words *w, const struct contact_identity *id,
                              struct str region) {
    word_folded(w, id->value);
    if (str_is(id->kind, "email")) {
        struct str rest = id->value;
        words_of_name(w, str_cut(&rest, '@')); /* jana.weiss@… is found by weiss too */
    } else if (str_is(id->kind, "phone")) {
        struct arena a;
        arena_init(&a);
        word_add(w, phone_national(&a, id->value, region));
        arena_clear(&a);
    } else if (id->display.n) {
        word_folded(w, id->display);
    }
}

/* ---- writing ---- */

static struct str slot_key(struct str word, char out[KEY_MAX]) {
    unsigned h = (unsigned char)word.p[0] * 31U + (word.n > 1 ? (unsigned char)word.p[1] : 0U);
    int n = snprintf(out, KEY_MAX, "{x:%02u}", h % SLOTS);
    return str_make(out, (size_t)n);
}

static void ignore(void *arg, const struct store_reply *r, const struct fault *fault) {
    (void)arg, (void)r, (void)fault; /* what is missing here comes with the next touchpoint */
}

static void word_write(struct store *s, struct id contact, bool add, struct str word) {
    char key[KEY_MAX], member[WORD_MAX + 1 + ID_BYTES];
    memcpy(member, word.p, word.n);
    member[word.n] = '\0';
    memcpy(member + word.n + 1, contact.b, ID_BYTES);
    const struct str keys[] = {slot_key(word, key)};
    const struct str args[] = {str_c(add ? "1" : "0"), str_make(member, word.n + 1 + ID_BYTES)};
    store_function(s, "index", false, keys, 1, args, 2, ignore, NULL);
}

void store_index(struct store *s, struct id contact, bool add, struct str name,
                 const struct contact_identity *identities, size_t n, struct str region) {
    struct words w = {.n = 0};
    words_of_name(&w, name);
    for (size_t i = 0; i < n; i++)
        words_of_identity(&w, &identities[i], region);
    for (size_t i = 0; i < w.n; i++)
        word_write(s, contact, add, str_make(w.text[i], w.length[i]));
}

/* ---- rebuilding ---- */

struct clearing {
    size_t pending;
    struct fault fault;
    store_ok_fn *done;
    void *arg;
};

static void cleared(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct clearing *c = arg;
    (void)r;
    if (fault)
        c->fault = *fault;
    if (--c->pending)
        return;
    c->done(c->arg, c->fault.kind ? &c->fault : NULL);
    free(c);
}

void store_index_clear(struct store *s, store_ok_fn *done, void *arg) {
    struct clearing *c = NEW(struct clearing);
    *c = (struct clearing){.pending = SLOTS, .done = done, .arg = arg};
    for (unsigned i = 0; i < SLOTS; i++) {
        char key[KEY_MAX];
        int n = snprintf(key, sizeof key, "{x:%02u}", i);
        const struct str argv[] = {str_c("DEL"), str_make(key, (size_t)n)};
        store_command(s, argv, 2, 1, cleared, c);
    }
}

struct scanning {
    struct store *s;
    scan_fn *done;
    void *arg;
};

static void scan_ask(struct scanning *c, struct str cursor);

static void scanned(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct scanning *c = arg;
    const struct store_reply *keys = reply_item(r, 1);
    size_t n = 0;
    if (fault) {
        c->done(c->arg, fault, NULL, 0, true);
        free(c);
        return;
    }
    struct id *ids = mem_new((keys->n + 1) * sizeof *ids);
    for (size_t i = 0; i < keys->n; i++) {
        struct str key = reply_str(keys, i);
        if (key.n == ID_TEXT + 3 && id_read(str_make(key.p + 1, ID_TEXT - 1), 'c', &ids[n]))
            n++;
    }
    struct str cursor = reply_str(r, 0);
    bool last = str_is(cursor, "0");
    c->done(c->arg, NULL, ids, n, last);
    free(ids);
    if (last)
        free(c);
    else
        scan_ask(c, cursor);
}

static void scan_ask(struct scanning *c, struct str cursor) {
    const struct str argv[] = {str_c("SCAN"),    cursor,         str_c("MATCH"),
                               str_c("{c_*}:c"), str_c("COUNT"), str_c("500")};
    store_command(c->s, argv, 6, 0, scanned, c);
}

void store_scan(struct store *s, scan_fn *done, void *arg) {
    struct scanning *c = NEW(struct scanning);
    *c = (struct scanning){s, done, arg};
    scan_ask(c, str_c("0"));
}

/* ---- asking ---- */

struct query {
    struct store *s;
    struct words words; /* all must begin some word of the contact … */
    bool has_whole;     /* … or the last of them alone: an address as far as it was typed */
    size_t limit, pending;
    bool has_after, failed;
    struct id after;
    struct id *found[QUERY_WORDS_MAX + 1]; /* of each word, sorted */
    size_t found_n[QUERY_WORDS_MAX + 1];
    struct id *result;
    size_t result_n, at;
    struct id *shown; /* contacts that stand in the answer */
    size_t shown_n;
    struct buf out;
    struct jwrite w;
    answer_fn *done;
    void *arg;
};

struct word_wait {
    struct query *q;
    size_t index;
};

static void query_free(struct query *q) {
    for (size_t i = 0; i < COUNT(q->found); i++)
        free(q->found[i]);
    free(q->result);
    free(q->shown);
    buf_clear(&q->out);
    free(q);
}

static int by_id(const void *a, const void *b) {
    return memcmp(a, b, ID_BYTES);
}

static void query_end(struct query *q) {
    const struct answer late = {.kind = ANSWER_LATER};
    struct answer a = {.kind = ANSWER_OK};
    bool more = q->at < q->result_n;
    jwrite_close(&q->w, ']');
    jwrite_str(&q->w, "next", more ? str_c(id_write('c', q->result[q->at - 1]).c) : STR_NONE);
    jwrite_close(&q->w, '}');
    a.json = buf_str(&q->out);
    q->done(q->arg, q->failed || !q->w.ok ? &late : &a);
    query_free(q);
}

static void query_next(struct query *q);

/* A part that was merged leads to its contact, which may stand here already. */
static bool is_shown(const struct query *q, struct id id) {
    for (size_t i = 0; i < q->shown_n; i++)
        if (id_equal(q->shown[i], id))
            return true;
    return false;
}

static void query_profile(void *arg, const struct fault *fault, struct profiles *p) {
    struct query *q = arg;
    int64_t rev;
    if (fault) {
        q->failed = true;
        query_end(q);
        return;
    }
    if (p->found && !is_shown(q, p->parts[0].id)) {
        q->w.ok = q->w.ok && (!q->shown_n || buf_add_byte(&q->out, ',')) &&
                  contact_json(p, &q->out, &rev);
        q->shown[q->shown_n++] = p->parts[0].id;
    }
    query_next(q);
}

static void query_next(struct query *q) {
    if (q->at == q->result_n || q->shown_n == q->limit) {
        query_end(q);
        return;
    }
    store_profiles(q->s, q->result[q->at++], false, query_profile, q);
}

static bool in_one(const struct query *q, size_t word, const struct id *id) {
    return q->found_n[word] &&
           bsearch(id, q->found[word], q->found_n[word], sizeof *id, by_id) != NULL;
}

static bool in_all(const struct query *q, size_t words, const struct id *id) {
    for (size_t i = 0; i < words; i++)
        if (!in_one(q, i, id))
            return false;
    return words > 0;
}

static void add_results(struct query *q, size_t word, size_t words) {
    for (size_t i = 0; i < q->found_n[word]; i++) {
        const struct id *id = &q->found[word][i];
        bool new = word == 0 || !in_all(q, words, id); /* what the words found stands already */
        if ((!q->has_after || by_id(id, &q->after) > 0) && new &&
            (word > 0 || in_all(q, words, id)))
            q->result[q->result_n++] = *id;
    }
}

static void query_intersect(struct query *q) {
    size_t words = q->words.n - q->has_whole;
    q->result = mem_new((q->found_n[0] + q->found_n[words] + 1) * sizeof *q->result);
    q->shown = mem_new((q->limit + 1) * sizeof *q->shown);
    if (words)
        add_results(q, 0, words);
    if (q->has_whole)
        add_results(q, words, words);
    qsort(q->result, q->result_n, sizeof *q->result, by_id);
    buf_init(&q->out, RESULT_MAX);
    jwrite_init(&q->w, &q->out);
    jwrite_open(&q->w, NULL, '{');
    jwrite_open(&q->w, "items", '[');
    query_next(q);
}

static void word_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct word_wait *ww = arg;
    struct query *q = ww->q;
    size_t i = ww->index;
    free(ww);
    if (fault) {
        q->failed = true;
    } else {
        q->found[i] = mem_new((r->n + 1) * sizeof *q->found[i]);
        for (size_t k = 0; k < r->n; k++)
            if (id_from(reply_str(r, k), &q->found[i][q->found_n[i]]))
                q->found_n[i]++;
        qsort(q->found[i], q->found_n[i], sizeof *q->found[i], by_id);
    }
    if (--q->pending == 0)
        query_intersect(q);
}

/* An address as it stands, a number without what people put between its digits, else words. */
static void words_of_query(struct words *w, struct str q) {
    char digits[WORD_MAX];
    size_t n = 0;
    bool number = true;
    q = str_trim(q);
    for (size_t i = 0; i < q.n; i++) {
        char c = q.p[i];
        if ((c >= '0' && c <= '9') || (c == '+' && n == 0)) {
            if (n < sizeof digits)
                digits[n++] = c;
        } else if (!strchr(" -./()", c)) {
            number = false;
        }
    }
    if (number && n >= 3) {
        struct arena a;
        arena_init(&a);
        struct str typed = str_make(digits, n);
        word_add(w, digits[0] == '+' ? phone_canonical(&a, typed) : typed);
        arena_clear(&a);
    } else if (str_find(q, '@') >= 0)
        word_folded(w, q);
    else
        words_of_name(w, q);
    if (w->n > QUERY_WORDS_MAX)
        w->n = QUERY_WORDS_MAX;
}

/* "jana.w": may be two words of a name, or how an address begins. */
static bool may_be_address(struct str q) {
    bool marks = false;
    for (size_t i = 0; i < q.n; i++) {
        if (q.p[i] == ' ' || q.p[i] == '@')
            return false;
        marks |= strchr("._-+", q.p[i]) != NULL;
    }
    return marks;
}

static void no_words(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct query *q = arg;
    (void)r;
    q->failed = fault != NULL;
    query_intersect(q);
}

void store_search_contacts(struct store *s, struct str text, size_t limit, struct str cursor,
                           answer_fn *done, void *arg) {
    struct query *q = NEW(struct query);
    q->s = s;
    q->limit = limit;
    q->done = done;
    q->arg = arg;
    q->has_after = id_read(cursor, 'c', &q->after);
    words_of_query(&q->words, text);
    if (q->words.n > 1 && may_be_address(str_trim(text))) {
        word_folded(&q->words, str_trim(text));
        q->has_whole = true;
    }
    q->pending = q->words.n;
    if (!q->words.n) {
        const struct str argv[] = {str_c("PING")};
        store_command(s, argv, 1, 0, no_words, q);
        return;
    }
    for (size_t i = 0; i < q->words.n; i++) {
        char key[KEY_MAX], number[24];
        struct str word = str_make(q->words.text[i], q->words.length[i]);
        struct word_wait *ww = NEW(struct word_wait);
        *ww = (struct word_wait){q, i};
        const struct str keys[] = {slot_key(word, key)};
        const struct str args[] = {word, store_int(FOUND_MAX, number)};
        store_function(s, "search", true, keys, 1, args, 2, word_answer, ww);
    }
}
