/* kit/hash.c and kit/hmac.c against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>

static void sha256_gives_the_vectors_of_fips_180(void **state) {
    (void)state;
    static const struct {
        struct str in;
        const char *hex;
    } cases[] = {
        {STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t whole[SHA256_BYTES], pieces[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        sha256(cases[i].in, whole);
        hex_encode(whole, sizeof whole, hex);
        assert_string_equal(hex, cases[i].hex);
        struct sha256 *h = sha256_begin();
        for (size_t k = 0; k < cases[i].in.n; k++)
            sha256_add(h, str_make(cases[i].in.p + k, 1));
        sha256_add(h, STR_NONE);
        sha256_end(h, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
    sha256_free(sha256_begin());
    sha256_free(NULL);
}

static void hmac_gives_the_vectors_of_rfc_4231_and_2202(void **state) {
    (void)state;
    uint8_t out[SHA256_BYTES], want[SHA256_BYTES];
    struct str key = STR("Jefe"), data = STR("what do ya want for nothing?");
    assert_true(hex_decode(
        str_c("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), want, 32));
    hmac_sha256_once(key, data, out);
    assert_memory_equal(out, want, 32);
    struct hmac_key *k = hmac_key_new(key);
    struct str pieces[] = {STR("what do ya "), STR_NONE, STR("want for nothing?")};
    for (int again = 0; again < 2; again++) {
        memset(out, 0, sizeof out);
        hmac_sha256(k, pieces, COUNT(pieces), out);
        assert_memory_equal(out, want, 32);
    }
    hmac_key_free(k);
    hmac_key_free(NULL);
    assert_true(hex_decode(str_c("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), want, 20));
    hmac_sha1_once(key, data, out);
    assert_memory_equal(out, want, 20);
    /* An empty key is a key. */
    assert_true(hex_decode(
        str_c("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"), want, 32));
    hmac_sha256_once(STR_NONE, STR_NONE, out);
    assert_memory_equal(out, want, 32);
}

static void hex_is_read_strictly_in_both_cases(void **state) {
    (void)state;
    uint8_t out[4] = {9, 9, 9, 9};
    static const char *const bad[] = {"",         "0",        "00ff",      "00ff0",
                                      "00ff00zz", "00ff00 0", "00ff00ff00"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(hex_decode(str_c(bad[i]), out, 4));
    assert_int_equal(out[0], 9);
    assert_true(hex_decode(str_c("00fFA7b9"), out, 4));
    assert_memory_equal(out, "\x00\xff\xa7\xb9", 4);
}

static void ids_have_one_text_each(void **state) {
    (void)state;
    uint8_t id[16], back[16];
    char text[BASE32_ID + 1];
    memset(id, 0, 16);
    base32_id(id, text);
    assert_string_equal(text, "00000000000000000000000000");
    memset(id, 0xff, 16);
    base32_id(id, text);
    assert_string_equal(text, "zzzzzzzzzzzzzzzzzzzzzzzzzw");
    id[0] = 0x08; /* the most significant five bits: 1 */
    memset(id + 1, 0, 15);
    base32_id(id, text);
    assert_string_equal(text, "10000000000000000000000000");
    for (int i = 0; i < 200; i++) {
        bytes_random(id, sizeof id);
        base32_id(id, text);
        assert_int_equal(strlen(text), BASE32_ID);
        assert_true(base32_id_decode(str_c(text), back));
        assert_memory_equal(id, back, 16);
    }
    static const char *const bad[] = {"",
                                      "0000000000000000000000000",
                                      "000000000000000000000000000",
                                      "0000000000000000000000000l",
                                      "0000000000000000000000000I",
                                      "00000000000000000000000001",
                                      "Z0000000000000000000000000"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(base32_id_decode(str_c(bad[i]), back));
    assert_false(base32_id_decode((struct str)STR("0000000000000\000000000000000"), back));
}

static void our_tables_hash_takes_every_byte_into_account(void **state) {
    (void)state;
    char s[40];
    memset(s, 'a', sizeof s);
    for (size_t n = 0; n < sizeof s; n++) {
        uint64_t h = hash64(str_make(s, n));
        assert_true(h == hash64(str_make(s, n)));
        assert_true(h != hash64(str_make(s, n + 1)));
        for (size_t i = 0; i < n; i++) {
            s[i] = 'b';
            assert_true(h != hash64(str_make(s, n)));
            s[i] = 'a';
        }
    }
}

static void comparison_looks_at_length_and_every_byte(void **state) {
    (void)state;
    assert_true(bytes_equal(str_c("abc"), str_c("abc")));
    assert_true(bytes_equal(STR_NONE, str_c("")));
    assert_false(bytes_equal(str_c("abc"), str_c("abd")));
    assert_false(bytes_equal(str_c("abc"), str_c("ab")));
}

static void random_bytes_differ_each_time(void **state) {
    (void)state;
    char a[32] = {0}, b[32] = {0};
    bytes_random(a, sizeof a);
    bytes_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_vectors_of_fips_180),
        cmocka_unit_test(hmac_gives_the_vectors_of_rfc_4231_and_2202),
        cmocka_unit_test(hex_is_read_strictly_in_both_cases),
        cmocka_unit_test(ids_have_one_text_each),
        cmocka_unit_test(our_tables_hash_takes_every_byte_into_account),
        cmocka_unit_test(comparison_looks_at_length_and_every_byte),
        cmocka_unit_test(random_bytes_differ_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
