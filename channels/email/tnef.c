/* tnef.c - a row of attributes, some of which are rows of MAPI properties.
 *
 *   signature u32 | key u16 | { level u8 | id u32 | length u32 | bytes | checksum u16 } …
 *
 *   Rendering begins a file; its title, its bytes and its properties (long name, type) follow. All
 *   numbers are little-endian.
 */
#include "tnef.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include <touchline/kit/own.h>

#include "charset.h"
#include "mime.h"
#include "mime_text.h"

enum {
    SIGNATURE = 0x223E9F78,
    ATTRIBUTE_TITLE = 0x00018010,
    ATTRIBUTE_DATA = 0x0006800F,
    ATTRIBUTE_RENDERING = 0x00069002,
    ATTRIBUTE_PROPERTIES = 0x00069005, /* of a file */
    ATTRIBUTE_MESSAGE = 0x00069003,    /* properties of the message */
    ATTRIBUTE_BODY = 0x0002800C,
    ATTRIBUTE_CODE_PAGE = 0x00069007,
    LEVEL_MESSAGE = 1,
    LEVEL_FILE = 2,
    PROPERTY_BODY = 0x1000,
    PROPERTY_HTML = 0x1013,
    PROPERTY_DATA = 0x3701,
    PROPERTY_NAME = 0x3704,
    PROPERTY_LONG_NAME = 0x3707,
    PROPERTY_TYPE = 0x370E,
    NAMED_FROM = 0x8000,
    PROPERTIES_MAX = 2000,
    FILES_MAX = 200,
    NAME_MAX_BYTES = 1000,
};

enum value_type {
    VALUE_SHORT = 0x02,
    VALUE_LONG = 0x03,
    VALUE_FLOAT = 0x04,
    VALUE_DOUBLE = 0x05,
    VALUE_CURRENCY = 0x06,
    VALUE_APPTIME = 0x07,
    VALUE_ERROR = 0x0A,
    VALUE_BOOLEAN = 0x0B,
    VALUE_OBJECT = 0x0D,
    VALUE_INT64 = 0x14,
    VALUE_STRING8 = 0x1E,
    VALUE_UNICODE = 0x1F,
    VALUE_TIME = 0x40,
    VALUE_GUID = 0x48,
    VALUE_BINARY = 0x102,
    VALUE_MANY = 0x1000,
};

struct file {
    bool begun;
    struct str title, name, type, data; /* views; name: of the properties */
};

struct reader {
    struct arena *a;
    struct str rest;
    char charset[24]; /* of strings of bytes */
    tnef_file_fn *on_file;
    void *ctx;
    struct file file;
    size_t files;
    struct tnef *out;
};

static bool take(struct str *rest, size_t n, struct str *out) {
    if (rest->n < n)
        return false;
    *out = str_upto(*rest, n);
    *rest = str_from(*rest, n);
    return true;
}

static bool take_u32(struct str *rest, uint32_t *out) {
    struct str b;
    if (!take(rest, 4, &b))
        return false;
    const unsigned char *p = (const unsigned char *)b.p;
    *out = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return true;
}

static struct str without_nul(struct str s) {
    while (s.n && s.p[s.n - 1] == 0)
        s.n--;
    return s;
}

static struct str text_of(struct reader *r, struct str bytes, const char *charset) {
    bool known;
    return mime_unix_lines(r->a, charset_to_utf8(r->a, bytes, charset, &known));
}

/* ---- MAPI properties ---- */

struct property {
    uint16_t type, id;
    struct str value; /* of the last, where there are many */
};

/* Bytes of a value of fixed length, padded to four; 0: it bears its length. */
static size_t value_size(unsigned type) {
    switch ((enum value_type)type) {
    case VALUE_SHORT:
    case VALUE_LONG:
    case VALUE_FLOAT:
    case VALUE_ERROR:
    case VALUE_BOOLEAN:
        return 4;
    case VALUE_DOUBLE:
    case VALUE_CURRENCY:
    case VALUE_APPTIME:
    case VALUE_INT64:
    case VALUE_TIME:
        return 8;
    case VALUE_GUID:
        return 16;
    case VALUE_OBJECT:
    case VALUE_STRING8:
    case VALUE_UNICODE:
    case VALUE_BINARY:
    case VALUE_MANY:
        return 0;
    }
    return 0;
}

/* Padding to four may be missing at the very end. */
static void skip_padding(struct str *rest, size_t n) {
    *rest = str_from(*rest, (4 - n % 4) % 4);
}

/* A named property has its GUID and its name or number in front of the value. */
static bool skip_name(struct str *rest) {
    struct str guid, name;
    uint32_t kind, n;
    if (!take(rest, 16, &guid) || !take_u32(rest, &kind) || !take_u32(rest, &n))
        return false;
    if (kind == 0)
        return true; /* n was its number */
    if (!take(rest, n, &name))
        return false;
    skip_padding(rest, n);
    return true;
}

