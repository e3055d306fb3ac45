/* test_send.c - replies through libesmtp to a real SMTP server (aiosmtpd), which says what it was
 * given.
 *
 * The server answers by the recipient: never@ 550 5.1.1, later@ 451 4.2.0, anything else 250.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>
#include <touchline/plugin.h>

extern const struct tl_plugin touchline_plugin;

static const char server[] =
    "import asyncio, json, ssl, sys\n"
    "from aiosmtpd.smtp import SMTP, AuthResult\n"
    "class Sink:\n"
    "  async def handle_RCPT(self, s, session, e, address, options):\n"
    "    if address.startswith('never@'): return '550 5.1.1 no such user'\n"
    "    if address.startswith('later@'): return '451 4.2.0 come again'\n"
    "    e.rcpt_tos.append(address); return '250 2.1.5 ok'\n"
    "  async def handle_DATA(self, s, session, e):\n"
    "    print(json.dumps([e.mail_from, e.rcpt_tos, e.content.decode('latin1')]), flush=True)\n"
    "    return '250 2.0.0 taken'\n"
    "def login(server, session, envelope, mechanism, data):\n"
    "  right = getattr(data, 'login', b'') == b'tl' and getattr(data, 'password', b'') == "
    "b'secret'\n"
    "  return AuthResult(success=right, handled=False)\n"
    "async def main():\n"
    "  loop = asyncio.get_running_loop()\n"
    "  s = await loop.create_server(lambda: SMTP(Sink(), enable_SMTPUTF8=True), '127.0.0.1', 0)\n"
    "  ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
    "  ctx.load_cert_chain(sys.argv[1] + '/cert.pem', sys.argv[1] + '/key.pem')\n"
    "  safe = lambda: SMTP(Sink(), tls_context=ctx, require_starttls=True, authenticator=login,\n"
    "                      auth_required=True)\n"
    "  t = await loop.create_server(safe, '127.0.0.1', 0)\n"
    "  print(s.sockets[0].getsockname()[1], t.sockets[0].getsockname()[1], flush=True)\n"
    "  await s.serve_forever()\n"
    "asyncio.run(main())\n";

static pid_t sink_pid;
static FILE *sink_says;
static char folder[] = "/tmp/touchline-send-XXXXXX", sink_address[64], safe_address[64];
static json_t *answer; /* of the last job */

