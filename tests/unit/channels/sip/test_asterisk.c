/* Asterisk: records as its sources write them, per version and option; its channel events and its
 * queues' log; a call that several of them tell of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calls_check.h"
#include "sip/asterisk.h"

/* What a call must come to; texts NULL and times 0: not looked at. */
struct meant {
    const char *outcome, *caller, *callee, *agent, *queue, *target;
    int64_t start_ms, talk_ms;
    size_t legs;
};

static void same_text(const char *what, struct str got, const char *meant) {
    if (meant && !str_is(got, meant))
        fail_msg("%s: \"%.*s\", meant \"%s\"", what, STR_ARG(got), meant);
}

static void same_call(const struct call *c, const struct meant *m) {
    same_text("outcome", str_c(call_outcome_name(call_outcome(c))), m->outcome);
    same_text("caller", c->caller, m->caller);
    same_text("callee", c->callee, m->callee);
    same_text("agent", c->agent, m->agent);
    same_text("queue", c->queue, m->queue);
    same_text("target", c->target, m->target);
    if (m->start_ms)
        assert_int_equal(c->start_ms, m->start_ms);
    if (m->talk_ms)
        assert_int_equal(c->end_ms - call_answer_ms(c), m->talk_ms);
    if (m->legs)
        assert_int_equal(c->legs_n, m->legs);
}

/* The one call that the texts tell of, whichever comes first. */
struct told {
    const struct format *format;
    const char *text;
};
static void one_call(const struct told *texts, size_t n, struct str zone, const struct meant *m) {
    struct zone *z = zone.n ? zone_open(zone) : NULL;
    for (size_t first = 0; first < n; first++) {
        struct calls *calls = calls_new();
        struct found found = {0};
        for (size_t i = 0; i < n; i++) {
            const struct told *t = &texts[(first + i) % n];
            struct feeding how = {.format = t->format, .zone = z};
            feed_all(calls, &how, str_c(t->text), (int64_t)i);
            assert_int_equal(how.bad, 0);
        }
        calls_tick(calls, 20000, collect, &found);
        assert_int_equal(found.n, 1);
        same_call(found.calls[0], m);
        calls_free(calls);
    }
    zone_free(z);
}

#define HEAD "\"\",\"+4930123456\",\"100\",\"from-trunk\",\"\"\"Alice\"\" <+4930123456>\","
#define BASE                                                                                       \
    HEAD "\"PJSIP/trunk-00000001\",\"PJSIP/100-00000002\",\"Dial\",\"PJSIP/100,20\","              \
         "\"2026-11-23 08:00:00\",\"2026-11-23 08:00:05\",\"2026-11-23 08:01:00\",60,55,"          \
         "\"ANSWERED\",\"DOCUMENTATION\""

static void records_of_sixteen_to_twenty_one_columns_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *line, *id, *link;
    } cases[] = {
        {BASE, NULL, NULL},
        {BASE ",\"1795420800.1\"", "1795420800.1", NULL},
        {BASE ",\"pbx-1795420800.1\"", "pbx-1795420800.1", NULL},
        {BASE ",\"my own words\"", NULL, NULL},
        {BASE ",\"1795420800.1\",\"words\"", "1795420800.1", NULL},
        {BASE ",\"\",\"1795420700.9\",7", "1795420700.9", NULL},
        {BASE ",\"1795420800.1\",\"\",\"1795420700.9\",7", "1795420700.9", "1795420800.1"},
        {BASE ",\"my own words\",\"\",\"1795420700.9\",7", "1795420700.9", NULL},
        {BASE ",\"1795420800.1\",\"words\",\"\",\"1795420700.9\",7", "1795420700.9",
         "1795420800.1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const struct tl_strs none;
        struct call_line said;
        const char *why = NULL;
        struct arena a;
        arena_init(&a);
        const struct format_in in = {.arena = &a, .columns = &none};
        assert_int_equal(format_asterisk_csv.read(&in, str_c(cases[i].line), &said, &why),
                         FORMAT_LINE);
        if (cases[i].id)
            same_text(cases[i].line, said.call_id, cases[i].id);
        else
            assert_true(str_starts(said.call_id, (struct str)STR("line:")));
        assert_true(str_is(said.links[0], cases[i].link ? cases[i].link : ""));
        same_text("display", said.display, "Alice");
        same_text("target", said.target, "PJSIP/100");
        assert_int_equal(said.start_ms, 1795420800000);
        assert_int_equal(said.end_ms, 1795420860000);
        arena_clear(&a);
    }
}

