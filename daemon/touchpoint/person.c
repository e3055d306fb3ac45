/* touchpoint/person.c - who wrote, to whom: names and addresses of a touchpoint.
 *
 * The addresses of whoever the touchpoint is about become its identities. What is verified: all of
 * them where the source is trusted with that; else the platform's own id, or the address that the
 * channel vouches for (`from.verified`), never what else stands in a profile.
 */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "touchpoint/touchpoint_priv.h"

enum { PERSON_NAME_MAX = 512, PERSON_ID_MAX = 255, EXTERNAL_MAX = 8, PERSONS_MAX = 1000 };

struct person {
    struct reading *r;
    const json_t *in;
    const char *at;
    json_t *out;
    bool who;      /* its addresses are the touchpoint's identities */
    bool vouched;  /* the channel says `verified` */
    bool platform; /* a social id is there: that is what it vouches for */
    bool whatsapp; /* whose sender is a number, so it vouches for that one too */
};

static bool is_trusted(const struct person *p, const char *kind, bool social) {
    if (p->r->origin->trusted)
        return true;
    if (!p->vouched || p->r->origin->push)
        return false;
    return !p->platform || social || (p->whatsapp && strcmp(kind, "phone") == 0);
}

static void add_identity(struct person *p, const char *kind, struct str value, struct str display,
                         bool social) {
    struct touchpoint *tp = p->r->tp;
    if (!p->who || tp->identities_n == IDENTITIES_MAX)
        return;
    for (size_t i = 0; i < tp->identities_n; i++)
        if (str_is(tp->identities[i].kind, kind) && str_eq(tp->identities[i].value, value))
            return;
    struct identity *id = &tp->identities[tp->identities_n++];
    struct str evidence = jget_str(p->in, "evidence");
    *id = (struct identity){
        .kind = arena_str(&tp->arena, str_c(kind)),
        .value = arena_str(&tp->arena, value),
        .display = arena_str(&tp->arena, display),
        .verified = is_trusted(p, kind, social),
    };
    if (!id->verified)
        id->evidence = str_c("claimed");
    else if (p->r->origin->trusted)
        id->evidence = str_c("adapter");
    else
        id->evidence =
            evidence.n && evidence.n <= 32 ? arena_str(&tp->arena, evidence) : str_c("signature");
}

static void read_email(struct person *p) {
    struct reading *r = p->r;
    struct str raw = reading_str(r, p->in, p->at, "email", 1000, TEXT_LINE), value;
    if (!raw.n)
        return;
    if (email_normalise(&r->tp->arena, raw, &value)) {
        json_object_set_new(p->out, "email", jstr(value));
        add_identity(p, "email", value, STR_NONE, false);
    } else if (r->strict) {
        reading_fault(r, p->at, "email", "not an e-mail address");
    } else {
        reading_warn(r, "%s/email is not an address", p->at);
        json_object_set_new(p->out, "address", jstr(raw));
    }
}

/* Kept as it came, since people recognise it so; the identity is E.164. */
static void read_phone(struct person *p) {
    struct reading *r = p->r;
    struct str raw = reading_str(r, p->in, p->at, "phone", 128, TEXT_LINE), value;
    if (!raw.n)
        return;
    json_object_set_new(p->out, "phone", jstr(raw));
    if (phone_normalise(&r->tp->arena, raw, r->origin->region, &value))
        add_identity(p, "phone", value, raw, false);
    else if (p->who)
        reading_warn(r, "%s/phone is not a whole number", p->at);
}

static void read_social(struct person *p) {
    struct reading *r = p->r;
    const json_t *in = json_object_get(p->in, "social");
    char at[POINTER_MAX];
    snprintf(at, sizeof at, "%s/social", p->at);
    if (!in || json_is_null(in))
        return;
    if (!json_is_object(in)) {
        reading_fault(r, at, NULL, "must be an object of network, id and handle");
        return;
    }
    struct str network = reading_str(r, in, at, "network", 32, TEXT_LINE);
    struct str id = reading_str(r, in, at, "id", PERSON_ID_MAX, TEXT_LINE);
    struct str handle = reading_str(r, in, at, "handle", PERSON_ID_MAX, TEXT_LINE);
    if (!identity_name_ok(network) || str_is(network, "email") || str_is(network, "phone")) {
        reading_fault(r, at, "network", "must be the name of a network, like \"instagram\"");
        return;
    }
    if (!id.n) {
        reading_fault(r, at, "id", "must be the network's id of the person, as a string");
        return;
    }
    json_object_set_new(p->out, "social",
                        json_pack("{s:o,s:o,s:o}", "network", jstr(network), "id", jstr(id),
                                  "handle", jstr(handle)));
    add_identity(p, arena_str(&r->tp->arena, network).p, id, handle, true);
}