static bool property_next(struct str *rest, struct property *out) {
    uint32_t tag, count = 1, n;
    if (!take_u32(rest, &tag))
        return false;
    out->type = (uint16_t)(tag & 0xFFFF);
    out->id = (uint16_t)(tag >> 16);
    if (out->id >= NAMED_FROM && !skip_name(rest))
        return false;
    size_t size = value_size(out->type & ~(unsigned)VALUE_MANY);
    if ((!size || out->type & VALUE_MANY) && !take_u32(rest, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        n = (uint32_t)size;
        if ((!size && !take_u32(rest, &n)) || !take(rest, n, &out->value))
            return false;
        skip_padding(rest, n);
    }
    return true;
}

static struct str without_wide_nul(struct str s) {
    while (s.n >= 2 && !s.p[s.n - 1] && !s.p[s.n - 2])
        s.n -= 2;
    return s;
}

static struct str string_of(struct reader *r, const struct property *p, size_t max) {
    struct str bytes = str_upto(p->value, p->type == VALUE_UNICODE ? 2 * max : max);
    return p->type == VALUE_UNICODE ? text_of(r, without_wide_nul(bytes), "utf-16le")
                                    : text_of(r, without_nul(bytes), r->charset);
}

static void file_property(struct reader *r, const struct property *p) {
    struct file *f = &r->file;
    bool text = p->type == VALUE_STRING8 || p->type == VALUE_UNICODE;
    if (p->id == PROPERTY_LONG_NAME && text)
        f->name = string_of(r, p, NAME_MAX_BYTES);
    else if (p->id == PROPERTY_NAME && text && !f->name.n)
        f->name = string_of(r, p, NAME_MAX_BYTES);
    else if (p->id == PROPERTY_TYPE && text)
        f->type = string_of(r, p, NAME_MAX_BYTES);
    else if (p->id == PROPERTY_DATA && p->type == VALUE_BINARY && !f->data.p)
        f->data = p->value;
}

static void message_property(struct reader *r, const struct property *p) {
    if (p->id == PROPERTY_BODY && (p->type == VALUE_UNICODE || p->type == VALUE_STRING8))
        r->out->text = string_of(r, p, MIME_TEXT_MAX);
    else if (p->id == PROPERTY_HTML && p->type == VALUE_BINARY)
        r->out->html = text_of(r, str_upto(without_nul(p->value), MIME_HTML_MAX), r->charset);
}

static void properties_read(struct reader *r, struct str bytes,
                            void (*on)(struct reader *, const struct property *)) {
    uint32_t n = 0;
    struct property p = {0};
    if (!take_u32(&bytes, &n))
        return;
    for (uint32_t i = 0; i < n && i < PROPERTIES_MAX && property_next(&bytes, &p); i++)
        on(r, &p);
}

/* ---- attributes ---- */

static struct str type_of(struct reader *r) {
    struct str type = r->file.type;
    ptrdiff_t slash = str_find(type, '/');
    bool good = slash > 0 && type.n < 100;
    for (size_t i = 0; i < type.n && good; i++)
        good = isalnum((unsigned char)type.p[i]) || strchr("/+-._", type.p[i]);
    return good ? type : (struct str)STR("application/octet-stream");
}

static void file_end(struct reader *r) {
    struct file *f = &r->file;
    if (f->begun && f->data.p && r->files++ < FILES_MAX)
        r->on_file(r->ctx, f->name.n ? f->name : f->title, type_of(r), f->data);
    *f = (struct file){0};
}

static void attribute(struct reader *r, uint32_t level, uint32_t id, struct str bytes) {
    uint32_t page;
    if (level == LEVEL_MESSAGE && id == ATTRIBUTE_CODE_PAGE && take_u32(&bytes, &page)) {
        if (page > 0 && page < 100000)
            snprintf(r->charset, sizeof r->charset, "windows-%u", (unsigned)page);
    } else if (level == LEVEL_MESSAGE && id == ATTRIBUTE_BODY && !r->out->text.n) {
        r->out->text = text_of(r, without_nul(bytes), r->charset);
    } else if (level == LEVEL_MESSAGE && id == ATTRIBUTE_MESSAGE) {
        properties_read(r, bytes, message_property);
    } else if (level == LEVEL_FILE && id == ATTRIBUTE_RENDERING) {
        file_end(r);
        r->file.begun = true;
    } else if (level == LEVEL_FILE && id == ATTRIBUTE_TITLE) {
        r->file.title = text_of(r, without_nul(str_upto(bytes, NAME_MAX_BYTES)), r->charset);
    } else if (level == LEVEL_FILE && id == ATTRIBUTE_DATA) {
        r->file.data = bytes;
    } else if (level == LEVEL_FILE && id == ATTRIBUTE_PROPERTIES) {
        properties_read(r, bytes, file_property);
    }
}

bool tnef_read(struct arena *a, struct str bytes, tnef_file_fn *on_file, void *ctx,
               struct tnef *out) {
    struct reader r = {.a = a, .rest = bytes, .on_file = on_file, .ctx = ctx, .out = out};
    uint32_t signature, id, n;
    struct str key, level, value, checksum;
    *out = (struct tnef){0};
    if (!take_u32(&r.rest, &signature) || signature != SIGNATURE || !take(&r.rest, 2, &key))
        return false;
    while (take(&r.rest, 1, &level) && take_u32(&r.rest, &id) && take_u32(&r.rest, &n)) {
        if (!take(&r.rest, n, &value))
            break; /* cut off: a file of which the end is missing is no file */
        attribute(&r, (unsigned char)level.p[0], id, value);
        if (!take(&r.rest, 2, &checksum))
            break;
    }
    file_end(&r);
    return true;
}
