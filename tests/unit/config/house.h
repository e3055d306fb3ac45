/* tests/unit/config/house.h - the root table of the whole house, with its built channels, and the
 * secrets that the files we ship name.
 */
#ifndef TESTS_CONFIG_HOUSE_H
#define TESTS_CONFIG_HOUSE_H

#include <dlfcn.h>

#include "blob/blob.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "ingest/mask.h"
#include "ingest/pulses.h"
#include "ingest/rules.h"
#include "lab.h"
#include "spool/spool.h"
#include "store/store.h"

static const struct config_section sections[] = {
    CONFIG_OWN_SECTIONS,
    {"listen", listen_keys, sizeof(struct listen_config),
     CONFIG_SECTION_LIST | CONFIG_SECTION_FIXED, listen_check},
    {"limits", limits_keys, sizeof(struct limits_config), 0, NULL},
    {"spool", spool_keys, sizeof(struct spool_config), 0, NULL},
    {"blobs", blob_keys, sizeof(struct blob_config), 0, blob_check},
    {"store", store_keys, sizeof(struct store_config), CONFIG_SECTION_FIXED, NULL},
    {"alarm", alarm_keys, sizeof(struct alarm_config), 0, alarm_check},
    {"mask", mask_keys, sizeof(struct mask_config), CONFIG_SECTION_LIST, mask_check},
    {"rules", rule_keys, sizeof(struct rule_config), CONFIG_SECTION_LIST, rules_check},
    {0},
};

static const char *const channels[] = {"email", "forms", "social", "sip"};

/* The built channel beside this program: BUILD/unit/config/test_reference, BUILD/channels/NAME.so.
 */
static const struct tl_plugin *channel(struct str name) {
    char self[4096], path[4200];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/channels/%.*s.so", self, STR_ARG(name));
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return so ? dlsym(so, TL_PLUGIN_SYMBOL) : NULL;
}

static const struct tl_plugin *find(void *ctx, struct str name, const struct tl_strs *folders,
                                    struct fault *out_why) {
    (void)ctx;
    (void)folders;
    const struct tl_plugin *p = channel(name);
    if (!p)
        fault_set(out_why, FAULT_INPUT, "", "not built");
    return p;
}

static inline void channels_needed(void) {
    for (size_t i = 0; i < COUNT(channels); i++)
        if (!channel(str_c(channels[i]))) {
            print_message("channels/%s.so is not built: `make` first\n", channels[i]);
            skip();
        }
}

/* All secrets that the two files name, so that the originals are valid. */
static inline void secrets_write(struct lab *lab) {
    static const char *const names[] = {"installation", "crm.token", "ops.token"};
    char command[256], name[64], content[64];
    snprintf(command, sizeof command, "sh conf/dev-secrets.sh %s/var", lab->folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/var", lab->folder);
    setenv("TOUCHLINE_VAR", command, 1);
    lab_folder(lab, "secrets");
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(name, sizeof name, "secrets/%s", names[i]);
        snprintf(content, sizeof content, "0123456789abcdef-%s", names[i]);
        lab_write(lab, name, content, 0600);
    }
    lab_write(lab, "secrets/anna.argon2", "$argon2id$v=19$", 0600);
}

#endif
