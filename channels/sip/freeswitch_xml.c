/* sip/freeswitch_xml.c - mod_xml_cdr's document to a leg's variables, by expat.
 *
 *   <cdr core-uuid="…"><variables><uuid>…</uuid>…</variables>
 *        <callflow><caller_profile><destination_number>…</…></…><times>…</times></callflow>…</cdr>
 *
 * Documents come from whoever reaches /cdr: one with a DOCTYPE is refused, so there is no entity to
 * expand and nothing external to fetch; depth is bounded.
 */
#include <expat.h>

#include <touchline/kit/buf.h>

#include "freeswitch.h"

enum { DEPTH_MAX = 32, VALUE_MAX = 8 * 1024 };

struct reading {
    XML_Parser parser;
    struct arena *arena;
    struct fs_leg *leg;
    struct buf value; /* of the element at depth `taking` */
    struct str *into; /* NULL: not wanted */
    int depth, taking;
    char path[DEPTH_MAX][40]; /* names of the open elements, cut */
    const char *why;
};

static void stop(struct reading *r, const char *why) {
    r->why = why;
    XML_StopParser(r->parser, XML_FALSE);
}

static bool lies_in(const struct reading *r, int depth, const char *a, const char *b) {
    return r->depth == depth && strcmp(r->path[1], a) == 0 && (!b || strcmp(r->path[2], b) == 0);
}

/* Where the text of the element just opened goes; NULL: nowhere. Of the call flow's profiles the
 * last is the first one in time. */
static struct str *place_of(struct reading *r, struct str name) {
    if (lies_in(r, 3, "variables", NULL)) {
        for (size_t i = 0; i < FS_NAMES; i++)
            if (str_is(name, freeswitch_names[i]))
                return &r->leg->v[i];
    } else if (lies_in(r, 4, "callflow", "caller_profile")) {
        if (str_is(name, "destination_number"))
            return &r->leg->first_destination;
        if (str_is(name, "caller_id_number"))
            return &r->leg->first_caller;
        if (str_is(name, "caller_id_name"))
            return &r->leg->first_name;
    } else if (lies_in(r, 4, "callflow", "times") && str_is(name, "created_time")) {
        return &r->leg->created;
    }
    return NULL;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes) {
    struct reading *r = arg;
    (void)attributes;
    if (r->depth == DEPTH_MAX) {
        stop(r, "XML nested deeper than any call record");
        return;
    }
    struct str n = str_c(name);
    if (r->depth == 0 && !str_is(n, "cdr")) {
        stop(r, "XML that is no <cdr>");
        return;
    }
    memcpy(r->path[r->depth], n.p, n.n < 39 ? n.n : 39);
    r->path[r->depth][n.n < 39 ? n.n : 39] = 0;
    r->depth++;
    r->into = place_of(r, n);
    r->taking = r->depth;
    buf_reset(&r->value);
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int n) {
    struct reading *r = arg;
    if (r->into && r->taking == r->depth && !buf_add(&r->value, str_make(text, (size_t)n)))
        r->into = NULL; /* too long for anything we look at */
}

static void XMLCALL on_end(void *arg, const XML_Char *name) {
    struct reading *r = arg;
    (void)name;
    if (r->into && r->taking == r->depth && r->value.n)
        *r->into = arena_str(r->arena, str_trim(buf_str(&r->value)));
    r->into = NULL;
    r->depth--;
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int has_subset) {
    (void)name, (void)system, (void)public, (void)has_subset;
    stop(arg, "XML with a DOCTYPE: refused");
}

bool freeswitch_xml(struct arena *a, struct str xml, struct fs_leg *out, const char **out_why) {
    struct reading r = {.arena = a, .leg = out, .parser = XML_ParserCreate(NULL)};
    if (!r.parser) {
        *out_why = "no memory for XML";
        return false;
    }
    buf_init(&r.value, VALUE_MAX);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool ok = XML_Parse(r.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
    if (!ok)
        *out_why = r.why ? r.why : "XML that cannot be read";
    XML_ParserFree(r.parser);
    buf_clear(&r.value);
    return ok;
}