static void records_of_other_columns_are_bad(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\"\",\"1\",\"2\"",
        BASE ",1,2,3,4,5,6",
        "\"\",\"+49\",\"100\",\"x\",\"x\",\"x\",\"x\",\"Dial\",\"x\",\"yesterday\",,,1,1,\"BUSY\","
        "\"x\"",
        HEAD "\"open",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct calls *calls = calls_new();
        struct feeding how = {.format = &format_asterisk_csv};
        feed_all(calls, &how, str_c(lines[i]), 0);
        assert_int_equal(how.bad, 1);
        calls_free(calls);
    }
}

static void columns_are_read_as_the_operator_names_them(void **state) {
    (void)state;
    static const struct str names[] = {STR("uniqueid"), STR("start"),        STR("end"),
                                       STR("src"),      STR("dst"),          STR("disposition"),
                                       STR("lastapp"),  STR("dstchannel"),   STR("mine"),
                                       STR("answer"),   STR("recordingfile")};
    static const struct tl_strs columns = {names, COUNT(names)};
    struct calls *calls = calls_new();
    struct found found = {0};
    struct feeding how = {.format = &format_asterisk_custom, .columns = &columns};
    feed_all(calls, &how,
             str_c("1795420800.1,2026-11-23 08:00:00,2026-11-23 08:00:30,030123,100,ANSWERED,Dial,"
                   "SIP/100-1,x,2026-11-23 08:00:10,/rec/a.wav"),
             0);
    calls_tick(calls, 5000, collect, &found);
    assert_int_equal(found.n, 1);
    same_call(found.calls[0], &(struct meant){.outcome = "answered", .talk_ms = 20000});
    same_text("recording", found.calls[0]->recording, "/rec/a.wav");
    calls_free(calls);
}

static void the_custom_sample_and_the_json_form_say_the_same(void **state) {
    (void)state;
    static const struct meant m = {.outcome = "answered",
                                   .caller = "+4930123456",
                                   .callee = "100",
                                   .target = "SIP/100",
                                   .start_ms = 1795420800000,
                                   .talk_ms = 55000};
    const struct told custom = {
        &format_asterisk_custom,
        "\"\"\"Alice\"\" <+4930123456>\",\"+4930123456\",\"100\",\"in\",\"SIP/t-1\",\"SIP/100-2\","
        "\"Dial\",\"SIP/100\",\"2026-11-23 08:00:00\",\"2026-11-23 08:00:05\","
        "\"2026-11-23 08:01:00\",\"60\",\"55\",\"ANSWERED\",\"DOCUMENTATION\",\"\","
        "\"1795420800.1\",\"\",1"};
    const struct told json = {
        &format_asterisk_json,
        "{\"clid\":\"\\\"Alice\\\" <+4930123456>\",\"src\":\"+4930123456\",\"dst\":\"100\","
        "\"channel\":\"SIP/t-1\",\"dstchannel\":\"SIP/100-2\",\"lastapp\":\"Dial\","
        "\"start\":\"1795420800.000000\",\"answer\":\"1795420805.000000\","
        "\"end\":\"1795420860.000000\",\"duration\":60,\"billsec\":55,"
        "\"disposition\":\"ANSWERED\",\"uniqueid\":\"1795420800.1\"}"};
    one_call(&custom, 1, STR_NONE, &m);
    one_call(&json, 1, STR_NONE, &m);
}

