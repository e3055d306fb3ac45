/* store/amend.c - an entry's body changed in place: read, changed by the caller, written if it is
 * still what was read. No revision of the touchpoint: what its source says of it is untouched.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "store/body.h"
#include "store/contact_priv.h"

enum { TRIES_MAX = 8 };

struct amending {
    struct store *s;
    struct id touchpoint, part;
    amend_fn *amend;
    amended_fn *done;
    void *arg;
    int tries;
};

static void amend_end(struct amending *take_a, const struct fault *fault, enum amend_code code) {
    take_a->done(take_a->arg, fault, code);
    free(take_a);
}

static void amend_fail(struct amending *take_a, const char *why) {
    struct fault f;
    fault_set(&f, FAULT_STATE, "amend", "%s", why);
    amend_end(take_a, &f, AMEND_UNKNOWN);
}

static void read_entry(struct amending *a);

static void written(void *arg, const struct store_reply *r, const struct fault *fault) {
    enum { OK, CHANGED, UNKNOWN };
    struct amending *a = arg;
    int code = reply_code(r, "ok|changed|unknown");
    if (fault)
        amend_end(a, fault, AMEND_UNKNOWN);
    else if (code == OK)
        amend_end(a, NULL, AMEND_OK);
    else if (code == UNKNOWN)
        amend_end(a, NULL, AMEND_UNKNOWN);
    else if (++a->tries < TRIES_MAX)
        read_entry(a);
    else
        amend_fail(a, "the entry changes under every try");
}

/* The members stand without their braces. */
static bool body_parse(struct str packed, json_t **out) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, BODY_TEXT_MAX);
    return buf_add_byte(&text, '{') && body_unpack(packed, &text) && buf_add_byte(&text, '}') &&
           jread_parse(buf_str(&text), BODY_TEXT_MAX, out, NULL);
}

static bool body_write(const json_t *entry, struct buf *out) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, BODY_TEXT_MAX);
    return jread_dump(&text, entry) && text.n > 2 &&
           body_pack(str_make(text.p + 1, text.n - 2), out);
}

static void entry_read(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct amending *a = arg;
    struct body_record record;
    struct part_keys k;
    char payload[64];
    cleanup(json_freep) json_t *entry = NULL;
    cleanup(buf_clear) struct buf packed;
    buf_init(&packed, BODY_TEXT_MAX + 4096);
    if (fault) {
        amend_end(a, fault, AMEND_UNKNOWN);
    } else if (r->type != STORE_STR) {
        amend_end(a, NULL, AMEND_UNKNOWN);
    } else if (!body_record_decode(a->touchpoint, r->str, &record) ||
               !body_parse(record.packed, &entry)) {
        amend_fail(a, "the entry cannot be read");
    } else if (!a->amend(a->arg, entry)) {
        amend_end(a, NULL, AMEND_SAME);
    } else if (!body_write(entry, &packed)) {
        amend_fail(a, "the entry is too large to be stored");
    } else {
        part_keys(a->part, &k);
        const struct str keys[] = {k.c, k.b};
        const struct str args[] = {id_bytes(&a->touchpoint), record.packed, buf_str(&packed),
                                   payload_of("touchpoint", 'p', a->touchpoint, payload)};
        store_function(a->s, "amend", false, keys, 2, args, COUNT(args), written, a);
    }
}

static void read_entry(struct amending *a) {
    struct part_keys k;
    part_keys(a->part, &k);
    const struct str argv[] = {str_c("HGET"), k.b, id_bytes(&a->touchpoint)};
    store_command(a->s, argv, COUNT(argv), 1, entry_read, a);
}

static void located(void *arg, const struct fault *fault, bool found, bool erased, struct id part) {
    struct amending *a = arg;
    a->part = part;
    if (fault || !found)
        amend_end(a, fault, erased ? AMEND_ERASED : AMEND_UNKNOWN);
    else
        read_entry(a);
}

void store_amend(struct store *s, struct id touchpoint, amend_fn *amend, amended_fn *done,
                 void *arg) {
    struct amending *a = NEW(struct amending);
    *a = (struct amending){
        .s = s, .touchpoint = touchpoint, .amend = amend, .done = done, .arg = arg};
    store_locate(s, touchpoint, located, a);
}
