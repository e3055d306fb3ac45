/* Every beginning of good records and packets, and mutations of them: nothing crashes, and what
 * cannot be read has a reason, so that it is kept. MUTATIONS in the environment asks for more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "said.h"

enum { SEED_MAX = 64 * 1024, MUTATIONS = 3000, SLOWEST_MS = 1000 };

static uint64_t state_of_chance = 0x9e3779b97f4a7c15u;

static uint64_t chance(uint64_t below) {
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return state_of_chance % below;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void on_line(void *ctx, const struct call_line *l, struct str raw) {
    (void)ctx, (void)raw;
    assert_true(l->call_id.n > 0);
}

static void on_bad(void *ctx, struct str piece, const char *why) {
    (void)ctx, (void)piece;
    assert_non_null(why);
}

struct run {
    struct zone *zone;
    void *hep;
    size_t inputs;
    double slowest_ms;
};

/* As the fuzz targets' seeds are written: the first byte chooses. */
static void read_record(struct run *r, struct str in) {
    static const struct format *const documents[] = {&format_freeswitch, &format_json},
                                      *const lines[] = {&format_freeswitch_csv, &format_clf,
                                                        &format_json};
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    const struct format_in fin = {.arena = &a, .zone = r->zone, .columns = &said_no_columns};
    const struct format_sink sink = {NULL, on_line, on_bad};
    const char *why = NULL;
    unsigned which = in.n ? (unsigned char)in.p[0] % 5 : 0;
    struct str rest = str_from(in, 1);
    if (which < COUNT(documents)) {
        assert_true(documents[which]->document(&fin, rest, &sink, &why) != FORMAT_BAD || why);
        return;
    }
    while (rest.p) {
        struct call_line said;
        struct str line = str_cut(&rest, '\n');
        enum format_verdict v = lines[which - COUNT(documents)]->read(&fin, line, &said, &why);
        assert_true(v != FORMAT_BAD || why);
    }
}

static void read_packet(struct run *r, struct str in) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    const struct format_in fin = {.arena = &a, .state = r->hep, .mono_ms = (int64_t)r->inputs * 50};
    const struct format_sink sink = {NULL, on_line, on_bad};
    const char *why = NULL;
    enum format_verdict v = format_hep.packet(&fin, in, &sink, &why);
    assert_true(v != FORMAT_BAD || why);
    if (r->inputs % 64 == 0)
        format_hep.tick(&fin, &sink);
}

static void timed(struct run *r, void (*read)(struct run *, struct str), struct str in) {
    /* Without room behind it, so that a byte too far is seen. */
    char *exact = malloc(in.n ? in.n : 1);
    memcpy(exact, in.p, in.n);
    double began = now_ms();
    read(r, str_make(exact, in.n));
    double took = now_ms() - began;
    free(exact);
    r->slowest_ms = took > r->slowest_ms ? took : r->slowest_ms;
    r->inputs++;
}

static size_t mutated(char *p, size_t n) {
    for (uint64_t k = 1 + chance(4); k && n; k--) {
        size_t at = (size_t)chance(n);
        switch (chance(4)) {
        case 0:
            p[at] = (char)chance(256);
            break;
        case 1:
            p[at] ^= (char)(1 << chance(8));
            break;
        case 2: /* gone */
            memmove(p + at, p + at + 1, n - at - 1);
            n--;
            break;
        default: { /* twice */
            size_t more = 1 + (size_t)chance(n - at);
            if (n + more < SEED_MAX) {
                memmove(p + at + more, p + at, n - at);
                n += more;
            }
        }
        }
    }
    return n;
}

static void torture(struct run *r, void (*read)(struct run *, struct str), const char *folder,
                    size_t each) {
    static char seed[SEED_MAX], copy[SEED_MAX];
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *in = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!in)
            continue;
        size_t n = fread(seed, 1, sizeof seed, in);
        fclose(in);
        for (size_t k = 0; k <= n; k++)
            timed(r, read, str_make(seed, k));
        for (size_t k = 0; k < each; k++) {
            memcpy(copy, seed, n);
            timed(r, read, str_make(copy, mutated(copy, n)));
        }
    }
    closedir(d);
}

static void beginnings_and_mutations_have_an_answer(void **state) {
    (void)state;
    const char *asked = getenv("MUTATIONS");
    size_t each = asked ? (size_t)atol(asked) : MUTATIONS;
    struct run r = {.zone = zone_open(str_c("Europe/Berlin")), .hep = format_hep.state_new()};
    assert_non_null(r.zone);
    torture(&r, read_record, "tests/fuzz/seeds/sip_records", each);
    torture(&r, read_packet, "tests/fuzz/seeds/sip_hep", each);
    print_message("%zu inputs, the slowest took %.1f ms\n", r.inputs, r.slowest_ms);
    assert_true(r.slowest_ms < SLOWEST_MS);
    format_hep.state_free(r.hep);
    zone_free(r.zone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginnings_and_mutations_have_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
