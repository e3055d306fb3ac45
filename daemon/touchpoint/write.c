/* touchpoint/write.c - the stored form as text.
 *
 *   {"id":…,"contact":…,"conversation":…,"delivery":…, | "source":…,  …  ,"data":{}}
 *    head: made anew by each reader                    | body: written once
 */
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "touchpoint/touchpoint_priv.h"

bool touchpoint_write_body(const struct touchpoint *tp, struct buf *out) {
    const char *key;
    json_t *v;
    bool first = true;
    json_object_foreach(tp->json, key, v) {
        if ((!first && !buf_add_byte(out, ',')) || !buf_add_json(out, str_c(key)) ||
            !buf_add_byte(out, ':') || !jread_dump(out, v))
            return false;
        first = false;
    }
    return true;
}

bool touchpoint_join(struct str id, struct str contact, struct str conversation,
                     struct str delivery, struct str body, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "id", id);
    jwrite_str(&w, "contact", contact);
    jwrite_str(&w, "conversation", conversation);
    jwrite_raw(&w, "delivery", delivery);
    return w.ok && (!body.n || (buf_add_byte(out, ',') && buf_add(out, body))) &&
           buf_add_byte(out, '}');
}

bool touchpoint_write(const struct touchpoint *tp, struct str contact, struct str conversation,
                      struct buf *out) {
    cleanup(buf_clear) struct buf body, delivery;
    buf_init(&body, out->max);
    buf_init(&delivery, 64 * 1024);
    struct id_text id = id_write('p', tp->id);
    return touchpoint_write_body(tp, &body) &&
           (!tp->delivery || jread_dump(&delivery, tp->delivery)) &&
           touchpoint_join(str_c(id.c), contact, conversation, buf_str(&delivery), buf_str(&body),
                           out);
}
