/* social/feed.c - see feed.h. libexpat, with names as NAMESPACE|NAME. */
#include "feed.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

enum { ENTRIES_MAX = 5000, FIELD_MAX = 256 * 1024, DEPTH_MAX = 64, XML_MAX = 32 * 1024 * 1024 };

#define ATOM "http://www.w3.org/2005/Atom|"
#define YT "http://www.youtube.com/xml/schemas/2015|"
#define TOMBSTONE "http://purl.org/atompub/tombstones/1.0|"

struct feed {
    XML_Parser parser;
    feed_entry_fn *each;
    void *arg;
    size_t depth, entry_depth, author_depth, entries;     /* depths: 0: not inside */
    struct buf fields[FEED_FIELDS_N], author, author_uri; /* author: of the feed itself */
    bool has[FEED_FIELDS_N];
    struct buf *text; /* what characters go to, or NULL */
    size_t text_depth;
    bool deleted;
    const char *stopped;
};

static const struct {
    const char *name;
    enum feed_field field;
} elements[] = {
    {ATOM "id", FEED_ID},
    {ATOM "title", FEED_TITLE},
    {ATOM "published", FEED_PUBLISHED},
    {ATOM "updated", FEED_UPDATED},
    {ATOM "content", FEED_CONTENT},
    {ATOM "summary", FEED_SUMMARY},
    {YT "videoId", FEED_VIDEO},
    {YT "channelId", FEED_CHANNEL},
    {"guid", FEED_ID},
    {"title", FEED_TITLE},
    {"link", FEED_LINK},
    {"pubDate", FEED_PUBLISHED},
    {"description", FEED_SUMMARY},
    {"author", FEED_AUTHOR},
};

static void stop(struct feed *f, const char *why) {
    f->stopped = why;
    XML_StopParser(f->parser, XML_FALSE);
}

static const char *attribute(const char **attributes, const char *name) {
    for (size_t i = 0; attributes[i]; i += 2)
        if (strcmp(attributes[i], name) == 0)
            return attributes[i + 1];
    return NULL;
}

static void set(struct feed *f, enum feed_field field, const char *value) {
    if (!value || f->has[field])
        return;
    f->has[field] = buf_add(&f->fields[field], str_upto(str_c(value), FIELD_MAX));
}

static void take_text(struct feed *f, struct buf *into) {
    buf_reset(into);
    f->text = into;
    f->text_depth = f->depth;
}

static void entry_begin(struct feed *f, const char **attributes, bool deleted) {
    for (size_t i = 0; i < FEED_FIELDS_N; i++) {
        buf_reset(&f->fields[i]);
        f->has[i] = false;
    }
    f->entry_depth = f->depth;
    f->deleted = deleted;
    if (deleted) {
        set(f, FEED_ID, attribute(attributes, "ref"));
        set(f, FEED_PUBLISHED, attribute(attributes, "when"));
    }
    if (++f->entries > ENTRIES_MAX)
        stop(f, "more entries than are taken");
}

/* Inside an entry, a level below it; a link of Atom has its address in an attribute. */
static void entry_element(struct feed *f, const char *name, const char **attributes) {
    if (strcmp(name, ATOM "link") == 0) {
        const char *rel = attribute(attributes, "rel");
        if (!rel || strcmp(rel, "alternate") == 0)
            set(f, FEED_LINK, attribute(attributes, "href"));
        return;
    }
    for (size_t i = 0; i < COUNT(elements); i++)
        if (strcmp(name, elements[i].name) == 0 && !f->has[elements[i].field]) {
            f->has[elements[i].field] = true;
            take_text(f, &f->fields[elements[i].field]);
            return;
        }
}

