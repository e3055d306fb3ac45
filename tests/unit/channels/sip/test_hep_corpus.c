/* The collected calls, as packets and as datagrams of a capture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "hep_source.h"
#include "sip/sip_message.h"

enum { FILE_MAX = 1 << 20 };

static struct str load(struct arena *a, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "../shared/corpora/kamailio-sipp/%s", name);
    FILE *in = fopen(path, "rb");
    if (!in) {
        print_message("skipped: no collected calls beside this tree\n");
        skip();
    }
    char *text = arena_new(a, FILE_MAX);
    size_t n = fread(text, 1, FILE_MAX, in);
    fclose(in);
    return str_make(text, n);
}

static enum call_outcome outcome_of(const char *word) {
    for (int o = CALL_ANSWERED; o <= CALL_VOICEMAIL; o++)
        if (strcmp(word, call_outcome_name((enum call_outcome)o)) == 0)
            return (enum call_outcome)o;
    return CALL_NO_ANSWER; /* "unavailable": 480 */
}

static bool matches(const struct heard *h, const json_t *due, char *why, size_t room) {
    struct str id = jget_str(due, "call_id"), caller = jget_str(due, "caller_as_dialled"),
               callee = jget_str(due, "callee");
    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq(h->calls[i].id, id))
            continue;
        const char *word = json_string_value(json_object_get(due, "intended_outcome"));
        double lasted = json_number_value(json_object_get(due, "cdr_duration"));
        bool talked = h->calls[i].answer_ms >= 0 && h->calls[i].end_ms >= 0;
        double ours = talked ? (double)(h->calls[i].end_ms - h->calls[i].answer_ms) / 1000 : 0;
        struct str from = h->calls[i].caller, to = h->calls[i].callee;
        (void)str_cut(&from, ':');
        (void)str_cut(&to, ':');
        from = str_cut(&from, '@'), to = str_cut(&to, '@');
        bool ok = h->calls[i].outcome == outcome_of(word) && str_eq(from, caller) &&
                  str_eq(to, callee) && h->calls[i].withheld == str_is(caller, "anonymous") &&
                  (lasted == 0 || (ours > lasted - 0.5 && ours < lasted + 0.5));
        snprintf(why, room, "%s from %.*s to %.*s in %.3f s, not %s in %.3f s",
                 call_outcome_name(h->calls[i].outcome), STR_ARG(from), STR_ARG(to), ours, word,
                 lasted);
        return ok;
    }
    snprintf(why, room, "not told");
    return false;
}

static void judge(struct source *s, const char *name, struct str expected) {
    cleanup(json_freep) json_t *all = NULL;
    struct fault f;
    size_t i, right = 0;
    json_t *due;
    char why[256];
    assert_true(jread_parse(expected, FILE_MAX, &all, &f));
    json_array_foreach(all, i, due) {
        bool ok = matches(&s->heard, due, why, sizeof why);
        right += ok;
        if (!ok)
            print_message("  %s: %s: %s\n", name, jget_str(due, "call_id").p, why);
    }
    print_message("corpus %s: %zu of %zu\n", name, right, json_array_size(all));
    assert_int_equal(s->heard.n, json_array_size(all));
    assert_true(right * 100 >= json_array_size(all) * 97);
}

static unsigned be(struct str s, size_t at, int bytes) {
    unsigned v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)s.p[at + (size_t)i];
    return v;
}

static void the_collected_packets_give_their_calls(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct str rest = load(&a, "kamailio.hep3"), expected = load(&a, "expected.json");
    struct source s;
    source_open(&s);
    while (rest.n > 4) { /* each with its length in front, as they were written down */
        unsigned n = be(rest, 0, 4);
        enum format_verdict v = give(&s, str_upto(str_from(rest, 4), n));
        assert_true(v == FORMAT_LINE || v == FORMAT_NOTHING);
        rest = str_from(rest, 4 + n);
    }
    pass_time(&s, 101000);
    judge(&s, "kamailio-sipp (hep)", expected);
    source_close(&s);
}

/* The same calls from the wire: each datagram of the capture wrapped in HEP. */
static void the_captured_datagrams_give_their_calls(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct str rest = str_from(load(&a, "loopback-sip.pcap"), 24),
               expected = load(&a, "expected.json");
    struct source s;
    source_open(&s);
    while (rest.n > 16) {
        uint32_t seconds, micros, n;
        memcpy(&seconds, rest.p, 4), memcpy(&micros, rest.p + 4, 4), memcpy(&n, rest.p + 8, 4);
        struct str frame = str_upto(str_from(rest, 16), n);
        rest = str_from(rest, 16 + n);
        struct str ip = str_from(frame, 14);
        if (ip.n < 28 || ip.p[9] != 17)
            continue;
        struct str payload = str_from(ip, (size_t)(ip.p[0] & 15) * 4 + 8);
        struct sip_message m;
        const char *why;
        cleanup(buf_clear) struct buf b;
        buf_init(&b, HEP_PACKET_MAX);
        if (!sip_message_read(&a, payload, &m, &why))
            continue;
        assert_true(buf_add_c(&b, "HEP3"));
        put(&b, (unsigned)payload.n + 6 + 7 + 10 + 10 + 6, 2);
        chunk(&b, 11, str_make("\1", 1));
        put(&b, 0, 2), put(&b, 9, 2), put(&b, 10, 2), put(&b, seconds, 4);
        put(&b, 0, 2), put(&b, 10, 2), put(&b, 10, 2), put(&b, micros, 4);
        chunk(&b, 15, payload);
        (void)give(&s, buf_str(&b));
    }
    pass_time(&s, 101000);
    judge(&s, "kamailio-sipp (pcap)", expected);
    source_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_collected_packets_give_their_calls),
        cmocka_unit_test(the_captured_datagrams_give_their_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
