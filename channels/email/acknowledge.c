/* acknowledge.c - see acknowledge.h. The file is read when the configuration is taken up, so that
 * one that is gone is told then and not with each mail.
 */
#include "acknowledge.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

enum { TEXT_MAX = 16 * 1024 };

char *acknowledge_text_new(struct str path, const char **out_why) {
    cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
    cleanup(mem_freep) char *text = mem_new(TEXT_MAX + 2);
    FILE *file = fopen(name, "rbe");
    if (!file) {
        *out_why = "the file cannot be opened";
        return NULL;
    }
    size_t n = fread(text, 1, TEXT_MAX + 1, file);
    bool whole = !ferror(file);
    fclose(file);
    struct str words = str_trim(str_make(text, n));
    if (!whole || n > TEXT_MAX || !words.n || !utf8_valid(words) || memchr(text, 0, n)) {
        *out_why = !whole         ? "the file cannot be read"
                   : n > TEXT_MAX ? "the file is larger than 16 KiB"
                   : !words.n     ? "the file is empty"
                                  : "the file is not UTF-8 text";
        return NULL;
    }
    return mem_dup(words.p, words.n);
}

bool email_acknowledge(void *instance, struct str source, struct tl_acknowledge *out) {
    const struct email *e = instance;
    struct str name = source, plugin = str_cut(&name, ':');
    if (!e->acknowledgement || !e->config->relay.address.n || !str_is(plugin, "email") ||
        !str_eq(name, e->config->acknowledge.mailbox))
        return false;
    out->text = str_c(e->acknowledgement);
    out->once_per_ms = e->config->acknowledge.once_per_ms;
    return true;
}
