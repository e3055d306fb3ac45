/* cli/http.c - asks the daemon by HTTP (libcurl) and tells what it refuses. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>
#include <touchline/version.h>

#include "cli/cli.h"

enum { ANSWER_MAX = 256 << 20, TOKEN_FILE_MAX = 4096, PAGE_MAX = 500 };

/* ---- who asks ---- */

/* The token from --token-file or TOUCHLINE_TOKEN; never from the command line, where others see it.
 * NULL: none. false: told. */
static bool token_take(struct cli *c, const char **out) {
    char text[TOKEN_FILE_MAX];
    *out = getenv("TOUCHLINE_TOKEN");
    if (!c->token_file)
        return true;
    int fd = open(c->token_file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        fprintf(stderr, "touchline: %s: %s\n", c->token_file, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    *out = arena_str(&c->arena, str_trim(str_make(text, (size_t)n))).p;
    return true;
}

/* unix:PATH is a socket; anything else a URL as it stands. */
static void where_set(struct cli *c, CURL *curl, const char *path) {
    const char *url = c->url;
    size_t n = strlen(url);
    if (strncmp(url, "unix:", 5) == 0) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, url + 5);
        url = "http://localhost";
        n = strlen(url);
    }
    while (n && url[n - 1] == '/')
        n--;
    curl_easy_setopt(curl, CURLOPT_URL, arena_strf(&c->arena, "%.*s%s", (int)n, url, path).p);
}

static void header_add(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        abort(); /* out of memory, as in mem_new */
    *list = longer;
}

static CURL *curl_open(struct cli *c, const char *path, struct curl_slist **headers) {
    static bool started;
    const char *token;
    if (!started)
        started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURL *curl = started ? curl_easy_init() : NULL;
    if (!curl)
        abort();
    where_set(c, curl, path);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "touchline/" TOUCHLINE_VERSION);
    header_add(headers, "Expect:");
    if (!token_take(c, &token)) {
        curl_easy_cleanup(curl);
        return NULL;
    }
    if (token && *token)
        header_add(headers, arena_strf(&c->arena, "Authorization: Bearer %s", token).p);
    return curl;
}

/* ---- one question, one answer ---- */

static size_t body_take(char *p, size_t one, size_t n, void *arg) {
    struct buf *body = arg;
    return buf_add(body, str_make(p, one * n)) ? one * n : 0;
}

static enum cli_exit perform(struct cli *c, const char *method, const char *path, const char *type,
                             struct str body, struct cli_answer *out) {
    struct curl_slist *headers = NULL;
    struct fault f;
    *out = (struct cli_answer){0};
    buf_init(&out->body, ANSWER_MAX);
    CURL *curl = curl_open(c, path, &headers);
    if (!curl) {
        curl_slist_free_all(headers);
        return CLI_USAGE;
    }
    if (type)
        header_add(&headers, arena_strf(&c->arena, "Content-Type: %s", type).p);
    if (c->prefer)
        header_add(&headers, arena_strf(&c->arena, "Prefer: %s", c->prefer).p);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 120000L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body.p || strcmp(method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p ? body.p : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out->body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        if (!c->quiet)
            fprintf(stderr, "touchline: %s: %s\n", c->url, curl_easy_strerror(code));
        return CLI_UNREACHABLE;
    }
    if (out->body.n && !jread_parse(buf_str(&out->body), ANSWER_MAX, &out->json, &f))
        out->json = NULL;
    return CLI_OK;
}

/* s for the terminal. */
static void tell(const char *before, struct str s) {
    struct buf line;
    buf_init(&line, 1 << 16);
    if (s.n && utf8_valid(s) && utf8_one_line(&line, s))
        fprintf(stderr, "%s%s", before, buf_c(&line));
    buf_clear(&line);
}

void cli_tell_problem(const struct cli_answer *a) {
    size_t i;
    json_t *e;
    fprintf(stderr, "touchline: %ld", a->status);
    tell(" ", jget_str(a->json, "title"));
    tell(": ", jget_str(a->json, "detail"));
    tell(" (", jget_str(a->json, "code"));
    fprintf(stderr, "%s\n", jget_str(a->json, "code").n ? ")" : "");
    json_array_foreach(json_object_get(a->json, "errors"), i, e) {
        struct str where = jget_str(e, "pointer");
        tell("  ", where.n ? where : jget_str(e, "parameter"));
        tell(": ", jget_str(e, "detail"));
        fputc('\n', stderr);
    }
    if (a->status == 401)
        fprintf(stderr, "touchline: a token is taken from TOUCHLINE_TOKEN or --token-file\n");
}

enum cli_exit cli_send(struct cli *c, const char *method, const char *path, const char *type,
                       struct str body, struct cli_answer *out) {
    enum cli_exit status = perform(c, method, path, type, body, out);
    if (status != CLI_OK)
        return status;
    if (out->status >= 200 && out->status < 300)
        return CLI_OK;
    if (!c->quiet)
        cli_tell_problem(out);
    return CLI_REFUSED;
}

enum cli_exit cli_call(struct cli *c, const char *method, const char *path, const json_t *body,
                       struct cli_answer *out) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    enum cli_exit status =
        cli_send(c, method, path, text ? "application/json" : NULL, str_c(text), out);
    free(text);
    return status;
}

