/* social/whatsapp_text.c - the words of a WhatsApp message, by its type. Pure. */
#include <touchline/kit/jread.h>

#include "whatsapp.h"

enum { LIST_MAX = 16 * 1024 };

static struct str interactive_text(const json_t *part) {
    struct str kind = jget_str(part, "type");
    const json_t *chosen = kind.p ? json_object_getn(part, kind.p, kind.n) : NULL;
    static const char *const words[] = {"title", "body", "response", "name"};
    for (size_t i = 0; i < COUNT(words); i++) {
        struct str s = jget_str(chosen, words[i]);
        if (s.n)
            return s;
    }
    return STR_NONE;
}

/* Numbers; gateways write them as strings. */
static struct str degrees(struct arena *a, const json_t *part, const char *name) {
    struct str said = jget_str(part, name);
    return said.n ? said : arena_strf(a, "%.6f", json_number_value(json_object_get(part, name)));
}

static struct str location_text(struct arena *a, const json_t *part) {
    struct str name = jget_str(part, "name"), address = jget_str(part, "address");
    return arena_strf(a, "%.*s%s%.*s%s%.*s, %.*s", STR_ARG(name), name.n ? "\n" : "",
                      STR_ARG(address), address.n ? "\n" : "",
                      STR_ARG(degrees(a, part, "latitude")),
                      STR_ARG(degrees(a, part, "longitude")));
}

/* A card a line: name and numbers. */
static struct str contacts_text(struct arena *a, const json_t *cards) {
    cleanup(buf_clear) struct buf b;
    const json_t *card, *phone;
    size_t i, k;
    buf_init(&b, LIST_MAX);
    json_array_foreach(cards, i, card) {
        struct str name = jget_str(json_object_get(card, "name"), "formatted_name");
        bool ok = buf_addf(&b, "%s%.*s", i ? "\n" : "", STR_ARG(name));
        json_array_foreach(json_object_get(card, "phones"), k, phone) ok =
            ok && buf_addf(&b, " %.*s", STR_ARG(jget_str(phone, "phone")));
        if (!ok)
            break;
    }
    return arena_str(a, buf_str(&b));
}

/* What the person wrote with it, then an item a line: "3 × HAMBURGER". */
static struct str order_text(struct arena *a, const json_t *order) {
    cleanup(buf_clear) struct buf b;
    const json_t *item;
    size_t i;
    buf_init(&b, LIST_MAX);
    bool ok = buf_add(&b, jget_str(order, "text"));
    json_array_foreach(json_object_get(order, "product_items"), i, item) {
        struct str count = provider_id(a, item, "quantity");
        ok = ok &&
             buf_addf(&b, "%s%.*s × %.*s", b.n ? "\n" : "", STR_ARG(count.n ? count : str_c("1")),
                      STR_ARG(provider_id(a, item, "product_retailer_id")));
    }
    return ok ? arena_str(a, buf_str(&b)) : STR_NONE;
}

struct str whatsapp_text(struct arena *a, const json_t *m, struct str type) {
    const json_t *part = json_object_getn(m, type.p, type.n);
    if (str_is(type, "text") || str_is(type, "system"))
        return jget_str(part, "body");
    if (str_is(type, "button"))
        return jget_str(part, "text");
    if (str_is(type, "reaction"))
        return jget_str(part, "emoji");
    if (str_is(type, "interactive"))
        return interactive_text(part);
    if (str_is(type, "location"))
        return location_text(a, part);
    if (str_is(type, "contacts"))
        return contacts_text(a, part);
    if (str_is(type, "order"))
        return order_text(a, part);
    return jget_str(part, "caption");
}
