/* ingest/mask_touchpoint.c - the rules over a whole touchpoint: its stored JSON, what is held of it
 * apart, its attachments; and over bytes that nobody could read. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "ingest/mask_priv.h"
#include "touchpoint/touchpoint.h"

enum { TEXT_MAX = 256 << 20, PATH_MAX_BYTES = 512, DEPTH_MAX = 64 };

struct masking {
    const struct mask *m;
    const struct mask_rule *rule;
    struct touchpoint *tp;
    size_t n;
    char path[PATH_MAX_BYTES];
};

/* What people write. Ids, times, addresses and what they are compared by stay as they are. */
static const char *const searched[] = {"subject",
                                       "text",
                                       "reply_text",
                                       "html",
                                       "tags",
                                       "warnings",
                                       "data",
                                       "envelope",
                                       "from.name",
                                       "to.name",
                                       "cc.name",
                                       "reply_to.name",
                                       "from.social.handle",
                                       "attachments.name",
                                       "call.agent",
                                       "call.queue"};

static bool below(struct str path, struct str name) {
    return str_eq(path, name) || (str_starts(path, name) && path.p[name.n] == '.');
}

/* A place of the touchpoint at which the rule looks. */
static bool looks_at(const struct masking *x) {
    const struct tl_strs *fields = &x->rule->config->fields;
    struct str path = str_c(x->path);
    for (size_t i = 0; i < fields->n; i++)
        if (below(path, fields->items[i]))
            return true;
    for (size_t i = 0; i < COUNT(searched) && !fields->n; i++)
        if (below(path, str_c(searched[i])))
            return true;
    return false;
}

/* out: what stands in its place, or NULL where nothing does. false: it stays. */
static bool masked_text(struct masking *x, struct str text, json_t **out) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, TEXT_MAX);
    if (!x->rule->find) {
        if (!text.n)
            return false;
        mask_rule_whole(x->m, x->rule, text, &b);
        x->n++;
    } else {
        size_t n = mask_rule_text(x->m, x->rule, text, false, &b);
        if (!n)
            return false;
        x->n += n;
    }
    bool gone = !x->rule->find && x->rule->config->with == MASK_DROP;
    *out = gone ? json_null() : jstr(b.n ? buf_str(&b) : str_c(""));
    return true;
}

static bool masked_value(struct masking *x, const json_t *v, json_t **out) {
    char number[32];
    if (json_is_string(v))
        return masked_text(x, str_make(json_string_value(v), json_string_length(v)), out);
    if (json_is_integer(v)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
        return masked_text(x, str_c(number), out);
    }
    if (x->rule->find || json_is_null(v))
        return false;
    return masked_text(x, str_c(json_is_true(v) ? "true" : "value"), out);
}

static void walk(struct masking *x, json_t *v, int depth);

static void walk_object(struct masking *x, json_t *o, int depth) {
    size_t before = strlen(x->path);
    const char *key;
    json_t *v, *made;
    void *next;
    json_object_foreach_safe(o, next, key, v) {
        int n = snprintf(x->path + before, sizeof x->path - before, "%s%s", before ? "." : "", key);
        if (n < 0 || (size_t)n >= sizeof x->path - before)
            x->path[sizeof x->path - 1] = '\0';
        if (json_is_object(v) || json_is_array(v))
            walk(x, v, depth + 1);
        else if (looks_at(x) && masked_value(x, v, &made))
            json_object_set_new(o, key, made);
        x->path[before] = '\0';
    }
}

static void walk(struct masking *x, json_t *v, int depth) {
    json_t *made, *item;
    size_t i;
    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(v)) {
        walk_object(x, v, depth);
        return;
    }
    json_array_foreach(v, i, item) {
        if (json_is_object(item) || json_is_array(item))
            walk(x, item, depth + 1);
        else if (looks_at(x) && masked_value(x, item, &made))
            json_array_set_new(v, i, made);
    }
}

/* ---- what is held of it apart ---- */

static struct str view_of(struct touchpoint *tp, const char *key) {
    return arena_str(&tp->arena, jget_str(tp->json, key));
}

static void mask_name(struct masking *x, struct str *name, const char *path) {
    json_t *made = NULL;
    size_t before = x->n;
    snprintf(x->path, sizeof x->path, "%s", path);
    if (!name->n || !looks_at(x) || !masked_text(x, *name, &made))
        return;
    *name =
        json_is_string(made)
            ? arena_str(&x->tp->arena, str_make(json_string_value(made), json_string_length(made)))
            : STR_NONE;
    json_decref(made);
    x->n = before; /* counted where it stands in the JSON */
}

static void take_views(struct masking *x) {
    struct touchpoint *tp = x->tp;
    tp->subject = view_of(tp, "subject");
    tp->text = view_of(tp, "text");
    tp->language = view_of(tp, "language");
    mask_name(x, &tp->name, "from.name");
    for (size_t i = 0; i < tp->identities_n; i++)
        mask_name(x, &tp->identities[i].display, "from.name");
}

/* ---- attachments ---- */

static struct touchpoint_blob *blob_of(struct touchpoint *tp, struct str sha256_hex) {
    for (size_t i = 0; i < tp->blobs_n; i++)
        if (str_is(sha256_hex, tp->blobs[i].sha256))
            return &tp->blobs[i];
    return NULL;
}