static void author_element(struct feed *f, const char *name) {
    bool uri = strcmp(name, ATOM "uri") == 0, entry = f->entry_depth > 0;
    enum feed_field field = uri ? FEED_AUTHOR_URI : FEED_AUTHOR;
    if (!uri && strcmp(name, ATOM "name") != 0)
        return;
    if (entry)
        f->has[field] = true;
    take_text(f, entry ? &f->fields[field] : uri ? &f->author_uri : &f->author);
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes) {
    struct feed *f = arg;
    if (++f->depth > DEPTH_MAX) {
        stop(f, "nested too deep");
    } else if (f->text) {
        return; /* markup inside a text (XHTML): its words count */
    } else if (!f->entry_depth && (strcmp(name, ATOM "entry") == 0 || strcmp(name, "item") == 0)) {
        entry_begin(f, attributes, false);
    } else if (!f->entry_depth && strcmp(name, TOMBSTONE "deleted-entry") == 0) {
        entry_begin(f, attributes, true);
    } else if (strcmp(name, ATOM "author") == 0 && !f->author_depth) {
        f->author_depth = f->depth;
    } else if (f->author_depth && f->depth == f->author_depth + 1) {
        author_element(f, name);
    } else if (f->entry_depth && f->depth == f->entry_depth + 1) {
        entry_element(f, name, attributes);
    }
}

static struct str field(const struct feed *f, enum feed_field i) {
    return f->has[i] ? str_trim(buf_str(&f->fields[i])) : STR_NONE;
}

static void entry_end(struct feed *f) {
    struct feed_entry e = {.deleted = f->deleted};
    for (size_t i = 0; i < FEED_FIELDS_N; i++)
        e.fields[i] = field(f, i);
    if (!e.fields[FEED_AUTHOR].n && !f->deleted) {
        e.fields[FEED_AUTHOR] = str_trim(buf_str(&f->author));
        e.fields[FEED_AUTHOR_URI] = str_trim(buf_str(&f->author_uri));
    }
    f->entry_depth = 0;
    f->each(f->arg, &e);
}

static void XMLCALL on_end(void *arg, const char *name) {
    struct feed *f = arg;
    (void)name;
    if (f->text && f->depth == f->text_depth)
        f->text = NULL;
    if (f->author_depth == f->depth)
        f->author_depth = 0;
    if (f->entry_depth == f->depth)
        entry_end(f);
    f->depth--;
}

/* What is too long is cut. */
static void XMLCALL on_text(void *arg, const char *p, int n) {
    struct feed *f = arg;
    if (f->text && f->text->n < FIELD_MAX &&
        !buf_add(f->text, str_upto(str_make(p, (size_t)n), FIELD_MAX)))
        stop(f, "a field is too long");
}

/* A feed needs none; a thousand of them are an attack. */
static void XMLCALL on_entity(void *arg, const char *name, int parameter, const char *value,
                              int value_n, const char *base, const char *system, const char *public,
                              const char *notation) {
    (void)name, (void)parameter, (void)value, (void)value_n, (void)base, (void)system;
    (void)public, (void)notation;
    stop(arg, "the document declares entities");
}

static void feed_init(struct feed *f) {
    for (size_t i = 0; i < FEED_FIELDS_N; i++)
        buf_init(&f->fields[i], 2 * FIELD_MAX);
    buf_init(&f->author, 2 * FIELD_MAX);
    buf_init(&f->author_uri, 2 * FIELD_MAX);
    f->parser = XML_ParserCreateNS(NULL, '|');
    XML_SetUserData(f->parser, f);
    XML_SetElementHandler(f->parser, on_start, on_end);
    XML_SetCharacterDataHandler(f->parser, on_text);
    XML_SetEntityDeclHandler(f->parser, on_entity);
}

static void feed_clear(struct feed *f) {
    for (size_t i = 0; i < FEED_FIELDS_N; i++)
        buf_clear(&f->fields[i]);
    buf_clear(&f->author);
    buf_clear(&f->author_uri);
    XML_ParserFree(f->parser);
}

const char *feed_read(struct str xml, feed_entry_fn *each, void *arg) {
    struct feed f = {.each = each, .arg = arg};
    if (!xml.n || xml.n > XML_MAX)
        return "no XML";
    feed_init(&f);
    enum XML_Status status = XML_Parse(f.parser, xml.p, (int)xml.n, 1);
    const char *why = status == XML_STATUS_OK ? NULL
                      : f.stopped             ? f.stopped
                                              : XML_ErrorString(XML_GetErrorCode(f.parser));
    feed_clear(&f);
    return why;
}
