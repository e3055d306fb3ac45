/* http/: every file of tests/attacks/http against a real server: bytes in, status and end expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "door.h"

enum { CASE_MAX = 1 << 20, CASES_LEAST = 60 };

struct attack {
    char title[200], answers[100];
    enum { CLOSES, STAYS, ANY } end;
    struct buf bytes;
};

static const char folder[] = "tests/attacks/http";
static struct door door;

static int setup(void **state) {
    (void)state;
    door_open(&door);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    door_close(&door);
    return 0;
}

/* One escaped byte after its backslash; *text moves on. */
static char unescape(const char **text) {
    unsigned value;
    switch (*(*text)++) {
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'x':
        assert_int_equal(sscanf(*text, "%2x", &value), 1);
        *text += 2;
        return (char)value;
    default:
        return (*text)[-1];
    }
}

/* Adds text with its escapes; \{N*text} stands for N times text. */
static void add_escaped(struct buf *out, const char *text, const char *end) {
    while (text < end) {
        if (*text != '\\') {
            assert_true(buf_add_byte(out, *text++));
        } else if (text[1] == '{') {
            char *star;
            unsigned long n = strtoul(text + 2, &star, 10);
            const char *stop = memchr(star, '}', (size_t)(end - star));
            assert_true(*star == '*' && stop);
            while (n--)
                add_escaped(out, star + 1, stop);
            text = stop + 1;
        } else {
            text++;
            assert_true(buf_add_byte(out, unescape(&text)));
        }
    }
}

static void attack_read(const char *path, struct attack *a) {
    char line[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *a = (struct attack){.end = ANY};
    buf_init(&a->bytes, CASE_MAX);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "# ", 2) == 0)
            snprintf(a->title, sizeof a->title, "%.150s", line + 2);
        else if (strncmp(line, "answer ", 7) == 0)
            snprintf(a->answers, sizeof a->answers, "%.90s", line + 7);
        else if (strncmp(line, "> ", 2) == 0)
            add_escaped(&a->bytes, line + 2, line + strlen(line));
        else
            a->end = strcmp(line, "closes") == 0  ? CLOSES
                     : strcmp(line, "stays") == 0 ? STAYS
                                                  : ANY;
    }
    fclose(file);
}

static bool expected(const char *alternatives, int status) {
    for (const char *at = alternatives; at; at = strchr(at, '|'), at += at != NULL)
        if (atoi(at) == status)
            return true;
    return false;
}

static bool check_end(const struct attack *a, int fd, struct buf *in) {
    bool silent;
    buf_reset(in);
    if (a->end == CLOSES)
        return !client_more(fd, in, DOOR_CLIENT_MS, &silent) && !silent;
    if (a->end == ANY)
        return true;
    client_send(fd, str_c("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return client_answer(fd, in, false) == 200;
}

/* true: as expected; else says what came instead. */
static bool attack_run(struct attack *a, const char *name) {
    cleanup(buf_clear) struct buf in, good;
    buf_init(&in, CASE_MAX);
    buf_init(&good, CASE_MAX);
    int fd = client_connect(&door);
    client_send(fd, buf_str(&a->bytes));
    bool ok = true;
    char *rest = a->answers, *wanted;
    while (ok && (wanted = strsep(&rest, " "))) {
        int status = client_answer(fd, &in, false);
        ok = expected(wanted, status) && !client_has(&in, "zebra");
        if (!ok)
            print_error("%s (%s): wanted %s, got %d\n", name, a->title, wanted, status);
        buf_consume(&in, answer_length(buf_str(&in)));
    }
    if (ok && (in.n || !check_end(a, fd, &in))) {
        print_error("%s (%s): the connection does not end as it should\n", name, a->title);
        ok = false;
    }
    close(fd);
    if (client_once(&door, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", &good) != 200) {
        print_error("%s (%s): a good request is not served afterwards\n", name, a->title);
        ok = false;
    }
    return ok;
}

static void every_attack_gets_its_answer_and_the_door_stays_open(void **state) {
    (void)state;
    DIR *dir = opendir(folder);
    size_t n = 0, failed = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        struct attack a;
        if (!strstr(e->d_name, ".case"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        attack_read(path, &a);
        failed += !attack_run(&a, e->d_name);
        buf_clear(&a.bytes);
        n++;
    }
    closedir(dir);
    assert_true(n >= CASES_LEAST);
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_attack_gets_its_answer_and_the_door_stays_open, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
