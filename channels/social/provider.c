/* social/provider.c - what every provider does alike: verdicts, requests, pieces of touchpoints.
 * Pure. */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

enum { EMIT_MAX = 4 * 1024 * 1024, FORM_MAX = 4 * 1024 * 1024 };

static const int64_t time_max_s = 253402300799; /* the last second of 9999 */

/* ---- verdicts ---- */

struct hook_verdict hook_refuse(int status, const char *code) {
    return (struct hook_verdict){.action = HOOK_REFUSE, .status = status, .code = code};
}

struct hook_verdict hook_answer(int status, const char *type, struct str body) {
    return (struct hook_verdict){
        .action = HOOK_ANSWER, .status = status, .type = type, .body = body};
}

struct hook_verdict hook_keep(struct str delivery_id) {
    return (struct hook_verdict){.action = HOOK_KEEP, .status = 200, .delivery_id = delivery_id};
}

struct str hook_header(const struct hook_call *call, const char *name) {
    return call->header(call->header_ctx, name);
}

struct str hook_param(const struct hook_call *call, const char *name) {
    for (size_t i = 0; i < call->pairs_n; i++)
        if (str_is(call->pairs[i].name, name))
            return call->pairs[i].value;
    return STR_NONE;
}

struct str hook_url(const struct hook_call *call) {
    if (!call->config->url.n)
        return call->url;
    if (!call->query.n || str_find(call->config->url, '?') >= 0)
        return call->config->url;
    return arena_strf(call->arena, "%.*s?%.*s", STR_ARG(call->config->url), STR_ARG(call->query));
}

struct hook_secrets hook_secrets(const struct hook_config *c) {
    struct hook_secrets s = {0};
    if (c->secret.n)
        s.items[s.n++] = c->secret;
    if (c->previous_secret.n)
        s.items[s.n++] = c->previous_secret;
    return s;
}

/* ---- requests ---- */

void hook_request_header(struct hook_request *r, const char *name, struct str value) {
    if (r->headers_n < HOOK_HEADERS_MAX)
        r->headers[r->headers_n++] = (struct tl_header){str_c(name), value};
}

void hook_request_json(struct arena *a, struct hook_request *r, json_t *take_body) {
    char *dumped = json_dumps(take_body, JSON_COMPACT);
    json_decref(take_body);
    r->body = arena_str(a, str_c(dumped ? dumped : "{}"));
    free(dumped);
    hook_request_header(r, "Content-Type", str_c("application/json"));
}

void hook_request_form(struct arena *a, struct hook_request *r, const struct pair *pairs,
                       size_t n) {
    cleanup(buf_clear) struct buf form;
    buf_init(&form, FORM_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!pairs[i].value.p)
            continue;
        bool ok = (!form.n || buf_add_byte(&form, '&')) && percent_encode(&form, pairs[i].name) &&
                  buf_add_byte(&form, '=') && percent_encode(&form, pairs[i].value);
        if (!ok)
            break; /* a reply is far below the ceiling */
    }
    r->body = arena_str(a, buf_str(&form));
    hook_request_header(r, "Content-Type", str_c("application/x-www-form-urlencoded"));
}

void hook_request_auth(struct arena *a, struct hook_request *r, const char *scheme,
                       struct str token) {
    hook_request_header(r, "Authorization", arena_strf(a, "%s %.*s", scheme, STR_ARG(token)));
}

/* ---- reading ---- */

void provider_bad(const struct tl_emit *out, const json_t *piece, const char *reason) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EMIT_MAX);
    out->bad(out->ctx, jread_dump(&b, piece) ? buf_str(&b) : STR_NONE, reason);
}

void provider_emit(const struct tl_emit *out, json_t *take_object) {
    cleanup(json_freep) json_t *object = take_object;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EMIT_MAX);
    if (object && jread_dump(&b, object))
        out->touchpoint(out->ctx, buf_str(&b));
    else
        out->bad(out->ctx, STR_NONE, "an event is too large");
}

void provider_update(const struct tl_emit *out, struct str message_id, json_t *take_at,
                     json_t *take_delivery) {
    json_t *update =
        json_pack("{s:o, s:o}", "message_id", jstr(message_id), "delivery", take_delivery);
    provider_put(update, "at", take_at);
    provider_emit(out, json_pack("{s:o}", "update", update));
}

