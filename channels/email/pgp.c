/* pgp.c - takes armour lines off, line by line.
 *
 *   -----BEGIN PGP SIGNED MESSAGE-----      left out, with the header lines behind it
 *   text, "- " in front of a dash           kept, without the "- "
 *   -----BEGIN PGP SIGNATURE----- … END     left out
 *
 * A signature that does not end leaves out nothing but its first line.
 */
#include "pgp.h"

#include "header.h"

static const struct str signed_begin = STR("-----BEGIN PGP SIGNED MESSAGE-----");
static const struct str signature_begin = STR("-----BEGIN PGP SIGNATURE-----");
static const struct str signature_end = STR("-----END PGP SIGNATURE-----");

static struct str trim_line(struct str line) {
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    return line;
}

static bool has_line(struct str text, struct str wanted) {
    while (text.n)
        if (str_eq(trim_line(header_line(&text)), wanted))
            return true;
    return false;
}

/* "Hash: SHA256" and the empty line behind. */
static struct str without_fields(struct str text) {
    while (text.n) {
        struct str rest = text, line = trim_line(header_line(&rest));
        if (line.n && str_find(line, ':') < 0)
            break;
        text = rest;
        if (!line.n)
            break;
    }
    return text;
}

static struct str behind_signature(struct str text) {
    struct str rest = text;
    while (rest.n)
        if (str_eq(trim_line(header_line(&rest)), signature_end))
            return rest;
    return text;
}

static struct str without_signature(struct arena *a, struct str text) {
    char *p = arena_new(a, text.n + 1);
    size_t n = 0;
    bool inside = false, ends = has_line(text, signature_end);
    while (text.n) {
        const char *begin = text.p;
        struct str line = trim_line(header_line(&text));
        struct str whole = str_make(begin, (size_t)(text.p - begin));
        if (str_eq(line, signed_begin)) {
            inside = true;
            text = without_fields(text);
            continue;
        }
        if (inside && str_eq(line, signature_begin)) {
            inside = false;
            text = ends ? behind_signature(text) : text;
            continue;
        }
        if (inside && str_starts(whole, str_c("- ")))
            whole = str_from(whole, 2);
        memcpy(p + n, whole.p, whole.n);
        n += whole.n;
    }
    return str_make(p, n);
}

enum pgp_armour pgp_open(struct arena *a, struct str text, struct str *out_text) {
    struct str trimmed = str_trim(text);
    if (str_starts(trimmed, str_c("-----BEGIN PGP MESSAGE-----")) &&
        str_ends(trimmed, str_c("-----END PGP MESSAGE-----")))
        return PGP_ENCRYPTED;
    if (!has_line(text, signed_begin))
        return PGP_NONE;
    *out_text = without_signature(a, text);
    return PGP_SIGNED;
}