/* A certificate for localhost that nobody has signed, and the server that shows it. */
static int sink_start(void **state) {
    int to_us[2], plain = 0, safe = 0;
    char line[64], command[400];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
             "/CN=localhost -addext "
             "subjectAltName=DNS:localhost -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
             folder, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(pipe(to_us), 0);
    sink_pid = fork();
    if (sink_pid == 0) {
        dup2(to_us[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2); /* it is loud about clients that leave */
        close(to_us[0]);
        execlp("/usr/bin/python3", "python3", "-W", "ignore", "-c", server, folder, (char *)NULL);
        _exit(127);
    }
    close(to_us[1]);
    sink_says = fdopen(to_us[0], "r");
    assert_non_null(fgets(line, sizeof line, sink_says));
    assert_int_equal(sscanf(line, "%d %d", &plain, &safe), 2);
    snprintf(sink_address, sizeof sink_address, "127.0.0.1:%d", plain);
    snprintf(safe_address, sizeof safe_address, "localhost:%d", safe);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int sink_stop(void **state) {
    (void)state;
    kill(sink_pid, SIGTERM);
    waitpid(sink_pid, NULL, 0);
    fclose(sink_says);
    json_decref(answer);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void on_answer(void *ctx, struct str json) {
    (void)ctx;
    json_decref(answer);
    assert_true(jread_parse(json, 1 << 16, &answer, NULL));
}

static void on_bad(void *ctx, struct str piece, const char *reason) {
    (void)ctx, (void)piece;
    fail_msg("bad: %s", reason);
}

/* Runs one job as the child would; the answer's state. `relay`: members beside the address. */
static const char *work_by(const char *address, const char *relay, const char *touchpoint,
                           const char *answered) {
    const struct tl_emit out = {.size = sizeof out, .answer = on_answer, .bad = on_bad};
    struct buf payload;
    buf_init(&payload, 1 << 20);
    assert_true(buf_addf(
        &payload,
        "{\"relay\":{\"address\":\"%s\",%s},\"from\":{\"name\":\"Example "
        "Suppört\",\"email\":\"support@localhost.example\"},\"id\":\"p_1\",\"touchpoint\":%s,"
        "\"answered\":%s}",
        address, relay, touchpoint, answered));
    assert_true(touchline_plugin.work(str_c("send"), buf_str(&payload), &out));
    buf_clear(&payload);
    return json_string_value(json_object_get(answer, "state"));
}

static const char *work(const char *address, const char *touchpoint, const char *answered) {
    return work_by(address, "\"tls\":\"none\"", touchpoint, answered);
}

/* [sender, [recipients], mail] of the next mail the server took. */
static json_t *taken(void) {
    static char line[1 << 20];
    json_t *mail = NULL;
    assert_non_null(fgets(line, sizeof line, sink_says));
    assert_true(jread_parse(str_c(line), sizeof line, &mail, NULL));
    return mail;
}

static const char *text_of(const json_t *mail) {
    return json_string_value(json_array_get(mail, 2));
}

#define TO_JANA "\"to\":[{\"name\":\"Jana, Weiß\",\"email\":\"jana@example.org\"}]"

static void a_reply_keeps_the_thread(void **state) {
    (void)state;
    assert_string_equal(
        work(sink_address,
             "{" TO_JANA ",\"text\":\"Grüße\\n.\\n..x\\nFrom here\",\"html\":\"<p>Grüße</p>\","
             "\"message_id\":\"<own@localhost.example>\",\"at\":\"2026-11-23T08:00:00.000Z\"}",
             "{\"subject\":\"Order "
             "1234\",\"message_id\":\"<b@x>\",\"references\":[\"<a@x>\"],\"in_reply_to\":["
             "\"<a@x>\"]}"),
        "sent");
    json_t *mail = taken();
    const char *text = text_of(mail);
    assert_string_equal(json_string_value(json_array_get(mail, 0)), "support@localhost.example");
    assert_non_null(strstr(text, "\r\nSubject: Re: Order 1234\r\n"));
    assert_non_null(strstr(text, "\r\nIn-Reply-To: <b@x>\r\n"));
    assert_non_null(strstr(text, "\r\nReferences: <a@x> <b@x>\r\n"));
    assert_non_null(strstr(text, "\r\nMessage-ID: <own@localhost.example>\r\n"));
    assert_non_null(strstr(text, "\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n"));
    assert_non_null(strstr(text, "multipart/alternative"));
    assert_null(strstr(text, "Auto-Submitted"));
    assert_null(strstr(text, "Gr\xc3")); /* all of it is 7 bit */
    json_decref(mail);
}

static void no_value_can_add_a_header(void **state) {
    (void)state;
    assert_string_equal(
        work(sink_address,
             "{\"to\":[{\"name\":\"a\\r\\nBcc: x@y.z\",\"email\":\"jana@example.org\"}],"
             "\"subject\":\"s\\r\\nBcc: "
             "x@y.z\\n\\nbody\",\"text\":\"t\",\"references\":[\"<a@x>\\r\\nX: "
             "1\",\"<ok@x>\"],\"in_reply_to\":[\"<b@x>\\nX: 2\"]}",
             "null"),
        "sent");
    json_t *mail = taken();
    const char *text = text_of(mail);
    assert_null(strstr(text, "\r\nBcc"));
    assert_null(strstr(text, "\nX:"));
    assert_non_null(strstr(text, "\r\nReferences: <ok@x>\r\n"));
    json_decref(mail);
}

static void an_address_that_would_break_the_session_is_never_tried(void **state) {
    static const char *const bad[] = {"c@x>\\r\\nRCPT TO:<inj@x",
                                      "a b@x.y",
                                      "a@x\\u0001.y",
                                      "nobody",
                                      "<a@x.y>",
                                      "ü@example.org",
                                      ""};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char touchpoint[300];
        snprintf(touchpoint, sizeof touchpoint, "{\"to\":[{\"email\":\"%s\"}],\"text\":\"t\"}",
                 bad[i]);
        assert_string_equal(work(sink_address, touchpoint, "null"), "never");
        assert_null(json_object_get(answer, "code"));
    }
}

static void the_servers_codes_decide(void **state) {
    static const struct {
        const char *to, *state, *code, *status;
    } cases[] = {
        {"{\"email\":\"never@x.y\"}", "never", "550", "5.1.1"},
        {"{\"email\":\"later@x.y\"}", "retry", "451", "4.2.0"},
        {"{\"email\":\"never@x.y\"},{\"email\":\"later@x.y\"}", "retry", NULL, NULL},
        {"{\"email\":\"never@x.y\"},{\"email\":\"ok@x.y\"}", "sent", "250", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char touchpoint[300];
        snprintf(touchpoint, sizeof touchpoint, "{\"to\":[%s],\"text\":\"t\"}", cases[i].to);
        assert_string_equal(work(sink_address, touchpoint, "null"), cases[i].state);
        if (cases[i].code)
            assert_string_equal(json_string_value(json_object_get(answer, "code")), cases[i].code);
        if (cases[i].status)
            assert_string_equal(json_string_value(json_object_get(answer, "status")),
                                cases[i].status);
        if (!strcmp(cases[i].state, "sent"))
            json_decref(taken());
    }
}

static void without_a_server_it_is_tried_again(void **state) {
    (void)state;
    assert_string_equal(work("127.0.0.1:1", "{" TO_JANA ",\"text\":\"t\"}", "null"), "retry");
    assert_null(json_object_get(answer, "code"));
}

static void long_values_are_folded_and_old_references_dropped(void **state) {
    struct buf touchpoint;
    (void)state;
    buf_init(&touchpoint, 1 << 16);
    assert_true(buf_add_c(&touchpoint, "{" TO_JANA ",\"text\":\"t\",\"subject\":\""));
    for (int i = 0; i < 400; i++)
        assert_true(buf_add_c(&touchpoint, "\xc3\xbc"));
    assert_true(buf_add_c(&touchpoint, "\",\"references\":[\"<first@x>\""));
    for (int i = 0; i < 60; i++)
        assert_true(buf_addf(&touchpoint, ",\"<%d@x>\"", i));
    assert_true(buf_add_c(&touchpoint, "]}"));
    assert_string_equal(work(sink_address, buf_c(&touchpoint), "null"), "sent");
    json_t *mail = taken();
    struct str text = str_c(text_of(mail));
    assert_non_null(strstr(text.p, "References: <first@x> <40@x>"));
    assert_non_null(strstr(text.p, "<59@x>"));
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        assert_true(line.n < 999);
    }
    json_decref(mail);
    buf_clear(&touchpoint);
}

static void line_ends_are_line_ends(void **state) {
    (void)state;
    assert_string_equal(
        work(sink_address,
             "{" TO_JANA ",\"text\":\"some words\\r\\nand \u00fc and more words\\nend\"}", "null"),
        "sent");
    json_t *mail = taken();
    assert_non_null(
        strstr(text_of(mail), "\r\n\r\nsome words\r\nand =C3=BC and more words\r\nend"));
    json_decref(mail);
}

static void attachments_travel_whole(void **state) {
    char path[] = "/tmp/touchline-send-XXXXXX", touchpoint[400];
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(write(fd, "\0\n\r\377abc", 7), 7);
    close(fd);
    snprintf(touchpoint, sizeof touchpoint,
             "{" TO_JANA
             ",\"text\":\"t\",\"attachments\":[{\"path\":\"%s\",\"name\":\"../r\xc3\xa4 "
             "chnung.bin\",\"type\":\"multipart/x\"}]}",
             path);
    assert_string_equal(work(sink_address, touchpoint, "null"), "sent");
    json_t *mail = taken();
    assert_non_null(strstr(text_of(mail), "AAoN/2FiYw=="));
    assert_non_null(strstr(text_of(mail), "application/octet-stream"));
    assert_null(strstr(text_of(mail), ".."));
    json_decref(mail);
    unlink(path);
    assert_string_equal(work(sink_address, touchpoint, "null"), "retry"); /* the file is away */
}

#define REQUIRED "\"tls\":\"required\""
#define LOGIN ",\"user\":\"tl\",\"password\":\"secret\""

static void tls_and_login_are_as_strict_as_configured(void **state) {
    static const char mail[] = "{" TO_JANA ",\"text\":\"t\"}";
    char certificate[100];
    (void)state;
    snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    /* a server that wants TLS gets none: its no is about us, not about the mail */
    assert_string_equal(work_by(safe_address, "\"tls\":\"none\"", mail, "null"), "retry");
    /* nobody has signed that certificate */
    assert_string_equal(work_by(safe_address, REQUIRED LOGIN, mail, "null"), "retry");
    assert_null(json_object_get(answer, "code"));
    assert_string_equal(work_by(safe_address, "\"tls\":\"opportunistic\"" LOGIN, mail, "null"),
                        "sent");
    json_decref(taken());
    /* a server without TLS where it is required: nothing is said to it, the password least */
    assert_string_equal(work_by(sink_address, REQUIRED LOGIN, mail, "null"), "retry");
    setenv("SSL_CERT_FILE", certificate, 1);
    assert_string_equal(work_by(safe_address, REQUIRED LOGIN, mail, "null"), "sent");
    json_decref(taken());
    assert_string_equal(
        work_by(safe_address, REQUIRED ",\"user\":\"tl\",\"password\":\"wrong\"", mail, "null"),
        "retry");
    assert_string_equal(work_by(safe_address, REQUIRED, mail, "null"), "retry");
    unsetenv("SSL_CERT_FILE");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_and_login_are_as_strict_as_configured),
        cmocka_unit_test(a_reply_keeps_the_thread),
        cmocka_unit_test(no_value_can_add_a_header),
        cmocka_unit_test(an_address_that_would_break_the_session_is_never_tried),
        cmocka_unit_test(the_servers_codes_decide),
        cmocka_unit_test(without_a_server_it_is_tried_again),
        cmocka_unit_test(long_values_are_folded_and_old_references_dropped),
        cmocka_unit_test(line_ends_are_line_ends),
        cmocka_unit_test(attachments_travel_whole),
    };
    return cmocka_run_group_tests(tests, sink_start, sink_stop);
}