static bool digits_of(const json_t *v, int64_t *out) {
    if (json_is_number(v)) {
        double d = json_number_value(v);
        *out = json_is_integer(v) ? json_integer_value(v) : d > 0 && d < 1e15 ? (int64_t)d : 0;
        return true;
    }
    const char *s = json_string_value(v);
    if (!s || !*s)
        return false;
    char *end;
    *out = strtoll(s, &end, 10);
    return *end == '\0' || *end == '.';
}

static json_t *time_json(int64_t ms) {
    char text[DATE_RFC3339_MAX];
    if (ms <= 0 || ms / 1000 > time_max_s)
        return NULL;
    date_format(ms, text);
    return json_string(text);
}

json_t *provider_time(const json_t *seconds) {
    int64_t s;
    return digits_of(seconds, &s) && s > 0 && s <= time_max_s ? time_json(s * 1000) : NULL;
}

json_t *provider_time_ms(const json_t *ms) {
    int64_t v;
    return digits_of(ms, &v) ? time_json(v) : NULL;
}

struct str provider_id(struct arena *a, const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    if (json_is_integer(v))
        return arena_strf(a, "%lld", (long long)json_integer_value(v));
    return jget_str(o, key);
}

json_t *provider_person(const char *network, struct str id, struct str name, struct str handle) {
    if (!id.n)
        return NULL;
    json_t *social = json_pack("{s:s, s:o}", "network", network, "id", jstr(id));
    provider_set(social, "handle", handle);
    json_t *p =
        json_pack("{s:o, s:b, s:s}", "social", social, "verified", 1, "evidence", "signature");
    provider_set(p, "name", name);
    return p;
}

void provider_attach(json_t *touchpoint, struct str name, struct str type, struct str word) {
    json_t *list = json_object_get(touchpoint, "attachments");
    json_t *one = json_pack("{s:o}", "fetch", jstr(word));
    if (!list) {
        list = json_array();
        json_object_set_new(touchpoint, "attachments", list);
    }
    provider_set(one, "name", name);
    provider_set(one, "type", type);
    json_array_append_new(list, one);
}

size_t utf16_units(struct str text) {
    const char *p = text.p, *end = text.p + text.n;
    size_t n = 0;
    while (p < end)
        n += utf8_next(&p, end) > 0xffff ? 2 : 1;
    return n;
}

void provider_set(json_t *o, const char *key, struct str value) {
    if (value.n)
        json_object_set_new(o, key, jstr(value));
}

void provider_put(json_t *o, const char *key, json_t *take_value) {
    if (take_value)
        json_object_set_new(o, key, take_value);
}

/* ---- touchpoints ---- */

json_t *provider_account(struct arena *a, const char *network, const char *what, struct str id) {
    struct str whole = arena_strf(a, "%s:%.*s", what, STR_ARG(id.n ? id : str_c("unknown")));
    return provider_person(network, str_upto(whole, 200), STR_NONE, STR_NONE);
}

json_t *provider_touchpoint(const char *provider, struct str id, const char *kind) {
    return json_pack("{s:o, s:s, s:s, s:{s:s}}", "source_id", jstr(id), "channel", "social", "kind",
                     kind, "data", "provider", provider);
}

void provider_inbound(json_t *touchpoint, json_t *take_person) {
    json_object_set_new(touchpoint, "direction", json_string("inbound"));
    json_object_set_new(touchpoint, "from", take_person);
}

void provider_echo(json_t *touchpoint, json_t *take_person) {
    json_object_set_new(touchpoint, "direction", json_string("outbound"));
    json_object_set_new(touchpoint, "echo", json_true());
    json_object_set_new(touchpoint, "to", json_pack("[o]", take_person));
}

void provider_revise(json_t *touchpoint, int64_t revision, bool deleted) {
    json_object_set_new(touchpoint, "revision", json_integer(revision > 0 ? revision : 1));
    if (deleted)
        json_object_set_new(touchpoint, "deleted", json_true());
}

void provider_in_reply_to(json_t *touchpoint, struct str message_id) {
    if (message_id.n)
        json_object_set_new(touchpoint, "in_reply_to", json_pack("[o]", jstr(message_id)));
}

void provider_notification(json_t *touchpoint) {
    json_object_set_new(touchpoint, "auto", json_string("notification"));
}

void provider_data(json_t *touchpoint, const char *key, json_t *take_value) {
    provider_put(json_object_get(touchpoint, "data"), key, take_value);
}