static void blob_drop(struct touchpoint *tp, struct touchpoint_blob *b) {
    buf_clear(&b->bytes);
    *b = tp->blobs[--tp->blobs_n];
}

static void drop_attachment(struct touchpoint *tp, json_t *one) {
    struct touchpoint_blob *b = blob_of(tp, jget_str(one, "sha256"));
    if (b)
        blob_drop(tp, b);
    json_object_set_new(one, "sha256", json_null());
    json_object_set_new(one, "url", json_null());
    json_object_del(one, "fetch");
    json_object_set_new(one, "masked", json_true());
}

static bool is_text(struct str type) {
    static const char *const types[] = {"application/json", "application/xml",
                                        "application/x-ndjson",
                                        "application/x-www-form-urlencoded"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (str_eq_nocase(type, str_c(types[i])))
            return true;
    return type.n > 5 && str_eq_nocase(str_upto(type, 5), (struct str)STR("text/"));
}

/* What an attachment says in plain text. */
static void mask_attached(struct masking *x, json_t *one) {
    struct touchpoint *tp = x->tp;
    struct touchpoint_blob *b = blob_of(tp, jget_str(one, "sha256"));
    cleanup(buf_clear) struct buf made;
    buf_init(&made, TEXT_MAX);
    if (!b || !x->rule->find || x->rule->config->fields.n || !is_text(jget_str(one, "type")))
        return;
    size_t n = mask_rule_text(x->m, x->rule, buf_str(&b->bytes), true, &made);
    if (!n)
        return;
    uint8_t digest[SHA256_BYTES];
    struct id_text id = id_write('p', tp->id);
    buf_clear(&b->bytes);
    buf_init(&b->bytes, TEXT_MAX);
    if (!buf_add(&b->bytes, buf_str(&made)))
        buf_reset(&b->bytes);
    sha256(buf_str(&b->bytes), digest);
    hex_encode(digest, sizeof digest, b->sha256);
    json_object_set_new(one, "sha256", json_string(b->sha256));
    json_object_set_new(one, "size", json_integer((json_int_t)b->bytes.n));
    json_object_set_new(one, "url", json_sprintf("/v1/attachments/%s/%s", id.c, b->sha256));
    x->n += n;
}

static bool drops(const struct masking *x, struct str type) {
    struct str source = x->tp->source;
    struct mask alone = {.rules = (struct mask_rule *)x->rule, .n = 1};
    return x->rule->config->attachments.n && mask_drops(&alone, x->tp->channel, source, type);
}

static void mask_attachments(struct masking *x) {
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(x->tp->json, "attachments"), i, one) {
        if (drops(x, jget_str(one, "type")))
            drop_attachment(x->tp, one);
        else
            mask_attached(x, one);
    }
}

void mask_touchpoint(const struct mask *m, struct touchpoint *tp) {
    struct str source = tp->source;
    struct str plugin = str_cut(&source, ':');
    for (size_t i = 0; i < m->n; i++) {
        struct masking x = {.m = m, .rule = &m->rules[i], .tp = tp};
        if (!mask_rule_for(x.rule, tp->channel, plugin) || !tp->json)
            continue;
        mask_attachments(&x);
        if (x.rule->find || x.rule->config->fields.n) {
            walk(&x, tp->json, 0);
            x.path[0] = '\0';
            take_views(&x);
        }
        if (x.n)
            mask_count(x.rule, tp->channel.n ? tp->channel : plugin, x.n);
    }
}

/* ---- bytes ---- */

bool mask_attachment(const struct mask *m, struct str channel, struct str source, struct str type,
                     struct str bytes, struct buf *out) {
    struct str plugin = str_cut(&source, ':');
    cleanup(buf_clear) struct buf made;
    bool any = false;
    buf_init(&made, TEXT_MAX);
    for (size_t i = 0; i < m->n && is_text(type); i++) {
        const struct mask_rule *r = &m->rules[i];
        if (!r->find || r->config->fields.n || !mask_rule_for(r, channel, plugin))
            continue;
        buf_reset(&made);
        size_t n = mask_rule_text(m, r, any ? buf_str(out) : bytes, true, &made);
        if (!n)
            continue;
        mask_count(r, channel, n);
        buf_reset(out);
        any = true;
        if (!buf_add(out, buf_str(&made)))
            buf_reset(out);
    }
    return any;
}

void mask_bytes(const struct mask *m, struct str plugin, struct str bytes, struct buf *out) {
    cleanup(buf_clear) struct buf made;
    buf_init(&made, TEXT_MAX);
    bool ok = buf_add(out, bytes);
    for (size_t i = 0; i < m->n && ok; i++) {
        const struct mask_rule *r = &m->rules[i];
        if (!r->find || (!mask_rule_for(r, STR_NONE, plugin) && !mask_reads(m, plugin)))
            continue;
        buf_reset(&made);
        size_t n = mask_rule_text(m, r, buf_str(out), true, &made);
        if (!n)
            continue;
        mask_count(r, plugin, n);
        buf_reset(out);
        ok = buf_add(out, buf_str(&made));
    }
    if (!ok)
        buf_reset(out);
}