enum cli_exit cli_ask(struct cli *c, const char *path, struct cli_answer *out) {
    return perform(c, "GET", path, NULL, STR_NONE, out);
}

void cli_answer_clear(struct cli_answer *a) {
    json_decref(a->json);
    a->json = NULL;
    buf_clear(&a->body);
}

/* ---- streams ---- */

struct streaming {
    CURL *curl;
    struct buf line;
    bool (*take)(void *arg, struct str line);
    void *arg;
    bool ended;
};

static size_t stream_take(char *p, size_t one, size_t n, void *arg) {
    struct streaming *s = arg;
    long status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    for (size_t i = 0; i < one * n && status == 200; i++) {
        if (p[i] != '\n') {
            if (!buf_add_byte(&s->line, p[i]))
                return 0;
            continue;
        }
        s->ended = !s->take(s->arg, buf_str(&s->line));
        buf_reset(&s->line);
        if (s->ended)
            return 0;
    }
    return one * n;
}

enum cli_exit cli_stream(struct cli *c, const char *path, bool (*line)(void *arg, struct str line),
                         void *arg, long *out_status) {
    struct curl_slist *headers = NULL;
    struct streaming s = {.take = line, .arg = arg};
    s.curl = curl_open(c, path, &headers);
    if (!s.curl) {
        curl_slist_free_all(headers);
        return CLI_USAGE;
    }
    buf_init(&s.line, 16 << 20);
    curl_easy_setopt(s.curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s.curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(s.curl, CURLOPT_WRITEFUNCTION, stream_take);
    curl_easy_setopt(s.curl, CURLOPT_WRITEDATA, &s);
    CURLcode code = curl_easy_perform(s.curl);
    curl_easy_getinfo(s.curl, CURLINFO_RESPONSE_CODE, out_status);
    curl_easy_cleanup(s.curl);
    curl_slist_free_all(headers);
    buf_clear(&s.line);
    if (code == CURLE_OK || s.ended)
        return CLI_OK;
    fprintf(stderr, "touchline: %s: %s\n", c->url, curl_easy_strerror(code));
    return CLI_UNREACHABLE;
}

/* ---- paths and lists ---- */

static const char *encoded(struct cli *c, const char *s) {
    struct buf b;
    buf_init(&b, 1 << 16);
    bool fits = percent_encode(&b, str_c(s));
    const char *out = fits ? arena_str(&c->arena, buf_str(&b)).p : "";
    buf_clear(&b);
    return out;
}

const char *cli_path(struct cli *c, const char *format, ...) {
    const char *path = "";
    va_list args;
    va_start(args, format);
    for (const char *p = format; *p;) {
        const char *next = strstr(p, "%s");
        size_t n = next ? (size_t)(next - p) : strlen(p);
        const char *value = next ? encoded(c, va_arg(args, const char *)) : "";
        path = arena_strf(&c->arena, "%s%.*s%s", path, (int)n, p, value).p;
        p += n + (next ? 2 : 0);
    }
    va_end(args);
    return path;
}

const char *cli_query(struct cli *c, const char *path, const char *name, const char *value) {
    if (!value)
        return path;
    const char *lead = strchr(path, '?') ? "&" : "?";
    return arena_strf(&c->arena, "%s%s%s=%s", path, lead, name, encoded(c, value)).p;
}

enum cli_exit cli_list(struct cli *c, const char *path, size_t limit, json_t **out) {
    json_t *items = json_array(), *next = NULL;
    enum cli_exit status = CLI_OK;
    do {
        struct cli_answer a;
        size_t want = limit - json_array_size(items);
        const char *n = arena_strf(&c->arena, "%zu", want < PAGE_MAX ? want : PAGE_MAX).p;
        const char *page = cli_query(c, path, "limit", n);
        page = cli_query(c, page, "cursor", json_string_value(next));
        status = cli_call(c, "GET", page, NULL, &a);
        json_decref(next);
        next = json_incref(json_object_get(a.json, "next"));
        size_t before = json_array_size(items);
        json_array_extend(items, json_object_get(a.json, "items"));
        cli_answer_clear(&a);
        if (status == CLI_OK && json_array_size(items) == before)
            break; /* an empty page ends it, whatever it says */
    } while (status == CLI_OK && json_is_string(next) && json_array_size(items) < limit);
    if (status == CLI_OK)
        *out = json_pack("{s:o, s:o?}", "items", json_incref(items), "next", json_incref(next));
    json_decref(items);
    json_decref(next);
    return status;
}

const char *cli_contact_id(struct cli *c, const char *given, enum cli_exit *out_exit) {
    struct cli_answer a;
    if (!strchr(given, ':'))
        return given;
    *out_exit = cli_call(c, "GET", cli_query(c, "/v1/contacts", "identity", given), NULL, &a);
    struct str id = jget_str(a.json, "id");
    const char *found = *out_exit == CLI_OK && id.n ? arena_str(&c->arena, id).p : NULL;
    if (*out_exit == CLI_OK && !found)
        *out_exit = CLI_REFUSED;
    cli_answer_clear(&a);
    return found;
}
