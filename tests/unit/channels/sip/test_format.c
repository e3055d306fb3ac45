/* Every format: its name among the choices; every prefix and mutations of good lines.
 * MUTATIONS=100000 makes a run of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "calls_check.h"
#include "sip/settings.h"

static const struct {
    const struct format *format;
    const char *line;
} good[] = {
    {&format_kamailio,
     "<29>Nov 23 kamailio: ACC: transaction answered: timestamp=1795422885;"
     "time_hr=1795422885.003;method=INVITE;from_tag=1;to_tag=2;call_id=c;code=200;"
     "reason=OK;src_user=+4930123456;dst_ouser=+442079460100;dst_user=agent-7"},
    {&format_kamailio, "start_time=1795422885.005; end_time=1795422886.510; duration=1.505; "
                       "callid=c; from_uri=sip:+4930@x; to_uri=sip:+44@y; "
                       "r_uri=sip:127.0.0.1:15070;transport=UDP; src_ip=127.0.0.1"},
    {&format_kamailio,
     "json_acc: {\"time\": 1795422885, \"method\": \"INVITE\", \"callid\": \"c\", "
     "\"sip_code\": \"200\", \"src_user\": \"+4930\"}"},
    {&format_opensips, "ACC: call ended: created=1474899444;call_start_time=1474899448;duration=5;"
                       "ms_duration=4762;setuptime=4;method=INVITE;call_id=6;code=200;caller=Alice;"
                       "callee=Bob;caller=Bob;callee=Charlie"},
    {&format_kamailio_dbtext, "7:INVITE:1:2:c:480:Gone \\: away:1795422909:1795422909.47"},
    {&format_kamailio_flat, "INVITE|a|b|f1|200|OK|2026-11-23 08:35:07"},
    {&format_asterisk_csv,
     "\"\",\"+4930123456\",\"100\",\"in\",\"\"\"A\"\" <+4930123456>\",\"SIP/t-1\",\"SIP/100-2\","
     "\"Dial\",\"SIP/100,20\",\"2026-11-23 09:00:00\",\"2026-11-23 09:00:05\","
     "\"2026-11-23 09:01:00\",60,55,\"ANSWERED\",\"DOCUMENTATION\",\"1795420800.1\",\"\",\"\","
     "\"1795420800.1\",1"},
    {&format_asterisk_custom,
     "\"\"\"A\"\" <+49>\",\"+49\",\"100\",\"in\",\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"x\","
     "\"2026-11-23 08:00:00\",\"\",\"2026-11-23 08:01:00\",\"60\",\"0\",\"NO ANSWER\",\"D\",\"\","
     "\"1795420800.1\",\"\",1"},
    {&format_asterisk_json, "{\"src\":\"+49\",\"dst\":\"100\",\"start\":\"1795420800.5\","
                            "\"disposition\":\"BUSY\",\"uniqueid\":\"1795420800.1\"}"},
    {&format_asterisk_queue, "1795420815|1795420800.1|support|PJSIP/101|CONNECT|15|1795420811.7|4"},
    {&format_asterisk_cel, "\"HANGUP\",\"1795420860.0\",\"\",\"100\",\"\",\"\",\"\",\"\",\"in\","
                           "\"PJSIP/t-1\",\"Dial\",\"\",\"3\",\"\",\"1795420800.1\","
                           "\"1795420800.1\",\"\",\"\",\"\",\"{\"\"hangupcause\"\":16}\""},
};

static const char header[] = "id(int,auto) method(string) from_tag(string) to_tag(string) "
                             "callid(string) sip_code(string) sip_reason(string) time(int) "
                             "time_hr(double)";

/* Each has an answer, and a bad one its reason. */
static enum format_verdict answer(size_t i, struct str line) {
    static const struct tl_strs none;
    struct call_line said;
    const char *why = NULL;
    struct arena a;
    arena_init(&a);
    char *exact = malloc(line.n ? line.n : 1); /* a byte too far is seen */
    if (line.n)
        memcpy(exact, line.p, line.n);
    const struct format_in in = {
        .arena = &a, .columns = &none, .header = str_c(header), .name = STR("acc")};
    enum format_verdict v = good[i].format->read(&in, str_make(exact, line.n), &said, &why);
    assert_true(v == FORMAT_NOTHING || v == FORMAT_HEADER || v == FORMAT_LINE ||
                (v == FORMAT_BAD && why));
    if (v == FORMAT_LINE) {
        struct calls *calls = calls_new();
        struct found found = {0};
        assert_true(said.call_id.n > 0);
        calls_add(calls, &said, line, (struct call_origin){.place = NULL}, 0);
        calls_tick(calls, 7 * 3600 * 1000, collect, &found);
        assert_true(found.n <= 1);
        calls_free(calls);
    }
    free(exact);
    arena_clear(&a);
    return v;
}

static void every_prefix_of_a_good_line_has_an_answer(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        size_t n = strlen(good[i].line);
        assert_int_equal(answer(i, str_c(good[i].line)), FORMAT_LINE);
        for (size_t k = 0; k < n; k++)
            (void)answer(i, str_make(good[i].line, k));
    }
}

static uint64_t next(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void mutations_of_good_lines_have_an_answer(void **state) {
    (void)state;
    static const char bytes[] = "\0;=,\"|:{}\\\n0129'<> ";
    const char *wanted = getenv("MUTATIONS");
    long n = wanted ? atol(wanted) : 5000;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (long m = 0; m < n; m++) {
        char line[2048];
        size_t i = next(&seed) % COUNT(good), len = strlen(good[i].line);
        memcpy(line, good[i].line, len);
        for (uint64_t k = 0; k <= next(&seed) % 6; k++) {
            size_t at = next(&seed) % len;
            switch (next(&seed) % 4) {
            case 0:
                line[at] = (char)next(&seed);
                break;
            case 1:
                line[at] = bytes[next(&seed) % (sizeof bytes - 1)];
                break;
            case 2: /* a piece is gone */
                memmove(line + at, line + at + (len - at) / 2, len - at - (len - at) / 2);
                len -= (len - at) / 2;
                break;
            default: /* a piece comes twice */
                if (len + (len - at) / 2 < sizeof line) {
                    memmove(line + at + (len - at) / 2, line + at, len - at);
                    len += (len - at) / 2;
                }
            }
        }
        (void)answer(i, str_make(line, len));
    }
}

static void each_choice_of_the_configuration_is_a_format(void **state) {
    (void)state;
    size_t i = 0;
    while (settings_keys[i].name && strcmp(settings_keys[i].name, "format") != 0)
        i++;
    struct str rest = str_c(settings_keys[i].choices);
    int64_t n = 0;
    for (; rest.p; n++) {
        struct str name = str_cut(&rest, '|');
        assert_non_null(format_at(n));
        assert_true(str_is(name, format_at(n)->name));
    }
    assert_null(format_at(n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_of_a_good_line_has_an_answer),
        cmocka_unit_test(mutations_of_good_lines_have_an_answer),
        cmocka_unit_test(each_choice_of_the_configuration_is_a_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
