/* forms/canon.c - see canon.h. */
#include "canon.h"

#include <string.h>

#include <touchline/kit/own.h>

enum { NAME_MAX_BYTES = 64 };

static const struct {
    const char *path;
    enum canon_part part;
    const char *names; /* between bars */
} rows[] = {
    {"from.name", CANON_WHOLE,
     "|name|fullname|yourname|contactname|nomcomplet|ansprechpartner|ihrname|nom|nombre|nome|"},
    {"from.name", CANON_FIRST, "|firstname|first|fname|vorname|givenname|prenom|prénom|"},
    {"from.name", CANON_LAST, "|lastname|last|lname|nachname|surname|familyname|"},
    {"from.email", CANON_WHOLE,
     "|email|youremail|mail|replyto|emailaddress|mailaddress|ihreemail|emailadresse|correo|"},
    {"from.phone", CANON_WHOLE,
     "|phone|tel|telefon|mobile|yourtel|yourphone|phonenumber|telephone|telefonnummer|mobil|handy|"
     "mobilephone|"},
    {"subject", CANON_WHOLE, "|subject|betreff|yoursubject|topic|thema|"},
    {"text", CANON_WHOLE,
     "|message|comment|comments|body|nachricht|yourmessage|text|description|mitteilung|"
     "ihrenachricht|"
     "question|enquiry|inquiry|"},
};
static const struct {
    const char *hint, *path;
} hints[] = {{"email", "from.email"}, {"phone", "from.phone"}, {"text", "text"}};

static size_t plain_name(struct str name, char out[NAME_MAX_BYTES + 2]) {
    size_t n = 0;
    out[n++] = '|';
    for (size_t i = 0; i < name.n && n <= NAME_MAX_BYTES; i++) {
        char c = name.p[i];
        if (strchr("_-[] :*.", c))
            continue;
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    out[n++] = '|';
    return n;
}

struct str canon_path(struct str name, struct str hint, enum canon_part *out_part) {
    char plain[NAME_MAX_BYTES + 3];
    size_t n = plain_name(name, plain);
    plain[n] = '\0';
    *out_part = CANON_WHOLE;
    for (size_t i = 0; n > 2 && i < COUNT(rows); i++) {
        if (!strstr(rows[i].names, plain))
            continue;
        *out_part = rows[i].part;
        return str_c(rows[i].path);
    }
    for (size_t i = 0; hint.n && i < COUNT(hints); i++)
        if (str_is(hint, hints[i].hint))
            return str_c(hints[i].path);
    return STR_NONE;
}
