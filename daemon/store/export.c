/* store/export.c - all that is held about a person, one JSON document; and how much that is.
 *
 *   {"contact": …, "touchpoints": […], "conversations": […]}
 *
 * What is linked to the person by a claim alone stays out until somebody has confirmed it: it may
 * be somebody else's.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "store/contact_priv.h"
#include "store/episode.h"
#include "store/page.h"
#include "store/read.h"

enum { EXPORT_MAX = 64 << 20, EXPORT_PAGE = 500 };

struct exporting {
    struct store *s;
    struct arena arena;
    struct buf out;
    struct jwrite w;
    struct page_query q;
    struct episodes episodes;
    struct id parts[PAGE_PARTS_MAX];
    size_t parts_n, part; /* part: whose conversations are read */
    const struct contact_identity *kept, *left_out;
    size_t kept_n, left_out_n;
    answer_fn *done;
    void *arg;
};

static void exporting_free(struct exporting *e) {
    buf_clear(&e->out);
    arena_clear(&e->arena);
    free(e);
}

static void end(struct exporting *e, const struct answer *a) {
    e->done(e->arg, a);
    exporting_free(e);
}

static void too_large(struct exporting *e) {
    const struct answer a = {.kind = ANSWER_REFUSED,
                             .code = "too-large",
                             .pointer = "",
                             .detail = "the export would be larger than 64 MiB"};
    end(e, &a);
}

static void fail(struct exporting *e) {
    const struct answer a = {.kind = ANSWER_LATER};
    end(e, &a);
}

/* ---- what is left out ---- */

/* "030 1234567" and "+49301234567": the digits at the end decide. */
static bool same_number(struct str raw, struct str e164) {
    size_t i = raw.n, k = e164.n, same = 0;
    while (i > 0) {
        char c = raw.p[--i];
        if (c < '0' || c > '9')
            continue;
        if (k == 0 || e164.p[k - 1] != c)
            break;
        k--;
        same++;
    }
    return same >= 6;
}

static bool names(const json_t *person, const struct contact_identity *id) {
    if (str_is(id->kind, "email"))
        return str_eq(jget_str(person, "email"), id->value);
    if (str_is(id->kind, "phone"))
        return same_number(jget_str(person, "phone"), id->value);
    const json_t *social = json_object_get(person, "social");
    if (str_eq(jget_str(social, "network"), id->kind) && str_eq(jget_str(social, "id"), id->value))
        return true;
    const json_t *v = json_object_getn(json_object_get(person, "external"), id->kind.p, id->kind.n);
    return json_is_string(v) &&
           str_eq(str_make(json_string_value(v), json_string_length(v)), id->value);
}

static bool names_any(const json_t *j, const struct contact_identity *list, size_t n) {
    const json_t *from = json_object_get(j, "from"), *to = json_object_get(j, "to");
    for (size_t i = 0; i < n; i++) {
        if (names(from, &list[i]))
            return true;
        for (size_t k = 0; k < json_array_size(to); k++)
            if (names(json_array_get(to, k), &list[i]))
                return true;
    }
    return false;
}

static bool is_left_out(const struct exporting *e, struct str touchpoint) {
    cleanup(json_freep) json_t *j = NULL;
    if (!e->left_out_n || !jread_parse(touchpoint, EXPORT_MAX, &j, NULL))
        return false;
    return names_any(j, e->left_out, e->left_out_n) && !names_any(j, e->kept, e->kept_n);
}

static const struct contact_identity *keep(struct exporting *e, const struct contact_identity *from,
                                           size_t n, bool claimed, size_t *out_n) {
    struct contact_identity *list = arena_new(&e->arena, (n + 1) * sizeof *list);
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if ((from[i].link == LINK_CLAIMED) != claimed)
            continue;
        list[*out_n] = from[i];
        list[*out_n].kind = arena_str(&e->arena, from[i].kind);
        list[*out_n].value = arena_str(&e->arena, from[i].value);
        (*out_n)++;
    }
    return list;
}

/* The contact without what is left out. */
static void without_claims(struct profiles *p) {
    for (size_t i = 0; i < p->parts_n; i++) {
        struct part_profile *part = &p->parts[i];
        size_t n = 0;
        for (size_t k = 0; k < part->identities_n; k++)
            if (part->identities[k].link != LINK_CLAIMED)
                part->identities[n++] = part->identities[k];
        part->identities_n = n;
    }
}

/* ---- step by step ---- */

static void conversations_ask(struct exporting *e);

static void conversations_answer(void *arg, const struct store_reply *r,
                                 const struct fault *fault) {
    struct exporting *e = arg;
    struct conversation v;
    struct id id;
    if (fault) {
        fail(e);
        return;
    }
    for (size_t i = 0; i + 1 < r->n && e->w.ok; i += 2) {
        struct str field = reply_str(r, i);
        if (field.n != ID_BYTES || !id_from(field, &id) ||
            !conversation_decode(id, reply_str(r, i + 1), &v))
            continue;
        e->w.ok = (!e->w.comma || buf_add_byte(&e->out, ',')) &&
                  conversation_json(&v, e->parts[0], &e->episodes, &e->out) &&
                  buf_add_byte(&e->out, '}');
        e->w.comma = true;
    }
    e->part++;
    conversations_ask(e);
}

