/* Whose touchpoint it is: identities in, contact and links out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/decide.h"

enum { U = IDENTITY_UNKNOWN, K = IDENTITY_KNOWN, E = IDENTITY_ERASED };
enum {
    N = DECIDE_NOTHING,
    A = DECIDE_ALIAS,
    S = DECIDE_SAME,
    G = DECIDE_SUGGEST,
    M = DECIDE_MERGE
};

/* Two identities, strongest first: verified, state, by a claim, contact. Contacts 0 (older) and 1.
 */
struct one {
    bool verified;
    int state;
    bool claimed;
    size_t contact;
};
static const struct {
    const char *name;
    struct one a, b;
    bool verified0, verified1; /* contacts that have a verified identity */
    int target;
    size_t contact;
    int link_a, link_b;
} cases[] = {
    {"both new, claimed: one contact, marked",
     {0, U, 0, 0},
     {0, U, 0, 0},
     0,
     0,
     TARGET_HOME,
     9,
     S,
     A},
    {"both new, verified: one contact", {1, U, 0, 0}, {1, U, 0, 0}, 0, 0, TARGET_HOME, 9, S, A},
    {"a claim beside a verified new one", {1, U, 0, 0}, {0, U, 0, 0}, 0, 0, TARGET_HOME, 9, S, G},
    {"the first known", {0, K, 0, 0}, {0, U, 0, 0}, 0, 0, TARGET_CONTACT, 0, S, A},
    {"the second known", {0, U, 0, 0}, {0, K, 0, 1}, 0, 0, TARGET_CONTACT, 1, A, S},
    {"a claim to a verified contact", {0, K, 0, 0}, {0, U, 0, 0}, 1, 0, TARGET_CONTACT, 0, S, G},
    {"a verified stranger claims a known one",
     {1, U, 0, 0},
     {0, K, 0, 1},
     0,
     1,
     TARGET_HOME,
     9,
     S,
     G},
    {"verified, known by a verified one",
     {1, K, 0, 0},
     {1, U, 0, 0},
     1,
     0,
     TARGET_CONTACT,
     0,
     S,
     A},
    {"both lead to the same", {0, K, 0, 0}, {0, K, 1, 0}, 0, 0, TARGET_CONTACT, 0, S, S},
    {"two contacts, claimed", {0, K, 0, 0}, {0, K, 0, 1}, 0, 0, TARGET_CONTACT, 0, S, G},
    {"two contacts, one verified", {1, K, 0, 0}, {0, K, 0, 1}, 1, 0, TARGET_CONTACT, 0, S, G},
    {"two contacts, both verified", {1, K, 0, 0}, {1, K, 0, 1}, 1, 1, TARGET_CONTACT, 0, S, M},
    {"two contacts, the second is older",
     {1, K, 0, 1},
     {1, K, 0, 0},
     1,
     1,
     TARGET_CONTACT,
     0,
     S,
     M},
    {"two verified, one by a claimed link",
     {1, K, 0, 0},
     {1, K, 1, 1},
     1,
     1,
     TARGET_CONTACT,
     0,
     S,
     G},
    {"erased since", {0, E, 0, 0}, {0, U, 0, 0}, 0, 0, TARGET_ERASED, 9, N, N},
    {"the second erased, the first known",
     {0, K, 0, 0},
     {0, E, 0, 0},
     0,
     0,
     TARGET_CONTACT,
     0,
     S,
     N},
    {"the second erased, the first new", {0, U, 0, 0}, {0, E, 0, 0}, 0, 0, TARGET_ERASED, 9, N, N},
};

static void each_case_is_decided(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct one *both[2] = {&cases[i].a, &cases[i].b};
        const struct decide_contact contacts[2] = {{1000, cases[i].verified0},
                                                   {2000, cases[i].verified1}};
        struct decide_identity ids[2];
        struct decision d;
        for (size_t k = 0; k < 2; k++)
            ids[k] = (struct decide_identity){.verified = both[k]->verified,
                                              .state = both[k]->state,
                                              .claimed = both[k]->claimed,
                                              .contact = both[k]->contact};
        decide(ids, 2, contacts, true, &d);
        if ((int)d.target != cases[i].target || (int)d.identities[0].link != cases[i].link_a ||
            (int)d.identities[1].link != cases[i].link_b ||
            (d.target == TARGET_CONTACT && d.contact != cases[i].contact))
            fail_msg("%s: target %d contact %zu links %d %d", cases[i].name, (int)d.target,
                     d.contact, (int)d.identities[0].link, (int)d.identities[1].link);
        if (d.identities[1].link == DECIDE_MERGE)
            assert_int_equal(d.identities[1].contact, 1);
    }
}

static void with_suggest_nothing_is_linked_by_a_claim(void **state) {
    (void)state;
    const struct decide_identity ids[2] = {{0}, {0}};
    struct decision d;
    decide(ids, 2, NULL, false, &d);
    assert_int_equal(d.identities[1].link, DECIDE_SUGGEST);
}

static void without_identity_there_is_nobody(void **state) {
    (void)state;
    struct decision d;
    decide(NULL, 0, NULL, true, &d);
    assert_int_equal(d.target, TARGET_NOBODY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_is_decided),
        cmocka_unit_test(with_suggest_nothing_is_linked_by_a_claim),
        cmocka_unit_test(without_identity_there_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
