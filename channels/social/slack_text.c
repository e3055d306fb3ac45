/* social/slack_text.c - Slack's mrkdwn as people read it. Pure.
 *
 *   &amp; &lt; &gt;        & < >
 *   <https://x|label>      label (https://x)
 *   <@U024BE7LH|name>      @name, else @U024BE7LH
 *   <#C024BE7LR|name>      #name
 *   <!here>, <!subteam^S1|@team>   @here, @team
 */
#include "slack.h"

static bool add_entity(struct buf *out, struct str s, size_t *at) {
    static const struct {
        struct str code;
        char c;
    } entities[] = {{STR("&amp;"), '&'}, {STR("&lt;"), '<'}, {STR("&gt;"), '>'}};
    for (size_t i = 0; i < COUNT(entities); i++)
        if (str_starts(str_from(s, *at), entities[i].code)) {
            *at += entities[i].code.n;
            return buf_add_byte(out, entities[i].c);
        }
    return buf_add_byte(out, s.p[(*at)++]);
}

/* Entities mean the same inside of a link. */
static bool add_plain(struct buf *out, struct str s) {
    bool ok = true;
    for (size_t i = 0; i < s.n && ok;)
        ok = add_entity(out, s, &i);
    return ok;
}

/* What stands between < and >. */
static bool add_link(struct buf *out, struct str inside) {
    struct str label = inside, target = str_cut(&label, '|');
    char first = target.n ? target.p[0] : '\0';
    if (first == '@' || first == '#')
        return buf_add_byte(out, first) && add_plain(out, label.n ? label : str_from(target, 1));
    if (first == '!') {
        if (label.n)
            return add_plain(out, label);
        return buf_add_byte(out, '@') && add_plain(out, str_from(target, 1));
    }
    if (!label.n || str_eq(label, target))
        return add_plain(out, target);
    return add_plain(out, label) && buf_add_c(out, " (") && add_plain(out, target) &&
           buf_add_byte(out, ')');
}

struct str slack_text(struct arena *a, struct str s) {
    cleanup(buf_clear) struct buf b;
    bool ok = true;
    size_t closed = 0; /* no '>' before this: an open '<' is looked behind once only */
    buf_init(&b, s.n * 2 + 16);
    if (!s.p)
        return s;
    for (size_t i = 0; i < s.n && ok;) {
        ptrdiff_t end = s.p[i] == '<' && closed <= i ? str_find(str_from(s, i), '>') : -1;
        if (s.p[i] == '<' && end < 0)
            closed = s.n;
        if (end > 0) {
            ok = add_link(&b, str_make(s.p + i + 1, (size_t)end - 1));
            i += (size_t)end + 1;
        } else {
            ok = add_entity(&b, s, &i);
        }
    }
    return ok ? arena_str(a, buf_str(&b)) : s;
}