/* The last Sunday of October 2026: 02:30 comes twice in Berlin. */
static void the_hour_that_is_there_twice_is_told_by_the_channel_s_creation(void **state) {
    (void)state;
    static const struct {
        const char *unique, *start, *answer, *end;
        int64_t start_ms, end_ms;
    } cases[] = {
        {"1792888200.1", "2026-10-25 02:30:00", "2026-10-25 02:30:10", "2026-10-25 02:31:00",
         1792888200000, 1792888260000},
        {"1792891800.1", "2026-10-25 02:30:00", "2026-10-25 02:30:10", "2026-10-25 02:31:00",
         1792891800000, 1792891860000},
        {"1792889400.1", "2026-10-25 02:50:00", "2026-10-25 02:10:00", "2026-10-25 02:20:00",
         1792889400000, 1792891200000},
        /* A later record of the same channel, 20 minutes after its creation. */
        {"1795420800.1", "2026-11-23 09:20:00", "2026-11-23 09:20:10", "2026-11-23 09:21:00",
         1795422000000, 1795422060000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[1024];
        snprintf(line, sizeof line,
                 HEAD "\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"x\",\"%s\",\"%s\",\"%s\",60,50,"
                      "\"ANSWERED\",\"DOCUMENTATION\",\"%s\"",
                 cases[i].start, cases[i].answer, cases[i].end, cases[i].unique);
        struct zone *berlin = zone_open(str_c("Europe/Berlin"));
        struct calls *calls = calls_new();
        struct found found = {0};
        feed(calls, &format_asterisk_csv, berlin, str_c(line), 0);
        calls_tick(calls, 5000, collect, &found);
        assert_int_equal(found.n, 1);
        assert_int_equal(found.calls[0]->start_ms, cases[i].start_ms);
        assert_int_equal(found.calls[0]->end_ms, cases[i].end_ms);
        calls_free(calls);
        zone_free(berlin);
    }
}

#define ROW(channel, dstchannel, app, data, end, took, billed, how, unique, sequence)              \
    "\"\",\"+4930123456\",\"100\",\"in\",\"x\",\"" channel "\",\"" dstchannel "\",\"" app          \
    "\",\"" data "\",\"2026-11-23 08:00:00\",\"2026-11-23 08:00:05\",\"2026-11-23 08:" end         \
    "\"," took "," billed ",\"" how "\",\"DOCUMENTATION\",\"" unique                               \
    "\",\"\",\"\",\"1795420800.1\"," sequence "\n"

static void the_legs_of_one_call_come_to_one(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        struct meant meant;
    } cases[] = {
        /* A ring group by Local channels: one phone rang, the other was answered. */
        {ROW("PJSIP/t-1", "Local/100@g-1;1", "Dial", "Local/100@g&Local/101@g,30", "01:00", "60",
             "55", "ANSWERED", "1795420800.1", "1")
             ROW("Local/100@g-1;2", "PJSIP/100-3", "Dial", "PJSIP/100", "00:05", "5", "0",
                 "NO ANSWER", "1795420800.3", "3")
                 ROW("Local/101@g-2;2", "PJSIP/101-4", "Dial", "PJSIP/101", "01:00", "60", "55",
                     "ANSWERED", "1795420800.5", "4"),
         {.outcome = "answered", .target = "PJSIP/101", .legs = 3, .talk_ms = 55000}},
        /* Behind the Local channel only the mailbox answered. */
        {ROW("PJSIP/t-1", "Local/100@g-1;1", "Dial", "Local/100@g,30", "01:00", "60", "40",
             "ANSWERED", "1795420800.1", "1")
             ROW("Local/100@g-1;2", "", "VoiceMail", "100@default,u", "01:00", "60", "40",
                 "ANSWERED", "1795420800.3", "2"),
         {.outcome = "voicemail"}},
        /* Nobody: the inner leg was canceled by the outer's timeout. */
        {ROW("PJSIP/t-1", "Local/100@g-1;1", "Dial", "Local/100@g,20", "00:20", "20", "0",
             "NO ANSWER", "1795420800.1", "1")
             ROW("Local/100@g-1;2", "PJSIP/100-3", "Dial", "PJSIP/100", "00:20", "20", "0",
                 "NO ANSWER", "1795420800.3", "2"),
         {.outcome = "no-answer"}},
        /* One phone is busy, the other rang until the caller hung up. */
        {ROW("PJSIP/t-1", "PJSIP/100-2", "Dial", "PJSIP/100&PJSIP/101,30", "00:09", "9", "0",
             "BUSY", "1795420800.1", "1")
             ROW("PJSIP/t-1", "PJSIP/101-3", "Dial", "PJSIP/100&PJSIP/101,30", "00:09", "9", "0",
                 "NO ANSWER", "1795420800.1", "2"),
         {.outcome = "abandoned", .legs = 2}},
        /* A menu answered, nobody else. */
        {ROW("PJSIP/t-1", "", "BackGround", "menu", "00:30", "30", "30", "ANSWERED", "1795420800.1",
             "1"),
         {.outcome = "abandoned"}},
        /* Handed on: two phones talked, and a later record ends the call. */
        {ROW("PJSIP/t-1", "PJSIP/100-2", "Dial", "PJSIP/100", "01:00", "60", "55", "ANSWERED",
             "1795420800.1", "1") ROW("PJSIP/t-1", "PJSIP/102-4", "Dial", "PJSIP/102", "05:00",
                                      "300", "295", "ANSWERED", "1795420800.1", "2"),
         {.outcome = "answered", .legs = 2, .talk_ms = 295000}},
        /* The dialled channel's own record tells nothing new. */
        {ROW("PJSIP/t-1", "PJSIP/100-2", "Dial", "PJSIP/100", "01:00", "60", "55", "ANSWERED",
             "1795420800.1", "1") ROW("PJSIP/100-2", "", "AppDial", "(Outgoing Line)", "01:00",
                                      "60", "55", "ANSWERED", "1795420800.2", "2"),
         {.outcome = "answered", .legs = 1, .target = "PJSIP/100"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct told t = {&format_asterisk_csv, cases[i].rows};
        one_call(&t, 1, STR_NONE, &cases[i].meant);
    }
}

/* ---- queues ---- */

static void the_queue_s_log_knows_who_gave_up(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        struct meant meant;
    } cases[] = {
        {"1795420800|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
         "1795420810|1795420800.1|support|PJSIP/100|RINGNOANSWER|10000\n"
         "1795420825|1795420800.1|support|NONE|ABANDON|1|1|25\n",
         {.outcome = "abandoned",
          .queue = "support",
          .caller = "+4930123456",
          .start_ms = 1795420800000}},
        {"1795420800|1795420800.1|support|NONE|DID|+442079460100\n"
         "1795420800|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
         "1795420810|1795420800.1|support|PJSIP/100|RINGNOANSWER|5000\n"
         "1795420815|1795420800.1|support|PJSIP/101|CONNECT|15|1795420811.7|4\n"
         "1795420875|1795420800.1|support|PJSIP/101|COMPLETECALLER|15|60|1\n",
         {.outcome = "answered",
          .queue = "support",
          .agent = "PJSIP/101",
          .callee = "+442079460100",
          .talk_ms = 60000,
          .legs = 2}},
        {"1795420800|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
         "1795420860|1795420800.1|support|NONE|EXITWITHTIMEOUT|1|1|60\n",
         {.outcome = "no-answer", .queue = "support"}},
        {"1795420815|1795420800.1|support|PJSIP/101|CONNECT|15|1795420811.7|4\n"
         "1795420875|1795420800.1|support|PJSIP/101|BLINDTRANSFER|200|from-internal|15|60|1\n",
         {.outcome = "answered", .agent = "PJSIP/101"}},
        {"1795420875|1795420800.1|support|PJSIP/101|COMPLETEAGENT|15|60|1\n",
         {.outcome = "answered", .talk_ms = 60000, .start_ms = 1795420800000}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct told t = {&format_asterisk_queue, cases[i].rows};
        one_call(&t, 1, STR_NONE, &cases[i].meant);
    }
}

static void lines_of_agents_are_no_calls(void **state) {
    (void)state;
    struct calls *calls = calls_new();
    struct feeding how = {.format = &format_asterisk_queue};
    feed_all(calls, &how,
             str_c("1795420800|NONE|NONE|NONE|QUEUESTART|\n"
                   "1795420800|MANAGER|support|PJSIP/100|PAUSE|lunch\n"
                   "1795420800|REALTIME|support|PJSIP/100|ADDMEMBER|\n"
                   "1795420800|1795420800.1|support|NONE|SOMETHINGNEW|\n"),
             0);
    assert_int_equal(calls_count(calls), 0);
    assert_int_equal(how.bad, 0);
    calls_free(calls);
}

static void a_record_and_the_queue_s_log_tell_of_one_call(void **state) {
    (void)state;
    static const char waited[] = ROW("PJSIP/t-1", "", "Queue", "support,t,,,60", "00:25", "25",
                                     "25", "ANSWERED", "1795420800.1", "1"),
                      served[] = ROW("PJSIP/t-1", "PJSIP/101-2", "Queue", "support,t", "01:15",
                                     "75", "75", "ANSWERED", "1795420800.1", "1"),
                      mailbox[] = ROW("PJSIP/t-1", "", "VoiceMail", "100", "02:00", "120", "120",
                                      "ANSWERED", "1795420800.1", "1");
    const struct told gave_up[] = {
        {&format_asterisk_csv, waited},
        {&format_asterisk_queue, "1795420802|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
                                 "1795420825|1795420800.1|support|NONE|ABANDON|1|1|23\n"}};
    one_call(
        gave_up, 2, STR_NONE,
        &(struct meant){.outcome = "abandoned", .queue = "support", .start_ms = 1795420800000});
    const struct told talked[] = {
        {&format_asterisk_csv, served},
        {&format_asterisk_queue,
         "1795420802|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
         "1795420815|1795420800.1|support|PJSIP/101|CONNECT|13|1795420811.7|4\n"
         "1795420875|1795420800.1|support|PJSIP/101|COMPLETEAGENT|13|60|1\n"}};
    one_call(talked, 2, STR_NONE,
             &(struct meant){.outcome = "answered", .agent = "PJSIP/101", .talk_ms = 60000});
    const struct told box[] = {{&format_asterisk_csv, mailbox},
                               {&format_asterisk_queue,
                                "1795420802|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
                                "1795420862|1795420800.1|support|NONE|EXITWITHTIMEOUT|1|1|60\n"}};
    one_call(box, 2, STR_NONE, &(struct meant){.outcome = "voicemail", .queue = "support"});
}

/* ---- channel events ---- */

#define CEL(type, time, num, dnid, exten, chan, app, data, unique, peer, extra)                    \
    "\"" type "\",\"" time "\",\"Alice\",\"" num "\",\"" num "\",\"\",\"" dnid "\",\"" exten       \
    "\",\"from-trunk\",\"" chan "\",\"" app "\",\"" data "\",\"3\",\"\",\"" unique                 \
    "\",\"1795420800.1\",\"" peer "\",\"\",\"\",\"" extra "\"\n"
#define CALLER(type, time, app, data, peer, extra)                                                 \
    CEL(type, time, "+4930123456", "", "100", "PJSIP/t-1", app, data, "1795420800.1", peer, extra)
#define PHONE(type, time, peer, extra)                                                             \
    CEL(type, time, "100", "", "", "PJSIP/100-2", "AppDial", "(Outgoing Line)", "1795420800.2",    \
        peer, extra)
#define OVER(time) PHONE("LINKEDID_END", time, "", "")

static void channel_events_say_how_a_call_went(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        struct meant meant;
    } cases[] = {
        {CALLER("CHAN_START", "1795420800.100000", "", "", "",
                "") CALLER("APP_START", "1795420800.2", "Dial", "PJSIP/100,20", "", "")
             PHONE("CHAN_START", "1795420800.3", "", "") PHONE("ANSWER", "1795420805.0", "", "")
                 CALLER("ANSWER", "1795420805.0", "Dial", "", "", "")
                     PHONE("BRIDGE_ENTER", "1795420805.1", "", "{\"\"bridge_id\"\":\"\"b\"\"}")
                         CALLER("BRIDGE_ENTER", "1795420805.1", "Dial", "", "PJSIP/100-2", "")
                             CALLER("HANGUP", "1795420860.0", "Dial", "", "",
                                    "{\"\"hangupcause\"\":16,\"\"dialstatus\"\":\"\"ANSWER\"\"}")
                                 PHONE("HANGUP", "1795420860.0", "", "{\"\"hangupcause\"\":16}")
                                     OVER("1795420860.0"),
         {.outcome = "answered",
          .caller = "+4930123456",
          .callee = "100",
          .target = "PJSIP/100",
          .start_ms = 1795420800100,
          .talk_ms = 55000,
          .legs = 1}},
        {CALLER("CHAN_START", "1795420800.1", "", "", "", "")
             PHONE("CHAN_START", "1795420800.3", "", "")
                 PHONE("HANGUP", "1795420801.0", "", "{\"\"hangupcause\"\":17}")
                     CALLER("HANGUP", "1795420801.0", "", "", "",
                            "{\"\"hangupcause\"\":17,\"\"dialstatus\"\":\"\"BUSY\"\"}")
                         OVER("1795420801.0"),
         {.outcome = "busy"}},
        {CALLER("CHAN_START", "1795420800.1", "", "", "", "")
             PHONE("CHAN_START", "1795420800.3", "", "")
                 PHONE("HANGUP", "1795420801.0", "", "{\"\"hangupcause\"\":21}")
                     CALLER("HANGUP", "1795420801.0", "", "", "",
                            "{\"\"hangupcause\"\":17,\"\"dialstatus\"\":\"\"BUSY\"\"}")
                         OVER("1795420801.0"),
         {.outcome = "rejected"}},
        {CALLER("CHAN_START", "1795420800.1", "", "", "", "")
             CALLER("ANSWER", "1795420800.2", "Queue", "", "", "")
                 CALLER("APP_START", "1795420800.2", "Queue", "support,t", "", "")
                     CALLER("HANGUP", "1795420830.0", "", "", "", "{\"\"hangupcause\"\":16}")
                         OVER("1795420830.0"),
         {.outcome = "abandoned", .queue = "support"}},
        {CALLER("CHAN_START", "1795420800.1", "", "", "", "") CALLER(
             "HANGUP", "1795420820.0", "", "", "",
             "{\"\"hangupcause\"\":0,\"\"dialstatus\"\":\"\"NOANSWER\"\"}") OVER("1795420820.0"),
         {.outcome = "no-answer"}},
        {CALLER("CHAN_START", "1795420800.1", "", "", "", "")
             CALLER("APP_START", "1795420820.0", "VoiceMail", "100@default,u", "", "")
                 CALLER("HANGUP", "1795420850.0", "", "", "", "") OVER("1795420850.0"),
         {.outcome = "voicemail", .talk_ms = 30000}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct told t = {&format_asterisk_cel, cases[i].rows};
        one_call(&t, 1, STR_NONE, &cases[i].meant);
    }
}

static void a_call_goes_on_until_its_linkedid_ends(void **state) {
    (void)state;
    static const char rows[] = CALLER("CHAN_START", "2026-11-23 08:00:00", "", "", "", "")
        PHONE("ANSWER", "2026-11-23 08:00:05", "", "")
            PHONE("HANGUP", "2026-11-23 08:00:50", "", "{\"\"hangupcause\"\":16}")
                CALLER("BLINDTRANSFER", "2026-11-23 08:00:50", "", "", "", "");
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(calls, &format_asterisk_cel, NULL, str_c(rows), 0);
    calls_tick(calls, 600000, collect, &found);
    assert_int_equal(found.n, 0);
    feed(calls, &format_asterisk_cel, NULL, str_c(OVER("2026-11-23 08:05:00")), 600000);
    calls_tick(calls, 602000, collect, &found);
    assert_int_equal(found.n, 1);
    assert_true(found.calls[0]->transfer);
    assert_int_equal(found.calls[0]->end_ms, 1795421100000);
    calls_free(calls);
}

static void events_records_and_the_queue_s_log_tell_of_one_call(void **state) {
    (void)state;
    const struct told all[] = {
        {&format_asterisk_csv, ROW("PJSIP/t-1", "PJSIP/101-2", "Queue", "support,t", "01:15", "75",
                                   "75", "ANSWERED", "1795420800.1", "1")},
        {&format_asterisk_queue,
         "1795420802|1795420800.1|support|NONE|ENTERQUEUE||+4930123456|1\n"
         "1795420815|1795420800.1|support|PJSIP/101|CONNECT|13|1795420800.2|4\n"
         "1795420875|1795420800.1|support|PJSIP/101|COMPLETEAGENT|13|60|1\n"},
        {&format_asterisk_cel, CALLER("CHAN_START", "1795420800.0", "", "", "", "")
                                   PHONE("ANSWER", "1795420815.0", "", "") OVER("1795420875.0")}};
    one_call(all, 3, STR_NONE,
             &(struct meant){.outcome = "answered",
                             .agent = "PJSIP/101",
                             .queue = "support",
                             .caller = "+4930123456",
                             .talk_ms = 60000,
                             .start_ms = 1795420800000});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_sixteen_to_twenty_one_columns_are_told_apart),
        cmocka_unit_test(records_of_other_columns_are_bad),
        cmocka_unit_test(columns_are_read_as_the_operator_names_them),
        cmocka_unit_test(the_custom_sample_and_the_json_form_say_the_same),
        cmocka_unit_test(the_hour_that_is_there_twice_is_told_by_the_channel_s_creation),
        cmocka_unit_test(the_legs_of_one_call_come_to_one),
        cmocka_unit_test(the_queue_s_log_knows_who_gave_up),
        cmocka_unit_test(lines_of_agents_are_no_calls),
        cmocka_unit_test(a_record_and_the_queue_s_log_tell_of_one_call),
        cmocka_unit_test(channel_events_say_how_a_call_went),
        cmocka_unit_test(a_call_goes_on_until_its_linkedid_ends),
        cmocka_unit_test(events_records_and_the_queue_s_log_tell_of_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
