/* config/write.c - what the file says, written again: for who tries another file beside it.
 *
 * As nodes, not as structs: what the tables do not know is not lost, what is absent stays absent.
 * Flow style throughout; a value stays plain where it was plain, so that numbers stay numbers.
 */
#include <touchline/kit/buf.h>

#include "config/config_priv.h"

static const char *const secrets[] = {"password", "token", "webhook"};

static bool is_secret(struct str key) {
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (str_is(key, secrets[i]))
            return true;
    return false;
}

/* Plain scalars that would not be read back as such within brackets. */
static bool needs_quotes(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || strchr(",[]{}#&*!|>'\"%@`", s.p[i]))
            return true;
    return s.n == 0 || str_find(s, ':') >= 0;
}

static bool write_scalar(const struct config *c, const struct config_node *n, struct buf *out) {
    struct str s = n->text, file = STR("file:");
    if (str_starts(s, file) && s.n > file.n && s.p[file.n] != '/')
        return buf_add_c(out, "\"file:") && buf_add(out, config_folder(c)) &&
               buf_add_byte(out, '/') && buf_add(out, str_from(s, file.n)) &&
               buf_add_byte(out, '"');
    return n->quoted || needs_quotes(s) ? buf_add_json(out, s) : buf_add(out, s);
}

static bool write_node(const struct config *c, const struct config_node *n, struct buf *out) {
    bool ok = true, list = n->kind == CONFIG_LIST, first = true;
    if (n->kind == CONFIG_SCALAR)
        return write_scalar(c, n, out);
    ok = buf_add_c(out, list ? "[" : "{");
    for (size_t i = 0; ok && i < n->n; i++) {
        const struct config_member *m = &n->members[i];
        if (!list && is_secret(m->key))
            continue;
        ok = (first || buf_add_c(out, ", ")) &&
             (list || (buf_add_json(out, m->key) && buf_add_c(out, ": "))) &&
             write_node(c, m->value, out);
        first = false;
    }
    return ok && buf_add_c(out, list ? "]" : "}");
}

bool config_write(const struct config *c, const char *const *sections, struct buf *out) {
    bool ok = true;
    for (; ok && *sections; sections++) {
        const struct config_node *n = config_node_get(config_root(c), *sections);
        if (!n)
            continue;
        ok = buf_add_c(out, *sections) && buf_add_c(out, ": ") && write_node(c, n, out) &&
             buf_add_byte(out, '\n');
    }
    return ok;
}
