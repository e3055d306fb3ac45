/* tests/unit/config/lab.h - a folder for a configuration, its secrets, and what a load of it says.
 *
 * Included by the tests of this room after cmocka. Faults come out as one text, a line each, with
 * the folder cut away: "touchline.yml:3:7: what is wrong".
 */
#ifndef TESTS_CONFIG_LAB_H
#define TESTS_CONFIG_LAB_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>

#include "config/basics.h"
#include "config/config.h"

struct lab {
    char folder[64];
    char path[128]; /* of touchline.yml in it */
    char told[65536];
    struct config *config;
};

static void lab_open(struct lab *lab) {
    *lab = (struct lab){.folder = "/tmp/touchline-config-XXXXXX"};
    assert_non_null(mkdtemp(lab->folder));
    snprintf(lab->path, sizeof lab->path, "%s/touchline.yml", lab->folder);
}

static void lab_close(struct lab *lab) {
    char command[128];
    config_free(lab->config);
    snprintf(command, sizeof command, "rm -rf '%s'", lab->folder);
    assert_int_equal(system(command), 0);
}

static void lab_write_n(struct lab *lab, const char *name, const char *text, size_t n, int mode) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", lab->folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}

static inline void lab_write(struct lab *lab, const char *name, const char *text, int mode) {
    lab_write_n(lab, name, text, strlen(text), mode);
}

static inline void lab_folder(struct lab *lab, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", lab->folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Loads the file beside an older one; on success lab->config is the new one and the caller frees
 * old. */
static bool lab_load(struct lab *lab, const struct config_section *sections,
                     config_plugin_fn *plugin, const struct config *old) {
    struct fault_list faults;
    struct config *loaded = NULL;
    size_t used = 0, cut = strlen(lab->folder) + 1;
    fault_list_init(&faults, 200);
    bool sound = config_load(lab->path, sections, plugin, NULL, old, &loaded, &faults);
    lab->told[0] = '\0';
    for (size_t i = 0; i < faults.n && used < sizeof lab->told - 1024; i++) {
        const char *place = faults.items[i].place;
        if (strncmp(place, lab->folder, cut - 1) == 0)
            place += cut;
        used += (size_t)snprintf(lab->told + used, sizeof lab->told - used, "%s: %s\n", place,
                                 faults.items[i].reason);
    }
    assert_int_equal(sound, faults.n == 0);
    assert_int_equal(sound, loaded != NULL);
    fault_list_clear(&faults);
    if (sound)
        lab->config = loaded;
    return sound;
}

/* Writes text, loads it and compares what is told; "" where it is sound. */
static inline void lab_tells(const struct config_section *sections, const char *text,
                             const char *told) {
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", text, 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

#endif