static void read_external(struct person *p) {
    struct reading *r = p->r;
    json_t *in = json_object_get(p->in, "external"), *v;
    char at[POINTER_MAX];
    const char *name;
    snprintf(at, sizeof at, "%s/external", p->at);
    if (!in || json_is_null(in))
        return;
    if (!json_is_object(in) || json_object_size(in) > EXTERNAL_MAX) {
        reading_fault(r, at, NULL, "must be an object of at most %d names and ids", EXTERNAL_MAX);
        return;
    }
    json_t *out = json_object();
    json_object_foreach(in, name, v) {
        if (!identity_name_ok(str_c(name)) || identity_builtin(str_c(name))) {
            reading_fault(r, at, identity_name_ok(str_c(name)) ? name : NULL,
                          "names match [a-z][a-z0-9_]{0,31} and are none of the built-in ones");
            continue;
        }
        struct str id = reading_str(r, in, at, name, PERSON_ID_MAX, TEXT_LINE | TEXT_NOT_EMPTY);
        if (!id.n)
            continue;
        json_object_set_new(out, name, jstr(id));
        add_identity(p, name, id, STR_NONE, false);
    }
    json_object_set_new(p->out, "external", out);
}

/* A bare address of the other side ("to": {"address": …}) shows what it is. */
static void read_address(struct person *p) {
    struct str raw = reading_str(p->r, p->in, p->at, "address", 1000, TEXT_LINE), email;
    if (!raw.n)
        return;
    json_object_set_new(p->out, "address", jstr(raw));
    if (!json_object_get(p->out, "email") && email_normalise(&p->r->tp->arena, raw, &email))
        json_object_set_new(p->out, "email", jstr(email));
}

json_t *person_read(struct reading *r, const json_t *in, const char *at, bool who) {
    if (!json_is_object(in)) {
        reading_fault(r, at, NULL, "must be an object");
        return NULL;
    }
    const json_t *social = json_object_get(in, "social");
    struct person p = {
        .r = r,
        .in = in,
        .at = at,
        .out = json_object(),
        .who = who,
        .platform = json_is_object(social),
        .whatsapp = str_is(jget_str(social, "network"), "whatsapp"),
    };
    struct fault f;
    struct str name = reading_str(r, in, at, "name", PERSON_NAME_MAX, TEXT_LINE);
    json_object_set_new(p.out, "name", jstr(name));
    if (who && name.n && !r->tp->name.p)
        r->tp->name = arena_str(&r->tp->arena, name);
    if (!r->origin->push && !jread_bool(in, "verified", at, false, &p.vouched, &f))
        fault_list_add(r->faults, &f);
    read_email(&p);
    read_phone(&p);
    read_address(&p);
    read_social(&p);
    read_external(&p);
    return p.out;
}

json_t *persons_read(struct reading *r, const char *key, bool who) {
    const json_t *in = json_object_get(r->in, key);
    json_t *out = json_array();
    char at[POINTER_MAX];
    if (!in || json_is_null(in))
        return out;
    bool one = !json_is_array(in);
    size_t n = one ? 1 : json_array_size(in);
    if (n > PERSONS_MAX) {
        if (r->strict)
            reading_fault(r, "", key, "more than %d", PERSONS_MAX);
        else
            reading_warn(r, "only the first %d of %s are kept", PERSONS_MAX, key);
        n = PERSONS_MAX;
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(at, sizeof at, one ? "/%s" : "/%s/%zu", key, i);
        json_t *person = person_read(r, one ? in : json_array_get(in, i), at, who);
        if (person)
            json_array_append_new(out, person);
    }
    return out;
}
