/* Builds channels for the tests of plugin/ out of C text, with nothing but the installed headers.
 */
#ifndef TESTS_UNIT_PLUGIN_CHANNEL_H
#define TESTS_UNIT_PLUGIN_CHANNEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <touchline/str.h>

struct folder {
    char path[64];
    struct str str;
};

static inline void folder_new(struct folder *f) {
    snprintf(f->path, sizeof f->path, "/tmp/tl-plugin-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->str = str_c(f->path);
}

static inline void folder_free(struct folder *f) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", f->path, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static inline void file_write(const struct folder *f, const char *name, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* What every channel of these tests begins with; text goes on from there. */
#define CHANNEL_HEAD                                                                               \
    "#include <touchline/plugin.h>\n"                                                              \
    "#include <stdlib.h>\n"                                                                        \
    "struct config { struct str greeting; };\n"                                                    \
    "static const struct tl_key keys[] = {{.name = \"greeting\", .type = TL_KEY_STR,\n"            \
    "  .offset = offsetof(struct config, greeting), .help = \"said first\"}, {0}};\n"              \
    "static void *start(const struct tl_host *h, struct tl_channel *ch, const void *c) {\n"        \
    "  (void)h, (void)ch; return (void *)c; }\n"                                                   \
    "static void stop(void *i) { (void)i; }\n"

/* NAME.so in the folder. */
static inline void channel_build(const struct folder *f, const char *name, const char *text) {
    char file[80], line[600];
    snprintf(file, sizeof file, "%s.c", name);
    file_write(f, file, text);
    snprintf(line, sizeof line, "cc -std=c11 -fPIC -shared -Iinclude %s/%s.c -o %s/%s.so", f->path,
             name, f->path, name);
    if (system(line) != 0)
        fail_msg("%s", line);
}

#endif
