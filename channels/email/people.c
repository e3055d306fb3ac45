/* people.c - reads address fields leniently, and decides which of them wrote. */
#include "people.h"

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "charset.h"
#include "mime.h"
#include "mime_text.h"

enum { NAME_MAX_BYTES = 200 };

/* What is no address is left out; returns how many were read, of which *out_unread were none. */
static size_t addresses_of(const struct people *p, struct str value, struct address *out,
                           size_t max, size_t *out_unread) {
    size_t n = address_list(p->arena, value, out, max), kept = 0;
    *out_unread = 0;
    for (size_t i = 0; i < n; i++) {
        struct address one = out[i];
        one.name = one.name.p
                       ? utf8_upto(mime_header_text(p->arena, one.name, NULL), NAME_MAX_BYTES)
                       : STR_NONE;
        bool unread = one.email.p && !address_valid(one.email);
        *out_unread += unread;
        one.email = unread ? STR_NONE : one.email;
        if (one.email.n || one.name.n)
            out[kept++] = one;
    }
    return kept;
}

static bool any_email(const struct address *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (list[i].email.n)
            return true;
    return false;
}

/* The addresses of a field, with names decoded and on one line. Some encode the whole field,
 * address and all: it is decoded where nothing can be read otherwise. */
size_t people_read(const struct people *p, const char *header, struct address *out, size_t max) {
    struct str value = headers_get(p->headers, header);
    size_t n, unread;
    if (!value.n)
        return 0;
    if (value.n > HEADER_VALUE_MAX)
        warnings_add(p->warnings, "a field of addresses is long; its end was left out");
    value = charset_field_to_utf8(p->arena, header_unfold(p->arena, value), p->charset);
    n = addresses_of(p, value, out, max, &unread);
    if (!any_email(out, n) && memmem(value.p, value.n, "=?", 2))
        n = addresses_of(p, mime_header_text(p->arena, value, NULL), out, max, &unread);
    if (n + unread >= ADDRESS_LIST_MAX)
        warnings_add(p->warnings, "more addresses than are kept");
    if (unread)
        warnings_add(p->warnings, "an address cannot be read");
    return n;
}

/* A mailing list that writes in its own name says who did (Google Groups and its like). */
static struct address original_sender(const struct people *p, struct address from, bool *alone) {
    struct address list[2];
    if (people_read(p, "X-Original-Sender", list, COUNT(list)) != 1 || !list[0].email.n)
        return from;
    *alone = *alone && str_eq_nocase(list[0].email, from.email);
    from.email = list[0].email;
    return from;
}

/* "boss@corp.example <x@evil.example>": a name that would be taken for the address. */
static void warn_of_name(const struct people *p, const struct address *from) {
    struct str rest = from->name;
    while (rest.n) {
        struct str word = str_cut(&rest, ' ');
        while (word.n && strchr("<([{\"'", word.p[0]) && word.p[0])
            word = str_from(word, 1);
        while (word.n && strchr(">)]}\"',;:", word.p[word.n - 1]) && word.p[word.n - 1])
            word.n--;
        if (address_valid(word) && !str_eq_nocase(word, from->email))
            warnings_add(p->warnings, "the sender's name shows another address");
    }
}

/* From; of several Sender, which says who did send, else the first (RFC 5322 3.6.2). */
static struct address choose(const struct people *p, bool *alone) {
    struct address list[8], sender[2], none = {0};
    size_t n = people_read(p, "From", list, COUNT(list));
    *alone = n == 1 && list[0].email.n && headers_count(p->headers, "From") == 1;
    size_t senders =
        n == 1 && list[0].email.n ? 0 : people_read(p, "Sender", sender, COUNT(sender));
    for (size_t i = 0; senders && i < n; i++)
        if (list[i].email.n && str_eq_nocase(list[i].email, sender[0].email))
            return list[i];
    if (senders && sender[0].email.n)
        return sender[0];
    for (size_t i = 0; i < n; i++)
        if (list[i].email.n)
            return original_sender(p, list[i], alone);
    return n ? list[0] : none;
}

struct address people_sender(const struct people *p, bool *out_alone) {
    struct address from = choose(p, out_alone);
    warn_of_name(p, &from);
    return from;
}
