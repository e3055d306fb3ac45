/* store/library.c - the function library: one text carried in the daemon, loaded where it is
 * missing.
 *
 * Its digest is a function of the library itself, so one call tells whether this very text is there
 * (handshake.c); only another text is sent, since each loading is written to the AOF.
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>

enum { LIBRARY_MAX = 1 << 20 };

extern const char store_functions_lua[], store_functions_lua_end[];

static struct str library_text(void) {
    return str_make(store_functions_lua, (size_t)(store_functions_lua_end - store_functions_lua));
}

void store_library_digest(char out[SHA256_HEX + 1]) {
    uint8_t digest[SHA256_BYTES];
    sha256(library_text(), digest);
    hex_encode(digest, sizeof digest, out);
}

struct load {
    struct store *store;
    void (*done)(struct store *s, bool ok, const char *why);
};

static void on_loaded(void *arg, const struct store_reply *reply, const struct fault *f) {
    struct load l = *(struct load *)arg;
    char why[FAULT_REASON_MAX];
    (void)reply;
    free(arg);
    snprintf(why, sizeof why, "%sfunction library: %.300s",
             f && f->kind == FAULT_STATE ? "refused: " : "", f ? f->reason : "");
    l.done(l.store, !f, why);
}

void store_library_load(struct store *s, void (*done)(struct store *s, bool ok, const char *why)) {
    cleanup(buf_clear) struct buf text;
    char digest[SHA256_HEX + 1];
    struct load *l = NEW(struct load);
    *l = (struct load){s, done};
    buf_init(&text, LIBRARY_MAX);
    store_library_digest(digest);
    if (!buf_add(&text, library_text()) ||
        !buf_addf(&text,
                  "\nredis.register_function{function_name='" STORE_LIBRARY "_digest', "
                  "callback=function() return '%s' end, flags={'no-writes'}}\n",
                  digest))
        assert(!"the library is larger than 1 MiB");
    struct str argv[] = {str_c("FUNCTION"), str_c("LOAD"), str_c("REPLACE"), buf_str(&text)};
    store_client_now(s, argv, COUNT(argv), on_loaded, l);
}
