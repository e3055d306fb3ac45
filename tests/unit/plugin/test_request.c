/* plugin/request.c through the real front door: a channel's routes, and what comes there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/thread.h"
#include "channel.h"
#include "http/http.h"
#include "plugin/plugin_priv.h"

static struct folder folder;
static struct plugin_host *host;
static struct tl_channel *channel;
static struct http_server *http;
static struct loop *loop;

/* POST answers with what it was given, GET with a problem; a second route of the same kind is
 * taken. */
#define CHANNEL_TEXT                                                                               \
    CHANNEL_HEAD                                                                                   \
    "#include <stdio.h>\n"                                                                         \
    "static const struct tl_host *host;\n"                                                         \
    "static void post(void *arg, struct tl_request *r) { (void)arg; char text[300];\n"             \
    "  struct str name = host->request_param(r, \"name\"), body = host->request(r, "               \
    "TL_REQ_BODY),\n"                                                                              \
    "    query = host->request(r, TL_REQ_QUERY), peer = host->request(r, TL_REQ_PEER),\n"          \
    "    own = host->request_header(r, \"x-own\"), none = host->request_header(r, \"x-none\");\n"  \
    "  int n = snprintf(text, sizeof text, \"%.*s|%.*s|%.*s|%.*s|%.*s|%d\", STR_ARG(name),\n"      \
    "    STR_ARG(body), STR_ARG(query), STR_ARG(peer), STR_ARG(own), none.p == NULL);\n"           \
    "  struct tl_header h = {STR(\"X-Channel\"), STR(\"fifth\")};\n"                               \
    "  host->reply(r, 201, \"text/plain\", str_make(text, (size_t)n), &h, 1); }\n"                 \
    "static void get(void *arg, struct tl_request *r) { (void)arg;\n"                              \
    "  host->problem(r, 503, \"busy\", NULL, \"later\"); }\n"                                      \
    "static void *begin(const struct tl_host *h, struct tl_channel *ch, const void *c) {\n"        \
    "  host = h; return h->route(ch, \"POST\", \"/x/{name}\", post, NULL) &&\n"                    \
    "    h->route(ch, \"GET\", \"/x/{name}\", get, NULL) &&\n"                                     \
    "    !h->route(ch, \"GET\", \"/x/{other}\", get, NULL) ? (void *)c : NULL; }\n"                \
    "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = STR(\"fifth\"), .keys = " \
    "keys, .config_bytes = sizeof(struct config), .start = begin, .stop = stop };\n"

static int setup(void **state) {
    (void)state;
    static struct listen_config listen = {.address = STR("127.0.0.1:0")};
    static const struct tl_items listens = {.items = &listen, .n = 1}, nobody;
    static const struct limits_config limits = {100, 0, 16384, 1 << 20, 5, {0}};
    struct tl_strs folders = {.items = &folder.str, .n = 1};
    struct fault f = {0};
    static int config;
    thread_set(THREAD_LOOP);
    folder_new(&folder);
    folders.items = &folder.str;
    channel_build(&folder, "fifth", CHANNEL_TEXT);
    loop = loop_new();
    if (!http_open(loop, &listens, &limits, &http, &f))
        fail_msg("%s %s", f.place, f.reason);
    http_auth(http, &nobody, &nobody, NULL);
    host = plugin_host_new();
    host_join(host, &(struct plugin_parts){.loop = loop, .http = http});
    channel = channel_load(host, str_c("fifth"), &folders, &f);
    assert_non_null(channel);
    channel->instance = channel->plugin.start(&plugin_host_table, channel, &config);
    assert_non_null(channel->instance);
    if (!http_listen(http, &f))
        fail_msg("%s %s", f.place, f.reason);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    plugin_host_free(host);
    http_close(http);
    loop_free(loop);
    folder_free(&folder);
    return 0;
}

static void nothing(void *arg) {
    (void)arg;
}

/* Sends and turns the loop until an answer is whole: it ends the connection. */
static const char *ask(const char *method, const char *path, const char *body) {
    static char in[4096];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char out[1000];
    size_t n = 0;
    int64_t until = clock_mono_ms() + 3000;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)http_port(http, 0));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    int length = snprintf(out, sizeof out,
                          "%s %s HTTP/1.1\r\nHost: x\r\nX-Own: mine\r\nConnection: close\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          method, path, strlen(body), body);
    assert_int_equal(write(fd, out, (size_t)length), length);
    for (bool open = true; open && clock_mono_ms() < until;) {
        struct loop_timer *t = loop_timer_new(loop, 2, nothing, NULL);
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
        loop_timer_free(t);
        ssize_t got = read(fd, in + n, sizeof in - 1 - n);
        if (got > 0)
            n += (size_t)got;
        open = got != 0;
    }
    close(fd);
    in[n] = '\0';
    return in;
}

static void expect(const char *answer, const char *part) {
    if (!strstr(answer, part))
        fail_msg("no \"%s\" in: %s", part, answer);
}

static void a_channels_route_is_served_by_the_channel(void **state) {
    (void)state;
    const char *answer = ask("POST", "/x/one%20two?a=b", "bytes");
    expect(answer, "HTTP/1.1 201");
    expect(answer, "fifth\r\n");
    expect(answer, "\r\n\r\none two|bytes|a=b|127.0.0.1|mine|1");
}

static void a_channels_problem_says_when_to_come_again(void **state) {
    (void)state;
    const char *answer = ask("GET", "/x/one", "");
    expect(answer, "HTTP/1.1 503");
    expect(answer, "Retry-After: ");
    expect(answer, "application/problem+json");
    expect(answer, "\"code\":\"busy\"");
}

static void a_stopped_channels_route_is_not_there_until_it_comes_again(void **state) {
    (void)state;
    routes_retire(channel);
    expect(ask("POST", "/x/one", "b"), "HTTP/1.1 404");
    assert_non_null(channel->plugin.start(&plugin_host_table, channel, &folder));
    expect(ask("POST", "/x/one", "b"), "HTTP/1.1 201");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_channels_route_is_served_by_the_channel),
        WITH(a_channels_problem_says_when_to_come_again),
        WITH(a_stopped_channels_route_is_not_there_until_it_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
