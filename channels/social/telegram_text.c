/* social/telegram_text.c - see telegram.h.
 *
 * Entities count UTF-16 code units (core.telegram.org/bots/api#messageentity); a link hidden behind
 * words is shown behind them, so that an agent sees where it leads.
 */
#include "telegram.h"

#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

enum { TEXT_MAX = 64 * 1024, LINKS_MAX = 100, OPTIONS_MAX = 12 };

/* ---- entities ---- */

struct link_at {
    int64_t end; /* in UTF-16 units */
    struct str url;
};

/* Links by where they end; those that lie amiss are left out. */
static size_t links_of(const json_t *entities, struct link_at *out) {
    const json_t *e;
    size_t i, n = 0;
    json_array_foreach(entities, i, e) {
        int64_t offset = jget_int(e, "offset", -1), length = jget_int(e, "length", -1);
        struct str url = jget_str(e, "url");
        if (n == LINKS_MAX || !url.n || !str_is(jget_str(e, "type"), "text_link") || offset < 0 ||
            length <= 0 || offset > TEXT_MAX || length > TEXT_MAX)
            continue;
        size_t at = n++;
        for (; at && out[at - 1].end > offset + length; at--)
            out[at] = out[at - 1];
        out[at] = (struct link_at){offset + length, url};
    }
    return n;
}

struct str telegram_linked(struct arena *a, struct str text, const json_t *entities) {
    struct link_at links[LINKS_MAX];
    size_t n = links_of(entities, links), next = 0;
    if (!n || !text.n)
        return text;
    cleanup(buf_clear) struct buf out;
    buf_init(&out, TEXT_MAX * 4);
    const char *p = text.p, *end = text.p + text.n;
    int64_t units = 0;
    bool ok = true;
    while (ok && p < end) {
        const char *from = p;
        units += utf8_next(&p, end) > 0xffff ? 2 : 1;
        ok = buf_add(&out, str_make(from, (size_t)(p - from)));
        for (; ok && next < n && links[next].end <= units; next++)
            ok = buf_addf(&out, " <%.*s>", STR_ARG(links[next].url));
    }
    return ok ? arena_str(a, buf_str(&out)) : text;
}

/* ---- what carries no words of its own ---- */

static struct str place_text(struct arena *a, const json_t *m) {
    const json_t *venue = json_object_get(m, "venue"),
                 *at = json_object_get(venue ? venue : m, "location");
    if (!at)
        return STR_NONE;
    struct str title = jget_str(venue, "title"), address = jget_str(venue, "address");
    return arena_strf(a, "%.*s%s%.*s%s%.6f, %.6f", STR_ARG(title), title.n ? "\n" : "",
                      STR_ARG(address), address.n ? "\n" : "",
                      json_number_value(json_object_get(at, "latitude")),
                      json_number_value(json_object_get(at, "longitude")));
}

static struct str contact_text(struct arena *a, const json_t *c) {
    struct str first = jget_str(c, "first_name"), last = jget_str(c, "last_name");
    return arena_strf(a, "%.*s%s%.*s %.*s", STR_ARG(first), first.n && last.n ? " " : "",
                      STR_ARG(last), STR_ARG(jget_str(c, "phone_number")));
}

static struct str poll_text(struct arena *a, const json_t *poll) {
    cleanup(buf_clear) struct buf out;
    const json_t *option;
    size_t i;
    buf_init(&out, TEXT_MAX);
    bool ok = buf_add(&out, jget_str(poll, "question"));
    json_array_foreach(json_object_get(poll, "options"), i, option) {
        if (i == OPTIONS_MAX)
            break;
        ok = ok && buf_addf(&out, "\n- %.*s", STR_ARG(jget_str(option, "text")));
    }
    return ok ? arena_str(a, buf_str(&out)) : STR_NONE;
}

struct str telegram_text(struct arena *a, const json_t *m) {
    struct str text = jget_str(m, "text"), caption = jget_str(m, "caption");
    if (text.n)
        return telegram_linked(a, text, json_object_get(m, "entities"));
    if (caption.n)
        return telegram_linked(a, caption, json_object_get(m, "caption_entities"));
    static const struct {
        const char *part, *member;
    } words[] = {{"sticker", "emoji"}, {"dice", "emoji"}, {"game", "title"}, {"story", "text"}};
    for (size_t i = 0; i < COUNT(words); i++)
        if (json_object_get(m, words[i].part))
            return jget_str(json_object_get(m, words[i].part), words[i].member);
    if (json_object_get(m, "contact"))
        return contact_text(a, json_object_get(m, "contact"));
    if (json_object_get(m, "poll"))
        return poll_text(a, json_object_get(m, "poll"));
    return place_text(a, m);
}

bool telegram_has_content(const json_t *m) {
    static const char *const parts[] = {
        "text",  "caption", "photo",   "document",  "voice",      "video",     "audio",
        "story", "sticker", "contact", "poll",      "dice",       "location",  "animation",
        "game",  "venue",   "invoice", "checklist", "video_note", "paid_media"};
    for (size_t i = 0; i < COUNT(parts); i++)
        if (json_object_get(m, parts[i]))
            return true;
    return false;
}

/* ---- files ---- */

/* Of a photo's sizes the largest, which stands last. */
static const json_t *largest(const json_t *sizes) {
    size_t n = json_array_size(sizes);
    return n ? json_array_get(sizes, n - 1) : NULL;
}

void telegram_files(struct arena *a, const json_t *m, json_t *tp) {
    static const struct {
        const char *part, *name, *type;
    } kinds[] = {
        {"document", "", ""},
        {"voice", "voice.ogg", "audio/ogg"},
        {"video", "video.mp4", "video/mp4"},
        {"audio", "audio.mp3", "audio/mpeg"},
        {"animation", "animation.mp4", "video/mp4"},
        {"video_note", "video.mp4", "video/mp4"},
        {"photo", "photo.jpg", "image/jpeg"},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const json_t *part = json_object_get(m, kinds[i].part);
        if (json_is_array(part))
            part = largest(part);
        struct str id = jget_str(part, "file_id"), name = jget_str(part, "file_name"),
                   type = jget_str(part, "mime_type");
        /* An animation is there a second time, as a document. */
        bool twice = i == 0 && json_object_get(m, "animation");
        if (id.n && !twice)
            provider_attach(tp, name.n ? name : str_c(kinds[i].name),
                            type.n ? type : str_c(kinds[i].type),
                            arena_strf(a, "id:%.*s", STR_ARG(id)));
    }
}
