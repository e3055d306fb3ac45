/* social/twilio.c - Twilio: SMS and WhatsApp; the row; signature, acknowledgement, replies.
 *
 * Source: Twilio's "Security" page and Messages resource. The signature is over the address as
 * Twilio called it, so behind a proxy `url` must be configured; the port is sometimes named and
 * sometimes not, so both forms count. Reading is twilio_read.c.
 */
#include "twilio.h"

#include <stdlib.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "signature.h"

enum { TEXT_MAX = 1600, WINDOW_MS = 24 * 3600 * 1000, AUTH_MAX = 1024 };

/* ---- signature ---- */

struct field {
    struct str name, value;
};

static int by_bytes(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;
    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *a, const void *b) {
    const struct field *x = a, *y = b;
    int d = by_bytes(x->name, y->name);
    return d ? d : by_bytes(x->value, y->value);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The bytes as they were signed: nothing is mended. */
static struct str unescape(struct arena *a, struct str s) {
    char *out = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1,
            low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        out[n++] = low >= 0 ? (char)(high * 16 + low) : s.p[i] == '+' ? ' ' : s.p[i];
    }
    return str_make(out, n);
}

struct str twilio_signed(struct arena *a, struct str url, struct str form) {
    struct field *fields = arena_new(a, TWILIO_FIELDS_MAX * sizeof *fields);
    size_t n = 0, bytes = url.n;
    while (form.n) {
        struct str value = str_cut(&form, '&');
        if (!value.n)
            continue;
        if (n == TWILIO_FIELDS_MAX)
            return STR_NONE;
        struct str name = str_cut(&value, '=');
        fields[n] = (struct field){unescape(a, name), unescape(a, value)};
        bytes += fields[n].name.n + fields[n].value.n;
        n++;
    }
    qsort(fields, n, sizeof *fields, by_name);
    char *out = arena_new(a, bytes + 1), *at = out;
    memcpy(at, url.p ? url.p : "", url.n);
    at += url.n;
    for (size_t i = 0; i < n; i++) {
        if (i && by_name(&fields[i], &fields[i - 1]) == 0)
            continue; /* a value twice counts once */
        memcpy(at, fields[i].name.p, fields[i].name.n);
        at += fields[i].name.n;
        memcpy(at, fields[i].value.p, fields[i].value.n);
        at += fields[i].value.n;
    }
    return str_make(out, (size_t)(at - out));
}

/* The same address with the default port named, or without the one that is. */
static struct str other_port(struct arena *a, struct str url) {
    const struct str https = STR("https://");
    bool tls = str_starts(url, https);
    struct str rest = str_from(url, tls ? https.n : strlen("http://"));
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    struct str host = str_upto(rest, n), tail = str_from(rest, n);
    const char *port = tls ? ":443" : ":80", *scheme = tls ? "https" : "http";
    if (str_find(host, ':') >= 0) {
        host = str_cut(&host, ':');
        port = "";
    }
    return arena_strf(a, "%s://%.*s%s%.*s", scheme, STR_ARG(host), port, STR_ARG(tail));
}

/* A JSON body is signed by its hash, which stands in the address. */
static bool body_hash_fits(const struct hook_call *call) {
    uint8_t digest[SHA256_BYTES], given[SHA256_BYTES];
    struct str named = hook_param(call, "bodySHA256");
    sha256(call->body, digest);
    return hex_decode(named, given, sizeof given) &&
           bytes_equal(str_make((const char *)given, sizeof given),
                       str_make((const char *)digest, sizeof digest));
}

static bool is_signed(struct hook_call *call, struct str url, bool form) {
    struct str what = twilio_signed(call->arena, url, form ? call->body : STR_NONE);
    return url.n && what.p &&
           signature_hmac(call->config, SIGNATURE_SHA1, SIGNATURE_BASE64, &what, 1,
                          hook_header(call, "X-Twilio-Signature"));
}

static struct str form_value(struct hook_call *call, const char *name) {
    struct pair pairs[TWILIO_FIELDS_MAX];
    size_t n;
    if (urlencoded_parse(call->arena, call->body, pairs, COUNT(pairs), &n, NULL))
        for (size_t i = 0; i < n; i++)
            if (str_is(pairs[i].name, name))
                return pairs[i].value;
    return STR_NONE;
}

static struct hook_verdict judge(struct hook_call *call) {
    struct str url = hook_url(call), type = hook_header(call, "Content-Type");
    bool json = str_starts(type, str_c("application/json"));
    if (!is_signed(call, url, !json) && !is_signed(call, other_port(call->arena, url), !json))
        return hook_refuse(401, "signature");
    if (json && !body_hash_fits(call))
        return hook_refuse(401, "signature");
    struct str sid = json ? STR_NONE : form_value(call, "MessageSid"),
               state = json ? STR_NONE : form_value(call, "MessageStatus");
    struct hook_verdict v =
        hook_keep(sid.n && sid.n < 64 && state.n < 32
                      ? arena_strf(call->arena, "%.*s:%.*s", STR_ARG(sid), STR_ARG(state))
                      : STR_NONE);
    v.type = "text/xml";
    v.body = str_c("<Response/>");
    return v;
}

