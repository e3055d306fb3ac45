/* kit/phone_library.c - libphonenumber behind a shared object of ours, looked for beside the
 * program or plugin that carries this code, then where it was installed.
 *
 * It is a C++ library with 30 MB of tables, so it is loaded when the first number comes that our
 * own rules cannot read, and never needed: what they can read they read alone, so that a person's
 * identity does not hang on what is installed.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/phone.h>

enum { E164_ROOM = 24, RAW_MAX = 128 };

/* In daemon/kit/phone_shim.cc. 0: not a valid number; else its length, without a NUL. */
typedef int shim_fn(const char *raw, size_t raw_n, const char *region, int country, char *out,
                    size_t room);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static shim_fn *shim;

/* The folder of the program or plugin this code is a part of, with its '/'; never one that depends
 * on where we were started. */
static bool own_folder(char out[PATH_MAX]) {
    Dl_info here;
    if (!dladdr((void *)(uintptr_t)&once, &here) || !here.dli_fname)
        return false;
    if (here.dli_fname[0] == '/') {
        snprintf(out, PATH_MAX, "%s", here.dli_fname);
    } else {
        ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
        if (n <= 0)
            return false;
        out[n] = 0;
    }
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    slash[1] = 0;
    return true;
}

static void load(void) {
    static const char *const places[] = {"", "../", "../../", "../../../", "../lib/touchline/"};
    char folder[PATH_MAX], path[PATH_MAX + 64];
    if (!own_folder(folder))
        return;
    for (size_t i = 0; i < COUNT(places) && !shim; i++) {
        snprintf(path, sizeof path, "%s%stouchline-phone.so", folder, places[i]);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        void *symbol = library ? dlsym(library, "touchline_phone_read") : NULL;
        memcpy(&shim, &symbol, sizeof shim);
    }
}

bool phone_library_here(void) {
    return pthread_once(&once, load) == 0 && shim;
}

bool phone_library_read(struct arena *a, struct str raw, struct str region, int country,
                        struct str *out_e164) {
    char name[3] = "", out[E164_ROOM];
    if (!raw.n || raw.n > RAW_MAX || (region.n != 2 && !country) || !phone_library_here())
        return false;
    if (region.n == 2)
        memcpy(name, region.p, 2);
    int n = shim(raw.p, raw.n, name, country, out, sizeof out);
    if (n <= 0 || (size_t)n > sizeof out || out[0] != '+')
        return false;
    *out_e164 = arena_str(a, str_make(out, (size_t)n));
    return true;
}