static void conversations_ask(struct exporting *e) {
    struct part_keys k;
    if (!e->w.ok) {
        too_large(e);
        return;
    }
    if (e->part < e->parts_n) {
        part_keys(e->parts[e->part], &k);
        const struct str argv[] = {str_c("HGETALL"), k.v};
        store_command(e->s, argv, 2, 1, conversations_answer, e);
        return;
    }
    jwrite_close(&e->w, ']');
    jwrite_close(&e->w, '}');
    if (!e->w.ok) {
        too_large(e);
        return;
    }
    const struct answer a = {.kind = ANSWER_OK, .json = buf_str(&e->out)};
    end(e, &a);
}

static void touchpoints_page(void *arg, const struct page_result *r) {
    struct exporting *e = arg;
    if (r->fault) {
        fail(e);
        return;
    }
    for (size_t i = 0; i < r->n && e->w.ok; i++) {
        cleanup(buf_clear) struct buf one;
        buf_init(&one, EXPORT_MAX);
        e->w.ok = page_entry(r, i, e->parts[0], &one);
        if (e->w.ok && !is_left_out(e, buf_str(&one)))
            jwrite_raw(&e->w, NULL, buf_str(&one));
    }
    if (e->w.ok && r->next.n && page_cursor_read(r->next, &e->q.cursor_ms, &e->q.cursor_id)) {
        e->q.has_cursor = true;
        page_read(e->s, e->parts, e->parts_n, &e->q, touchpoints_page, e);
        return;
    }
    jwrite_close(&e->w, ']');
    jwrite_open(&e->w, "conversations", '[');
    conversations_ask(e);
}

static void profiles_found(void *arg, const struct fault *fault, struct profiles *p) {
    struct exporting *e = arg;
    int64_t rev;
    size_t n;
    if (fault) {
        fail(e);
        return;
    }
    if (!p->found) {
        const struct answer a = {.kind = p->gone ? ANSWER_GONE : ANSWER_NOT_FOUND};
        end(e, &a);
        return;
    }
    const struct contact_identity *all = profiles_identities(p, &n);
    e->kept = keep(e, all, n, false, &e->kept_n);
    e->left_out = keep(e, all, n, true, &e->left_out_n);
    without_claims(p);
    struct episodes visits;
    profiles_episodes(p, &visits);
    episodes_copy(&e->episodes, &visits, &e->arena);
    for (; e->parts_n < p->parts_n && e->parts_n < PAGE_PARTS_MAX; e->parts_n++)
        e->parts[e->parts_n] = p->parts[e->parts_n].id;
    jwrite_init(&e->w, &e->out);
    e->w.ok = buf_add_c(&e->out, "{\"contact\":") && contact_json(p, &e->out, &rev);
    e->w.comma = true;
    jwrite_open(&e->w, "touchpoints", '[');
    page_read(e->s, e->parts, e->parts_n, &e->q, touchpoints_page, e);
}

static struct id id_or_none(struct str text) {
    struct id id;
    return id_read(text, 'c', &id) ? id : (struct id){{0}};
}

void store_export_contact(struct store *s, struct str contact, answer_fn *done, void *arg) {
    struct exporting *e = NEW(struct exporting);
    *e = (struct exporting){.s = s, .done = done, .arg = arg};
    e->q = (struct page_query){.limit = EXPORT_PAGE, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    arena_init(&e->arena);
    buf_init(&e->out, EXPORT_MAX);
    store_profiles(s, id_or_none(contact), false, profiles_found, e);
}

/* ---- counting ---- */

struct counting {
    answer_fn *done;
    void *arg;
};

static void counted(void *arg, const struct fault *fault, struct profiles *p) {
    struct counting *c = arg;
    if (fault) {
        answer_fault(c->done, c->arg, fault);
    } else if (!p->found) {
        answer_kind(c->done, c->arg, p->gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
    } else {
        cleanup(buf_clear) struct buf json;
        int64_t touchpoints = 0;
        size_t identities;
        struct jwrite w;
        buf_init(&json, 4096);
        for (size_t i = 0; i < p->parts_n; i++)
            touchpoints += p->parts[i].touchpoints;
        (void)profiles_identities(p, &identities);
        jwrite_init(&w, &json);
        jwrite_open(&w, NULL, '{');
        jwrite_c(&w, "contact", id_write('c', p->parts[0].id).c);
        jwrite_int(&w, "touchpoints", touchpoints);
        jwrite_int(&w, "identities", (int64_t)identities);
        jwrite_int(&w, "parts", (int64_t)p->parts_n);
        jwrite_close(&w, '}');
        const struct answer a = {.kind = ANSWER_OK, .json = buf_str(&json)};
        c->done(c->arg, &a);
    }
    free(c);
}

void store_count_contact(struct store *s, struct str contact, answer_fn *done, void *arg) {
    struct counting *c = NEW(struct counting);
    *c = (struct counting){done, arg};
    store_profiles(s, id_or_none(contact), false, counted, c);
}
