/* plugin/load.c - finds NAME.so and judges its table before anything in it is called.
 *
 * A plugin is never unloaded: libraries that it brought may have left threads or handlers behind.
 */
#include "plugin/plugin_priv.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_BYTES_MAX = 64 * 1024, CONFIG_BYTES_MAX = 1 << 20, WHY_MAX = FAULT_REASON_MAX };

/* What every table has had since 1.0. */
static const size_t table_bytes_min =
    offsetof(struct tl_plugin, sender) + sizeof(((struct tl_plugin *)0)->sender);
static const size_t key_bytes_min =
    offsetof(struct tl_key, help) + sizeof(((struct tl_key *)0)->help);

void sized_copy(void *to, size_t to_bytes, const void *from, size_t from_bytes) {
    memset(to, 0, to_bytes);
    memcpy(to, from, from_bytes < to_bytes ? from_bytes : to_bytes);
}

static bool name_ok(struct str name) {
    if (!name.n || name.n > PLUGIN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(i && ((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return true;
}

struct tl_channel *channel_find(struct plugin_host *h, struct str name) {
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        if (str_is(name, ch->name))
            return ch;
    }
    return NULL;
}

struct tl_channel *channel_of_source(struct plugin_host *h, struct str source) {
    return channel_find(h, str_cut(&source, ':'));
}

/* The table's head is the same in every version; nothing behind it is read before it fits. */
static bool check_head(const struct tl_plugin *p, const char *path, struct fault *f) {
    if (p->abi_major != TL_ABI_MAJOR)
        return fault_set(f, FAULT_INPUT, path,
                         "is made for version %u of the plugin ABI; this daemon has %d.%d",
                         p->abi_major, TL_ABI_MAJOR, TL_ABI_MINOR);
    if (p->size < table_bytes_min || p->size > TABLE_BYTES_MAX || p->key_bytes < key_bytes_min ||
        p->key_bytes > TABLE_BYTES_MAX)
        return fault_set(f, FAULT_INPUT, path,
                         "its table has sizes that no version of the plugin ABI has");
    return true;
}

static bool check_table(const struct tl_plugin *p, struct str name, const char *path,
                        struct fault *f) {
    if (!p->name.p || !str_eq(p->name, name))
        return fault_set(f, FAULT_INPUT, path, "calls itself %.*s, not %.*s",
                         STR_ARG(str_upto(p->name, PLUGIN_NAME_MAX)), STR_ARG(name));
    if (!p->start || !p->stop)
        return fault_set(f, FAULT_INPUT, path, "has no start or no stop");
    if (!p->keys || !p->config_bytes || p->config_bytes > CONFIG_BYTES_MAX)
        return fault_set(f, FAULT_INPUT, path, "has no table of keys, or no size of its struct");
    if ((p->flags & TL_PLUGIN_READ_IN_CHILD) && !p->read)
        return fault_set(f, FAULT_INPUT, path, "wants to read in a child, but has no read");
    if ((p->send == NULL) != (p->sender == NULL))
        return fault_set(f, FAULT_INPUT, path, "has only one of send and sender");
    return true;
}

static const struct tl_plugin *open_table(const char *path, struct fault *f) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        fault_set(f, FAULT_INPUT, path, "cannot be loaded: %s", why ? why : "unknown");
        return NULL;
    }
    const struct tl_plugin *p = dlsym(handle, TL_PLUGIN_SYMBOL);
    if (!p)
        fault_set(f, FAULT_INPUT, path, "is no channel: it has no symbol " TL_PLUGIN_SYMBOL);
    return p;
}

static struct tl_channel *channel_new(struct plugin_host *h, const struct tl_plugin *p) {
    struct tl_channel *ch = NEW(struct tl_channel);
    struct link *lists[] = {&ch->pendings, &ch->timers, &ch->leases, &ch->routes, &ch->streams};
    for (size_t i = 0; i < COUNT(lists); i++)
        link_init(lists[i]);
    ch->host = h;
    sized_copy(&ch->plugin, sizeof ch->plugin, p, p->size);
    snprintf(ch->name, sizeof ch->name, "%.*s", STR_ARG(p->name));
    list_push(&h->channels, &ch->link);
    return ch;
}

void channel_free(struct tl_channel *ch) {
    link_remove(&ch->link);
    free(ch);
}

/* The path of NAME.so in the first folder that has it. false: out holds where was looked. */
static bool find_file(struct str name, const struct tl_strs *folders, char *out, size_t max) {
    char tried[WHY_MAX] = "";
    for (size_t i = 0; i < folders->n; i++) {
        int n = snprintf(out, max, "%.*s/%.*s.so", STR_ARG(folders->items[i]), STR_ARG(name));
        if (n > 0 && (size_t)n < max && access(out, R_OK) == 0)
            return true;
        size_t used = strlen(tried);
        snprintf(tried + used, sizeof tried - used, "%s%.*s", i ? ", " : "",
                 STR_ARG(folders->items[i]));
    }
    snprintf(out, max, "%s", tried);
    return false;
}

struct tl_channel *channel_load(struct plugin_host *h, struct str name,
                                const struct tl_strs *folders, struct fault *f) {
    char path[4096];
    struct tl_strs searched = plugin_host_folders(h, folders);
    struct tl_channel *ch = channel_find(h, name);
    if (ch)
        return ch;
    if (!name_ok(name)) {
        fault_set(f, FAULT_INPUT, "channels",
                  "a channel's name has up to 32 lower-case letters, digits and _");
        return NULL;
    }
    if (!find_file(name, &searched, path, sizeof path)) {
        fault_set(f, FAULT_INPUT, "channels", "there is no channel %.*s: no %.*s.so in %.300s",
                  STR_ARG(name), STR_ARG(name), path);
        return NULL;
    }
    const struct tl_plugin *p = open_table(path, f);
    if (!p || !check_head(p, path, f) || !check_table(p, name, path, f))
        return NULL;
    return channel_new(h, p);
}
