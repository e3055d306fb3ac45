/* store/record.c - keys of a contact's part, and what stands in its fields (functions/contact.lua).
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/contact_priv.h"

const char *const contact_channels[CHANNELS_N] = {
    "email", "call", "form", "social", "chat", "sms", "letter", "fax", "visit", "web", "other"};

/* ---- keys ---- */

void part_keys(struct id part, struct part_keys *out) {
    struct id_text id = id_write('c', part);
    struct str *keys[4] = {&out->c, &out->t, &out->b, &out->v};
    for (int i = 0; i < 4; i++) {
        int n = snprintf(out->text[i], KEY_MAX, "{%s}:%c", id.c, "ctbv"[i]);
        *keys[i] = str_make(out->text[i], (size_t)n);
    }
}

struct str bucket_key(struct id id, char out[KEY_MAX]) {
    int n = snprintf(out, KEY_MAX, "{p:%05u}", (unsigned)id_bucket(id));
    return str_make(out, (size_t)n);
}

struct str contact_channel(struct id contact, char out[ID_TEXT + 4]) {
    int n = snprintf(out, ID_TEXT + 4, "{%s}", id_write('c', contact).c);
    return str_make(out, (size_t)n);
}

/* Within one contact a plain hash of 8 bytes is enough to tell sources and threads apart. */
static struct str field_of(const char *head, struct str a, struct str b, char out[LOOK_FIELD_MAX]) {
    uint8_t digest[SHA256_BYTES];
    struct sha256 *h = sha256_begin();
    size_t n = strlen(head);
    sha256_add(h, a);
    sha256_add(h, str_make("", 1));
    sha256_add(h, b);
    sha256_end(h, digest);
    memcpy(out, head, n);
    memcpy(out + n, digest, 8);
    return str_make(out, n + 8);
}

struct str contact_open_field(struct str channel, struct str source, char out[LOOK_FIELD_MAX]) {
    return field_of("OO", channel, source, out);
}

struct str contact_thread_field(struct str source, struct str thread, char out[LOOK_FIELD_MAX]) {
    return field_of("T", source, thread, out);
}

/* ---- replies ---- */

bool id_from(struct str s, struct id *out) {
    if (s.n < ID_BYTES)
        return false;
    memcpy(out->b, s.p, ID_BYTES);
    return true;
}

const struct store_reply *reply_item(const struct store_reply *r, size_t i) {
    static const struct store_reply nothing = {.type = STORE_NIL};
    return r && r->type == STORE_ARRAY && i < r->n ? &r->items[i] : &nothing;
}

struct str reply_str(const struct store_reply *r, size_t i) {
    const struct store_reply *item = reply_item(r, i);
    return item->type == STORE_STR ? item->str : STR_NONE;
}

int64_t str_int(struct str s, int64_t otherwise) {
    char text[24], *end;
    if (!s.n || s.n >= sizeof text)
        return otherwise;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    long long v = strtoll(text, &end, 10);
    return *end == '\0' ? v : (int64_t)strtod(text, NULL);
}

int reply_code(const struct store_reply *r, const char *words) {
    struct str rest = str_c(words), code = reply_str(r, 0);
    for (int i = 0; rest.p; i++)
        if (str_eq(str_cut(&rest, '|'), code))
            return i;
    return -1;
}

struct str payload_of(const char *member, char prefix, struct id id, char out[64]) {
    int n = snprintf(out, 64, "{\"%s\":\"%s\"}", member, id_write(prefix, id).c);
    return str_make(out, (size_t)n);
}

/* ---- packed records: big-endian numbers, counted strings ---- */

struct cursor {
    const unsigned char *p;
    size_t n;
    bool ok;
};

static struct cursor cursor_of(struct str s) {
    return (struct cursor){(const unsigned char *)s.p, s.n, true};
}

static struct str take(struct cursor *c, size_t n) {
    if (!c->ok || c->n < n) {
        c->ok = false;
        return (struct str){.p = ""};
    }
    struct str s = str_make((const char *)c->p, n);
    c->p += n;
    c->n -= n;
    return s;
}

static int64_t number(struct cursor *c, size_t bytes, bool is_signed) {
    struct str s = take(c, bytes);
    uint64_t v = is_signed && s.n && (s.p[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return (int64_t)v;
}

static struct str counted(struct cursor *c, size_t bytes) {
    return take(c, (size_t)number(c, bytes, false));
}

bool conversation_decode(struct id id, struct str packed, struct conversation *out) {
    struct cursor c = cursor_of(packed);
    *out = (struct conversation){.id = id};
    int64_t version = number(&c, 1, false), status = number(&c, 1, false);
    out->rev = number(&c, 4, false);
    out->opened_ms = number(&c, 6, true);
    out->last_ms = number(&c, 6, true);
    out->status_ms = number(&c, 6, true);
    out->owner_ms = number(&c, 6, true);
    out->channel = counted(&c, 1);
    out->source = counted(&c, 1);
    out->owner = counted(&c, 1);
    out->has_task = id_from(counted(&c, 1), &out->task);
    out->subject = counted(&c, 2);
    out->done = counted(&c, 2);
    if (status < CONVERSATION_OPEN || status > CONVERSATION_RESOLVED)
        return false;
    out->status = (enum conversation_status)status;
    return c.ok && version == 1;
}

bool conversation_done(const struct conversation *v, size_t *at, struct id *out_task,
                       struct str *out_json) {
    struct cursor c = cursor_of(str_from(v->done, *at));
    if (!id_from(take(&c, ID_BYTES), out_task))
        return false;
    *out_json = counted(&c, 2);
    *at += ID_BYTES + 2 + out_json->n;
    return c.ok;
}

bool contact_identity_decode(struct id hash, struct str s, struct contact_identity *out) {
    struct cursor c = cursor_of(s);
    *out = (struct contact_identity){.hash = hash};
    out->verified = number(&c, 1, false) == 1;
    out->link = (enum link_basis)number(&c, 1, false);
    out->since_ms = number(&c, 6, true);
    out->kind = counted(&c, 1);
    out->evidence = counted(&c, 1);
    out->value = counted(&c, 2);
    out->display = counted(&c, 2);
    return c.ok && out->kind.n;
}

bool body_record_decode(struct id id, struct str s, struct body_record *out) {
    enum {
        INBOUND = 1,
        NOTE = 2,
        DELETED = 4,
        TASK_OWN = 8,
        TASK_OTHER = 16,
        REVISION = 32,
        DELIVERY = 64,
        CONV_OTHER = 256,
    };
    struct cursor c = cursor_of(s);
    *out = (struct body_record){.conversation = id, .task = id};
    int64_t version = number(&c, 1, false);
    out->channel = (int)number(&c, 1, false);
    int64_t flags = number(&c, 2, false);
    out->inbound = flags & INBOUND;
    out->note = flags & NOTE;
    out->deleted = flags & DELETED;
    out->has_task = flags & (TASK_OWN | TASK_OTHER);
    bool ok = true;
    if (flags & CONV_OTHER)
        ok = id_from(take(&c, ID_BYTES), &out->conversation);
    if (flags & TASK_OTHER)
        ok = id_from(take(&c, ID_BYTES), &out->task) && ok;
    if (flags & REVISION)
        out->revision = number(&c, 8, true);
    if (flags & DELIVERY) {
        (void)number(&c, 1, false); /* its rank, for the function */
        out->delivery = counted(&c, 2);
    }
    out->packed = str_make((const char *)c.p, c.n);
    return ok && c.ok && version == 1;
}