/* ---- times ---- */

/* RFC 3339, or nearly: without a zone, or with one of four digits. */
static int64_t iso_ms(struct str s) {
    char text[48];
    int64_t ms;
    if (date_parse(s, &ms))
        return ms;
    if (s.n < 19 || s.n > sizeof text - 4 || s.p[4] != '-')
        return 0;
    memcpy(text, s.p, s.n);
    size_t n = s.n;
    if (s.p[n - 5] == '+' || s.p[n - 5] == '-') {
        text[n] = text[n - 1];
        text[n - 1] = text[n - 2];
        text[n - 2] = ':';
        n++;
    } else {
        text[n++] = 'Z';
    }
    return date_parse(str_make(text, n), &ms) ? ms : 0;
}

/* "Wed Aug 27 13:08:45 +0000 2008", put into the order of mail. */
static int64_t ctime_ms(struct str s) {
    cleanup(arena_clear) struct arena a;
    struct str part[6], rest = s;
    int64_t ms;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(part); i++)
        part[i] = str_cut(&rest, ' ');
    struct str mail = arena_strf(&a, "%.*s %.*s %.*s %.*s %.*s", STR_ARG(part[2]), STR_ARG(part[1]),
                                 STR_ARG(part[5]), STR_ARG(part[3]), STR_ARG(part[4]));
    return part[5].n == 4 && date_parse_mail(mail, &ms) ? ms : 0;
}

int64_t provider_ms(const json_t *when) {
    static const int64_t year_5000_s = 95617584000;
    struct str text = str_make(json_string_value(when), json_string_length(when));
    int64_t v = 0;
    if (digits_of(when, &v)) {
        v = v > 0 && v < year_5000_s ? v * 1000 : v;
        return v > 0 && v / 1000 <= time_max_s ? v : 0;
    }
    if (!text.n || text.n > 40)
        return 0;
    v = iso_ms(text);
    return v ? v : ctime_ms(text);
}

json_t *provider_at(int64_t ms) {
    return time_json(ms);
}

/* ---- replies ---- */

static size_t characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

const char *hook_reply_text_fault(struct arena *a, const struct hook_reply *r, size_t max_chars) {
    struct str text = jget_str(r->touchpoint, "text");
    if (!r->touchpoint)
        return NULL;
    if (json_array_size(json_object_get(r->touchpoint, "attachments")))
        return "this platform is sent text only: take the files out of the reply";
    if (!str_trim(text).n)
        return "this platform is sent text only, and the reply has none";
    if (characters(text) > max_chars)
        return arena_strf(a, "the platform takes at most %zu characters", max_chars).p;
    return NULL;
}

int64_t hook_reply_age_ms(const struct hook_reply *r) {
    int64_t at;
    if (!str_is(jget_str(r->answered, "direction"), "inbound") ||
        !date_parse(jget_str(r->answered, "at"), &at))
        return -1;
    return r->now_ms > at ? r->now_ms - at : 0;
}

struct str hook_reply_social(const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    return jget_str(json_object_get(to, "social"), "id");
}

struct str hook_reply_base(const struct hook_reply *r, const char *own) {
    struct str base = r->config->send.base.n ? r->config->send.base : str_c(own);
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    return base;
}

/* The host of an https address; absent where it is none, or names more than a host. */
static struct str host_of(struct str url) {
    const struct str https = STR("https://");
    if (!str_starts(url, https))
        return STR_NONE;
    struct str host = str_from(url, https.n);
    host = str_cut(&host, '/');
    return hook_path_ok(host) && str_find(host, '@') < 0 && str_find(host, ':') < 0 ? host
                                                                                    : STR_NONE;
}

bool hook_url_ours(const struct hook_config *c, struct str url, const char *const *hosts) {
    struct str base = c->send.base, host = host_of(url);
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (base.n && str_starts(url, base) && url.n > base.n && url.p[base.n] == '/')
        return true;
    for (; *hosts && host.n; hosts++) {
        struct str own = str_c(*hosts);
        if (str_eq_nocase(host, own) || (host.n > own.n && host.p[host.n - own.n - 1] == '.' &&
                                         str_eq_nocase(str_from(host, host.n - own.n), own)))
            return true;
    }
    return false;
}

bool hook_path_ok(struct str id) {
    static const char others[] = "-_.:@";
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr(others, c))))
            return false;
    }
    return id.n && id.p[0] != '.';
}
