/* touchpoint/save.c - a judged touchpoint as its spool record, and back without judging again.
 *
 * The record is the stored form and, in members that begin with "_", what the stored form does not
 * say: identities in their normal form, the content's hash, the attachments' bytes. So a replay
 * gives what was acknowledged, whatever the rules of reading have become since.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "touchpoint/touchpoint_priv.h"

enum { SAVED_MAX = 256 << 20 };

static void save_identities(struct jwrite *w, const struct touchpoint *tp) {
    jwrite_open(w, "_identities", '[');
    for (size_t i = 0; i < tp->identities_n; i++) {
        const struct identity *id = &tp->identities[i];
        jwrite_open(w, NULL, '{');
        jwrite_str(w, "kind", id->kind);
        jwrite_str(w, "value", id->value);
        jwrite_bool(w, "verified", id->verified);
        jwrite_str(w, "evidence", id->evidence);
        jwrite_str(w, "display", id->display);
        jwrite_close(w, '}');
    }
    jwrite_close(w, ']');
}

static void save_blobs(struct jwrite *w, const struct touchpoint *tp) {
    jwrite_open(w, "_blobs", '{');
    for (size_t i = 0; i < tp->blobs_n; i++) {
        cleanup(buf_clear) struct buf text;
        buf_init(&text, SAVED_MAX);
        bool ok = base64_encode(&text, buf_str(&tp->blobs[i].bytes));
        jwrite_str(w, tp->blobs[i].sha256, ok ? buf_str(&text) : STR_NONE);
    }
    jwrite_close(w, '}');
}

bool touchpoint_save(const struct touchpoint *tp, struct buf *out) {
    cleanup(buf_clear) struct buf body, delivery;
    struct jwrite w;
    char content[2 * sizeof tp->content + 1];
    buf_init(&body, out->max);
    buf_init(&delivery, 64 * 1024);
    if (!touchpoint_write_body(tp, &body) || (tp->delivery && !jread_dump(&delivery, tp->delivery)))
        return false;
    hex_encode(tp->content, sizeof tp->content, content);
    struct id_text id = id_write('p', tp->id);
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "id", id.c);
    jwrite_raw(&w, "delivery", buf_str(&delivery));
    if (w.ok && body.n)
        w.ok = buf_add_byte(out, ',') && buf_add(out, buf_str(&body));
    save_identities(&w, tp);
    if (tp->blobs_n)
        save_blobs(&w, tp);
    jwrite_c(&w, "_content", content);
    if (tp->update_of.p)
        jwrite_str(&w, "_update_of", tp->update_of);
    if (tp->name.p)
        jwrite_str(&w, "_name", tp->name);
    jwrite_int(&w, "_at", tp->at_ms);
    jwrite_int(&w, "_received", tp->received_ms);
    jwrite_bool(&w, "_own_id", tp->own_id);
    jwrite_close(&w, '}');
    return w.ok;
}

static struct str keep(struct touchpoint *tp, const json_t *j, const char *key) {
    return arena_str(&tp->arena, jget_str(j, key));
}

static void load_identities(struct touchpoint *tp, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list) && tp->identities_n < IDENTITIES_MAX; i++) {
        const json_t *j = json_array_get(list, i);
        tp->identities[tp->identities_n++] = (struct identity){
            .kind = keep(tp, j, "kind"),
            .value = keep(tp, j, "value"),
            .verified = jget_bool(j, "verified", false),
            .evidence = keep(tp, j, "evidence"),
            .display = keep(tp, j, "display"),
        };
    }
}

static bool load_blobs(struct touchpoint *tp, json_t *all) {
    const char *sha256_hex;
    json_t *v;
    tp->blobs = mem_new((json_object_size(all) + 1) * sizeof *tp->blobs);
    json_object_foreach(all, sha256_hex, v) {
        struct touchpoint_blob *b = &tp->blobs[tp->blobs_n++];
        buf_init(&b->bytes, SAVED_MAX);
        if (strlen(sha256_hex) != SHA256_HEX)
            return false;
        memcpy(b->sha256, sha256_hex, sizeof b->sha256);
        if (!base64_decode(&b->bytes, str_make(json_string_value(v), json_string_length(v)), false))
            return false;
    }
    return true;
}

static void load_references(struct touchpoint *tp) {
    const json_t *lists[] = {json_object_get(tp->json, "references"),
                             json_object_get(tp->json, "in_reply_to")};
    touchpoint_references(tp, lists[0], lists[1]);
}

static void load_members(struct touchpoint *tp, const json_t *j) {
    tp->source = keep(tp, j, "source");
    tp->source_id = keep(tp, j, "source_id");
    tp->channel = keep(tp, j, "channel");
    tp->kind = keep(tp, j, "kind");
    tp->direction = keep(tp, j, "direction");
    tp->subject = keep(tp, j, "subject");
    tp->text = keep(tp, j, "text");
    tp->thread = keep(tp, j, "thread");
    tp->language = keep(tp, j, "language");
    tp->message_id = keep(tp, j, "message_id");
    tp->auto_kind = keep(tp, j, "auto");
    tp->update_of = keep(tp, j, "_update_of");
    tp->name = keep(tp, j, "_name");
    tp->at_ms = jget_int(j, "_at", 0);
    tp->received_ms = jget_int(j, "_received", 0);
    tp->revision = jget_int(j, "revision", 0);
    tp->priority = jget_int(j, "priority", 5);
    tp->deleted = jget_bool(j, "deleted", false);
    tp->own_id = jget_bool(j, "_own_id", false);
}

bool touchpoint_load(struct str saved, struct touchpoint **out, struct fault *f) {
    cleanup(touchpoint_freep) struct touchpoint *tp = NEW(struct touchpoint);
    cleanup(json_freep) json_t *j = NULL;
    const char *key;
    json_t *v;
    arena_init(&tp->arena);
    if (!jread_parse(saved, SAVED_MAX, &j, f))
        return false;
    if (!id_read(jget_str(j, "id"), 'p', &tp->id) ||
        !hex_decode(jget_str(j, "_content"), tp->content, sizeof tp->content))
        return fault_set(f, FAULT_INPUT, "/id", "not a record of a touchpoint");
    tp->json = json_object();
    json_object_foreach(j, key, v) {
        if (key[0] != '_' && strcmp(key, "id") != 0 && strcmp(key, "delivery") != 0)
            json_object_set(tp->json, key, v);
    }
    load_members(tp, j);
    load_identities(tp, json_object_get(j, "_identities"));
    load_references(tp);
    v = json_object_get(j, "delivery");
    if (json_is_object(v)) {
        tp->delivery = json_incref(v);
        tp->delivery_state = keep(tp, v, "state");
    }
    if (!load_blobs(tp, json_object_get(j, "_blobs")))
        return fault_set(f, FAULT_INPUT, "/_blobs", "not base64");
    *out = steal(&tp);
    return true;
}
