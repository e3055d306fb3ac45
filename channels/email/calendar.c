/* calendar.c - content lines, unfolded one at a time; only what an agent asks is kept. */
#include "calendar.h"

#include <ctype.h>
#include <stddef.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

#include "header.h"

enum { LINE_MAX_BYTES = 64 * 1024, VALUE_MAX = 1000 };

static const struct property {
    const char *name;
    bool in_event;
    size_t at;
    enum { VALUE_TEXT, VALUE_TIME, VALUE_MAIL } kind;
} properties[] = {
    {"METHOD", false, offsetof(struct calendar, method), VALUE_TEXT},
    {"SUMMARY", true, offsetof(struct calendar, summary), VALUE_TEXT},
    {"DTSTART", true, offsetof(struct calendar, start), VALUE_TIME},
    {"DTEND", true, offsetof(struct calendar, end), VALUE_TIME},
    {"LOCATION", true, offsetof(struct calendar, location), VALUE_TEXT},
    {"ORGANIZER", true, offsetof(struct calendar, organizer), VALUE_MAIL},
    {"UID", true, offsetof(struct calendar, uid), VALUE_TEXT},
    {"STATUS", true, offsetof(struct calendar, status), VALUE_TEXT},
};

/* The next line with its folds taken out, into line. */
static bool line_next(struct str *rest, struct buf *line) {
    if (!rest->n)
        return false;
    buf_reset(line);
    (void)!buf_add(line, header_line(rest)); /* longer than any line may be: left empty */
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        struct str more = str_from(header_line(rest), 1);
        (void)!buf_add(line, more);
    }
    return true;
}

/* "\n", "\,", "\;" and "\\" as what they stand for, on one line. */
static struct str text_value(struct arena *a, struct str raw) {
    cleanup(buf_clear) struct buf plain, line;
    buf_init(&plain, raw.n + 16);
    buf_init(&line, 3 * raw.n + 16);
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '\\' && i + 1 < raw.n) {
            c = raw.p[++i];
            c = c == 'n' || c == 'N' ? ' ' : c;
        }
        (void)!buf_add_byte(&plain, c);
    }
    if (!utf8_one_line(&line, buf_str(&plain)))
        return STR_NONE;
    return arena_str(a, str_trim(utf8_upto(buf_str(&line), VALUE_MAX)));
}

/* "20261201T100000Z" with its separators, "20261201" as a day; anything else as it stands. */
static struct str time_value(struct arena *a, struct str v) {
    bool day = v.n == 8, time = v.n >= 15 && v.p[8] == 'T';
    for (size_t i = 0; i < v.n && i < 15; i++)
        if (i != 8 && !isdigit((unsigned char)v.p[i]))
            day = time = false;
    if (day)
        return arena_strf(a, "%.4s-%.2s-%.2s", v.p, v.p + 4, v.p + 6);
    if (time)
        return arena_strf(a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%s", v.p, v.p + 4, v.p + 6, v.p + 9,
                          v.p + 11, v.p + 13, v.n > 15 && v.p[15] == 'Z' ? "Z" : "");
    return text_value(a, v);
}

static struct str mail_value(struct arena *a, struct str v) {
    if (str_eq_nocase(str_upto(v, 7), (struct str)STR("mailto:")))
        v = str_from(v, 7);
    return text_value(a, v);
}

/* "TZID=Europe/Berlin" among the parameters, with or without quotes. */
static struct str zone_of(struct arena *a, struct str params) {
    while (params.n) {
        struct str one = str_cut(&params, ';');
        if (!str_eq_nocase(str_upto(one, 5), (struct str)STR("TZID=")))
            continue;
        one = str_from(one, 5);
        if (one.n > 1 && one.p[0] == '"')
            one = str_make(one.p + 1, one.n - 2);
        return text_value(a, one);
    }
    return STR_NONE;
}

/* NAME;PARAM="a:b";…:value. A colon inside quotes belongs to the parameters. */
static bool line_split(struct str line, struct str *name, struct str *params, struct str *value) {
    size_t colon = 0;
    bool quote = false;
    while (colon < line.n && (quote || line.p[colon] != ':'))
        quote = line.p[colon++] == '"' ? !quote : quote;
    if (colon == line.n)
        return false;
    *value = str_trim(str_from(line, colon + 1));
    *params = str_upto(line, colon);
    *name = str_cut(params, ';');
    return true;
}

static void take(struct arena *a, struct calendar *c, bool in_event, struct str line) {
    struct str name, params, value;
    if (!line_split(line, &name, &params, &value))
        return;
    for (size_t i = 0; i < COUNT(properties); i++) {
        const struct property *p = &properties[i];
        struct str *to = (struct str *)(void *)((char *)c + p->at);
        if (p->in_event != in_event || to->p || !str_is_nocase(name, p->name))
            continue;
        *to = p->kind == VALUE_TIME   ? time_value(a, value)
              : p->kind == VALUE_MAIL ? mail_value(a, value)
                                      : text_value(a, value);
        if (p->kind == VALUE_TIME && !c->timezone.p)
            c->timezone = zone_of(a, params);
    }
}

bool calendar_read(struct arena *a, struct str text, struct calendar *out) {
    cleanup(buf_clear) struct buf line;
    size_t depth = 0; /* of components inside the event: alarms */
    bool calendar = false, event = false;
    buf_init(&line, LINE_MAX_BYTES);
    *out = (struct calendar){0};
    while (line_next(&text, &line)) {
        struct str one = str_trim(buf_str(&line));
        bool begin = str_eq_nocase(str_upto(one, 6), (struct str)STR("BEGIN:"));
        bool end = str_eq_nocase(str_upto(one, 4), (struct str)STR("END:"));
        if (begin && str_is_nocase(one, "BEGIN:VCALENDAR"))
            calendar = true;
        else if (begin && !event)
            event = str_is_nocase(one, "BEGIN:VEVENT") || str_is_nocase(one, "BEGIN:VTODO");
        else if (begin)
            depth++;
        else if (end && event && depth-- == 0)
            break; /* the first event is enough */
        else if (!end && depth == 0)
            take(a, out, event, one);
    }
    return calendar;
}

struct str calendar_text(struct arena *a, const struct calendar *c) {
    static const struct {
        const char *method;
        struct str words;
    } said[] = {{"REQUEST", STR("Invitation")},
                {"CANCEL", STR("Cancelled")},
                {"REPLY", STR("Answer to an invitation")},
                {"COUNTER", STR("Counter-proposal to an invitation")}};
    struct str words = STR("Calendar");
    for (size_t i = 0; i < COUNT(said); i++)
        if (str_is_nocase(c->method, said[i].method))
            words = said[i].words;
    return arena_strf(a, "%.*s: %.*s\n%.*s %.*s%s%.*s\n", STR_ARG(words), STR_ARG(c->summary),
                      STR_ARG(c->start), STR_ARG(c->timezone), c->location.n ? ", " : "",
                      STR_ARG(c->location));
}

void calendar_write(struct jwrite *w, const struct calendar *c) {
    jwrite_open(w, "calendar", '{');
    jwrite_str(w, "method", c->method);
    jwrite_str(w, "summary", c->summary);
    jwrite_str(w, "start", c->start);
    jwrite_str(w, "end", c->end);
    jwrite_str(w, "timezone", c->timezone);
    jwrite_str(w, "location", c->location);
    jwrite_str(w, "organizer", c->organizer);
    jwrite_str(w, "uid", c->uid);
    jwrite_str(w, "status", c->status);
    jwrite_close(w, '}');
}
