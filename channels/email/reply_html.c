/* reply_html.c - looks at each tag once, at its first bytes only. */
#include "reply_html.h"

#include <ctype.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>

#include "html_text.h"
#include "reply_text.h"

enum { TAG_MAX = 1000, ABOVE_MAX = 4 * 1024 * 1024 };

/* In small letters without blanks and quotes, as a tag is folded below. */
static const char *const marks[] = {
    "id=divrplyfwdmsg",                           /* Outlook on the web and 2016 on */
    "id=appendonsend",                            /* the same */
    "id=mail-editor-reference-message-container", /* the new Outlook */
    "id=olk_src_body_section",                    /* Outlook for Mac */
    "id=ms-outlook-mobile-signature",
    "id=outlookmessageheader",
    "class=outlookmessageheader",
    "border-top:solid#b5c4df", /* Outlook 2007 to 2010 */
    "border-top:solid#e1e1e1", /* 2013 on */
    "border-top:1ptsolid#b5c4df",
    "border-top:1ptsolid#e1e1e1",
    "class=yahoo_quoted",
    "id=yahoo_quoted",
    "class=zmail_extra",
    "class=moz-forward-container",
    "class=moz-email-headers-table",
    "id=isforwardcontent",
    "id=isreplycontent",
    "name=messagereplysection",
    "class=tutanota_quote",
};

static struct str folded(struct str tag, char out[TAG_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < tag.n && n < TAG_MAX; i++) {
        char c = tag.p[i];
        if ((unsigned char)c > 32 && c != '"' && c != '\'')
            out[n++] = (char)tolower((unsigned char)c);
    }
    return str_make(out, n);
}

struct str reply_html_head(struct str html) {
    char buffer[TAG_MAX];
    struct str rest = html;
    for (;;) {
        ptrdiff_t open = str_find(rest, '<');
        if (open < 0)
            return STR_NONE;
        rest = str_from(rest, (size_t)open);
        ptrdiff_t close = str_find(str_upto(rest, TAG_MAX), '>');
        size_t n = close < 0 ? 1 : (size_t)close;
        struct str tag = folded(str_upto(rest, n), buffer);
        for (size_t i = 0; i < COUNT(marks) && n > 8; i++)
            if (memmem(tag.p, tag.n, marks[i], strlen(marks[i])))
                return str_make(html.p, (size_t)(rest.p - html.p));
        rest = str_from(rest, n);
    }
}

struct str reply_of(struct arena *a, struct str text, struct str html) {
    cleanup(buf_clear) struct buf above;
    struct reply_parts parts;
    reply_split(a, text, &parts);
    struct str head = parts.elided.n ? STR_NONE : reply_html_head(html);
    buf_init(&above, ABOVE_MAX);
    if (head.n)
        html_text(&above, head);
    if (str_trim(buf_str(&above)).n)
        reply_split(a, arena_str(a, buf_str(&above)), &parts);
    return parts.reply;
}
