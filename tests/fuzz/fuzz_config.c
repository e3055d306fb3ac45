/* Any bytes as the operator's file, with the tables of the rooms that stand in FUZZ_ROOMS: valid,
 * or refused with faults that each have a place and a reason. What is valid is the same as itself.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "config/basics.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "ingest/mask.h"
#include "ingest/pulses.h"
#include "ingest/rules.h"
#include "store/store.h"

enum { FAULTS_MAX = 100 };

static const struct config_section sections[] = {
    CONFIG_OWN_SECTIONS,
    {"listen", listen_keys, sizeof(struct listen_config),
     CONFIG_SECTION_LIST | CONFIG_SECTION_FIXED, listen_check},
    {"limits", limits_keys, sizeof(struct limits_config), 0, NULL},
    {"store", store_keys, sizeof(struct store_config), CONFIG_SECTION_FIXED, NULL},
    {"alarm", alarm_keys, sizeof(struct alarm_config), 0, alarm_check},
    {"mask", mask_keys, sizeof(struct mask_config), CONFIG_SECTION_LIST, mask_check},
    {"rules", rule_keys, sizeof(struct rule_config), CONFIG_SECTION_LIST, rules_check},
    {0},
};

/* In memory where that is to be had: each input is written and read. */
static char folder[64], path[128];

/* Named by the seeds: file:a … file:h. */
static const char secrets[] = "abcdefgh";

static void secret_path(char name, char out[128]) {
    snprintf(out, 128, "%s/%c", folder, name);
}

static void folder_remove(void) {
    char secret[128];
    for (const char *s = secrets; *s; s++) {
        secret_path(*s, secret);
        unlink(secret);
    }
    unlink(path);
    rmdir(folder);
}

static void folder_make(void) {
    char secret[128], text[] = "0123456789abcdef0123456789abcde?";
    snprintf(folder, sizeof folder, "%s/touchline-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(folder) != NULL);
    atexit(folder_remove);
    snprintf(path, sizeof path, "%s/touchline.yml", folder);
    for (const char *s = secrets; *s; s++) {
        secret_path(*s, secret);
        text[sizeof text - 2] = *s;
        int fd = open(secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        must(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
        must(close(fd) == 0);
    }
}

static void write_file(const uint8_t *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config *c = NULL;
    cleanup(fault_list_clear) struct fault_list faults;
    if (!path[0])
        folder_make();
    write_file(data, size);
    fault_list_init(&faults, FAULTS_MAX);
    if (config_load(path, sections, NULL, NULL, NULL, &c, &faults)) {
        must(c && faults.n == 0);
        for (size_t i = 0; sections[i].name; i++)
            must(config_get(c, sections[i].name) && !config_differs(c, c, sections[i].name));
        config_free(c);
        return 0;
    }
    must(faults.n > 0);
    for (size_t i = 0; i < faults.n; i++)
        must(faults.items[i].place[0] && faults.items[i].reason[0]);
    return 0;
}