/* ---- replies ---- */

static bool is_whatsapp(const struct hook_reply *r) {
    return str_is(jget_str(json_object_get(r->answered, "data"), "transport"), "whatsapp") ||
           str_starts(r->config->send.sender, str_c("whatsapp:"));
}

/* As Twilio wrote it; of somebody not heard of yet, the number. */
static struct str recipient_of(struct arena *a, const struct hook_reply *r) {
    const json_t *to = json_array_get(json_object_get(r->touchpoint, "to"), 0);
    struct str from = jget_str(json_object_get(r->answered, "data"), "from"),
               phone = jget_str(to, "phone");
    bool inbound = str_is(jget_str(r->answered, "direction"), "inbound");
    if (inbound && from.n)
        return from;
    if (!phone.n)
        phone = hook_reply_social(r);
    return phone.n && is_whatsapp(r) ? arena_strf(a, "whatsapp:%.*s", STR_ARG(phone)) : phone;
}

/* The number that was written to answers; else the configured one. */
static struct str sender_of(const struct hook_reply *r) {
    struct str to = jget_str(json_object_get(r->answered, "data"), "to");
    bool inbound = str_is(jget_str(r->answered, "direction"), "inbound");
    return r->config->send.sender.n ? r->config->send.sender : inbound ? to : STR_NONE;
}

static struct str auth_token(const struct hook_config *c) {
    return c->send.token.n ? c->send.token : c->secret;
}

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "send/user";
    bool send = c->send.token.n || c->send.sender.n || c->send.base.n;
    return send && !hook_path_ok(c->send.user) ? "is needed to send: the account SID" : NULL;
}

static const char *refuses(struct arena *a, const struct hook_reply *r) {
    if (!r->config->send.user.n)
        return "this hook has no `send`: nothing can be sent";
    if (is_whatsapp(r) && hook_reply_age_ms(r) > WINDOW_MS)
        return "WhatsApp lets nobody answer later than 24 hours after the last message";
    if (!r->touchpoint)
        return NULL;
    if (!recipient_of(a, r).n)
        return "the number of the recipient is not known";
    if (!sender_of(r).n)
        return "this hook has no `send.sender`: it is not known as whom to write";
    return hook_reply_text_fault(a, r, TEXT_MAX);
}

static bool basic_auth(struct arena *a, const struct hook_config *c, struct hook_request *out) {
    cleanup(buf_clear) struct buf plain, coded;
    buf_init(&plain, AUTH_MAX);
    buf_init(&coded, 2 * AUTH_MAX);
    if (!buf_addf(&plain, "%.*s:%.*s", STR_ARG(c->send.user), STR_ARG(auth_token(c))) ||
        !base64_encode(&coded, buf_str(&plain)))
        return false;
    hook_request_auth(a, out, "Basic", buf_str(&coded));
    return true;
}

static const char *write_request(struct arena *a, const struct hook_reply *r,
                                 struct hook_request *out) {
    struct str sender = sender_of(r);
    bool service = str_starts(sender, str_c("MG"));
    if (!service && is_whatsapp(r) && !str_starts(sender, str_c("whatsapp:")))
        sender = arena_strf(a, "whatsapp:%.*s", STR_ARG(sender));
    const struct pair pairs[] = {
        {str_c("To"), recipient_of(a, r)},
        {str_c(service ? "MessagingServiceSid" : "From"), sender},
        {str_c("Body"), jget_str(r->touchpoint, "text")},
        {str_c("StatusCallback"), r->config->url.n ? r->config->url : STR_NONE}};
    hook_request_form(a, out, pairs, COUNT(pairs));
    if (!basic_auth(a, r->config, out))
        return "the account and its token are too long";
    out->url = arena_strf(a, "%.*s/2010-04-01/Accounts/%.*s/Messages.json",
                          STR_ARG(hook_reply_base(r, "https://api.twilio.com")),
                          STR_ARG(r->config->send.user));
    return NULL;
}

static void answered(struct arena *a, const json_t *answer, struct tl_sent_result *out) {
    struct str code = provider_id(a, answer, "error_code"),
               words = jget_str(answer, "error_message");
    if (out->state == TL_SENT)
        out->provider_id = arena_str(a, jget_str(answer, "sid"));
    if (!code.n)
        code = provider_id(a, answer, "code");
    if (code.n)
        out->code = arena_str(a, code);
    if (!words.n)
        words = jget_str(answer, "message");
    if (words.n)
        out->diagnostic = arena_str(a, words);
}

static const char *media(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last) {
    static const char *const own[] = {"twilio.com", NULL};
    (void)answer;
    *out_last = true;
    out->method = "GET";
    out->url = word;
    if (c->send.user.n && hook_url_ours(c, word, own) && !basic_auth(a, c, out))
        return "the account and its token are too long";
    return str_starts(word, str_c("https://")) || hook_url_ours(c, word, own)
               ? NULL
               : "the media's address is not https";
}

const struct provider provider_twilio = {
    .name = "twilio",
    .flags = NEEDS_SECRET,
    .fault = fault,
    .judge = judge,
    .read_bytes = twilio_read,
    .refuses = refuses,
    .write = write_request,
    .answered = answered,
    .media = media,
};
