/* social/provider.h - what a provider of webhooks is to this channel: a row of functions. A file
 * each; the table stands in hook.c.
 *
 *   request ──► judge ──► KEEP ──► spool ──► read ──► touchpoints
 *                 ├─────► ANSWER   a handshake: answered, nothing kept
 *                 ├─────► REFUSE   401, 403, 404 …
 *                 └─────► LATER    hook_judged() tells when it is known (a key to be fetched)
 *   reply ──► refuses ──► write ──► request to the platform ──► answered
 *
 * judge sees the raw bytes and the configuration; read is pure: what it needs beyond the body
 * rides in the delivery's notes ("type", "sender", and what judge adds).
 */
#ifndef SOCIAL_PROVIDER_H
#define SOCIAL_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/plugin.h>

/* The choices of the key `provider`, in their order. */
enum provider_index {
    PROVIDER_WHATSAPP,
    PROVIDER_TELEGRAM,
    PROVIDER_STANDARD,
    PROVIDER_MESSENGER,
    PROVIDER_INSTAGRAM,
    PROVIDER_X,
    PROVIDER_LINE,
    PROVIDER_SLACK,
    PROVIDER_VIBER,
    PROVIDER_TWILIO,
    PROVIDER_MASTODON,
    PROVIDER_WEBSUB,
    PROVIDER_DISCORD,
    PROVIDER_GENERIC,
    PROVIDERS_N,
};
#define PROVIDER_CHOICES                                                                           \
    "whatsapp|telegram|standard|messenger|instagram|x|line|slack|viber|twilio|mastodon|websub|"    \
    "discord|generic"

/* How the generic provider's deliveries are signed. */
struct hook_sign {
    struct str header;            /* that carries the signature */
    int64_t algorithm;            /* index in "sha256|sha1|sha512|ed25519|token" */
    int64_t encoding;             /* index in "hex|base64" */
    struct str prefix, timestamp; /* before the signature; the header of its time */
    struct str signs;             /* "{timestamp}.{body}"; absent: the body */
    int64_t window_ms;            /* how old the timestamp may be */
};

/* One hook of the configuration. */
struct hook_config {
    struct str name;
    int64_t provider; /* enum provider_index */
    struct str secret, previous_secret, verify;
    struct str key;     /* a public key: hex, base64 or PEM */
    struct str url;     /* as the provider calls it, where a proxy changes that */
    struct str actor;   /* who we are there: an ActivityPub actor's address */
    struct str hub;     /* WebSub: who is asked for the topics */
    struct str welcome; /* Viber: told to whoever opens the chat */
    struct tl_strs topics;
    struct tl_pairs map;
    struct hook_sign sign;
    struct {
        struct str token, sender, base, user;
        struct tl_rate rate;
    } send;
};

/* Reads a request's header; absent where it is not there. */
typedef struct str hook_header_fn(void *ctx, const char *name);

/* One request to a hook. Its views live until it is answered; so does the arena. */
struct hook_call {
    const struct hook_config *config; /* never NULL; empty where a reload took the hook away */
    struct arena *arena;
    struct str method, path, query, url, body; /* url: as called; query: raw */
    const struct pair *pairs;                  /* of the query, decoded */
    size_t pairs_n;
    hook_header_fn *header;
    void *header_ctx;
    int64_t now_ms;
    const struct tl_host *host; /* for LATER: fetch; NULL in tests of judge alone */
    struct tl_channel *channel;
    struct key_cache *keys;              /* of ActivityPub's actors */
    struct subscriptions *subscriptions; /* of WebSub's topics */
};

enum hook_action { HOOK_REFUSE = 1, HOOK_ANSWER = 2, HOOK_KEEP = 3, HOOK_LATER = 4 };

/* What a request is worth, before anything is kept. Made by the functions below. */
struct hook_verdict {
    enum hook_action action;
    int status;             /* of the answer, or of the acknowledgement of what is kept */
    const char *type;       /* Content-Type of body */
    struct str body;        /* in the call's arena, or static */
    const char *code;       /* of a refusal */
    struct str delivery_id; /* the provider's id of this delivery, where it has one */
    json_t *notes;          /* for read: an object, taken; may be NULL */
};

struct hook_verdict hook_refuse(int status, const char *code);
struct hook_verdict hook_answer(int status, const char *type, struct str body);
/* Acknowledged with an empty 200; set status, type, body where the provider wants more. */
struct hook_verdict hook_keep(struct str delivery_id);
/* Ends a LATER, once, on the loop, never from inside judge. Not after stop: what waits lies in the
 * call's arena. */
void hook_judged(struct hook_call *call, const struct hook_verdict *verdict);

struct str hook_header(const struct hook_call *call, const char *name);
/* A parameter of the query; absent where it is not there. */
struct str hook_param(const struct hook_call *call, const char *name);
/* The address as the provider called it: the configured one, or the request's own. */
struct str hook_url(const struct hook_call *call);
/* The secret in use and the one before it, of which either may sign; *n is how many there are. */
struct hook_secrets {
    struct str items[2];
    size_t n;
};
struct hook_secrets hook_secrets(const struct hook_config *c);

/* A request that sends one reply, or fetches something, in the arena. */
enum { HOOK_HEADERS_MAX = 8 };
struct hook_request {
    const char *method; /* NULL: POST */
    struct str url, body;
    struct tl_header headers[HOOK_HEADERS_MAX];
    size_t headers_n;
    bool repeatable; /* the other side folds repetitions: a lost answer may be tried again */
};
void hook_request_header(struct hook_request *r, const char *name, struct str value);
/* A JSON body with its type; takes the object. */
void hook_request_json(struct arena *a, struct hook_request *r, json_t *take_body);
/* An urlencoded body with its type; pairs of an absent value are left out. */
void hook_request_form(struct arena *a, struct hook_request *r, const struct pair *pairs, size_t n);
/* "Authorization: SCHEME TOKEN" */
void hook_request_auth(struct arena *a, struct hook_request *r, const char *scheme,
                       struct str token);

/* A reply on its way out, as its provider sees it. */
struct hook_reply {
    const struct hook_config *config;
    const json_t *touchpoint; /* NULL: it is only asked whether anything could be sent */
    const json_t *answered;   /* what it answers, or NULL */
    struct str id;            /* "p_…" */
    int64_t now_ms;
};

/* Why the text of a reply cannot go: none, longer than max characters, or with files, which this
 * platform is not given. NULL: it can, or nothing is to be judged yet. */
const char *hook_reply_text_fault(struct arena *a, const struct hook_reply *r, size_t max_chars);
/* How long ago the person wrote what is answered; -1: that is not known, or it was not the person.
 */
int64_t hook_reply_age_ms(const struct hook_reply *r);
/* The id in the network of whom the reply is for; absent: none. */
struct str hook_reply_social(const struct hook_reply *r);
/* Where the API is: send.base, else the platform's own. */
struct str hook_reply_base(const struct hook_reply *r, const char *own);
/* Whether a token may go to this address: https on a host that is, or ends with, one of those; or
 * below the operator's own send.base. The list ends with NULL. */
bool hook_url_ours(const struct hook_config *c, struct str url, const char *const *hosts);
/* Ids go into addresses of an API as they are: letters, digits and - _ . : @ only. */
bool hook_path_ok(struct str id);

enum { NEEDS_SECRET = 1, NEEDS_KEY = 2, NEEDS_VERIFY = 4, TAKES_GET = 8 };

struct provider {
    const char *name;
    unsigned flags;
    /* Why a key of the hook cannot be meant; NULL: all can. May be absent. */
    const char *(*fault)(const struct hook_config *c, const char **out_key);
    /* GET comes here only with TAKES_GET. */
    struct hook_verdict (*judge)(struct hook_call *call);
    /* Emits every touchpoint and update of one delivery; false: it is none of this provider's.
     * meta: the notes, with "delivery_id", "type" (Content-Type) and "sender" (send.sender). One of
     * the two: of a JSON body, or of the bytes. */
    bool (*read)(const json_t *root, const struct tl_read *in, const json_t *meta,
                 const struct tl_emit *out);
    bool (*read_bytes)(const struct tl_read *in, const json_t *meta, const struct tl_emit *out);
    /* The reason why this reply cannot be sent now, in the agent's words; NULL: it can. Told before
     * anything is kept, and again before sending. Absent where there is no way out. */
    const char *(*refuses)(struct arena *a, const struct hook_reply *reply);
    /* Builds the request of what `refuses` let through. NULL, or why it cannot be. */
    const char *(*write)(struct arena *a, const struct hook_reply *reply, struct hook_request *out);
    /* Reads the provider's answer: fills id of the message (in the arena), code and diagnostic;
     * state where a 200 means a refusal. */
    void (*answered)(struct arena *a, const json_t *answer, struct tl_sent_result *out);
    /* The next request towards an attachment, whose "fetch" is word: at first answer is NULL, then
     * the JSON of the answer before; *out_last: what this one gives are the bytes. NULL, or why
     * there is no way. Absent: a plain https address in word is fetched as it stands. */
    const char *(*media)(struct arena *a, const struct hook_config *c, struct str word,
                         const json_t *answer, struct hook_request *out, bool *out_last);
};

extern const struct provider provider_whatsapp, provider_telegram, provider_standard,
    provider_messenger, provider_instagram, provider_x, provider_line, provider_slack,
    provider_viber, provider_twilio, provider_mastodon, provider_websub, provider_discord,
    provider_generic;

/* ---- reading ---- */

/* JSON as platforms send it: what the strict reader refuses but can be understood is mended first
 * (mend.c). The caller owns *out. */
bool provider_parse(struct str body, json_t **out, struct fault *f) must_check;
/* Emits a piece that is no touchpoint, with its JSON and the reason. */
void provider_bad(const struct tl_emit *out, const json_t *piece, const char *reason);
/* Emits one touchpoint or update; takes the object. */
void provider_emit(const struct tl_emit *out, json_t *take_object);
/* Emits news of a message that we sent. at, delivery: taken, may be NULL (delivery not). */
void provider_update(const struct tl_emit *out, struct str message_id, json_t *take_at,
                     json_t *take_delivery);
/* "2026-11-23T08:00:00.000Z" of seconds, or milliseconds, that may be a number or digits; NULL
 * where it is neither. */
json_t *provider_time(const json_t *seconds);
json_t *provider_time_ms(const json_t *ms);
/* The same of what a platform calls a time, in whatever form: seconds or milliseconds, RFC 3339
 * (also without zone or with +0000), "Wed Aug 27 13:08:45 +0000 2008". 0: cannot be read. */
int64_t provider_ms(const json_t *when);
json_t *provider_at(int64_t ms); /* NULL for 0 */
/* Member `key` of o as an id: text, or a number as digits. In the arena; absent: none. */
struct str provider_id(struct arena *a, const json_t *o, const char *key);
/* A person of a network, known by the platform's own signature. name, handle may be absent. NULL
 * without an id. */
json_t *provider_person(const char *network, struct str id, struct str name, struct str handle);
/* An account, a page, a channel: whom an event is about that names no person. */
json_t *provider_account(struct arena *a, const char *network, const char *what, struct str id);
/* A touchpoint of channel "social", begun: with its ids, kind and data.provider. */
json_t *provider_touchpoint(const char *provider, struct str id, const char *kind);
/* Whose words: inbound from a person, or outbound to one and perhaps our own reply come back. Takes
 * the person. */
void provider_inbound(json_t *touchpoint, json_t *take_person);
void provider_echo(json_t *touchpoint, json_t *take_person);
/* A later state of the touchpoint of that id: an edit, or with `deleted` its end. */
void provider_revise(json_t *touchpoint, int64_t revision, bool deleted);
void provider_in_reply_to(json_t *touchpoint, struct str message_id);
/* Nobody needs to answer it. */
void provider_notification(json_t *touchpoint);
/* Adds to the touchpoint's data; takes the value. */
void provider_data(json_t *touchpoint, const char *key, json_t *take_value);
/* Adds an attachment that is fetched later; word goes to the row's `media`. */
void provider_attach(json_t *touchpoint, struct str name, struct str type, struct str word);
/* How long a text is as most platforms count: in UTF-16 code units. */
size_t utf16_units(struct str text);
/* Sets a member to a text unless that is absent or empty. */
void provider_set(json_t *o, const char *key, struct str value);
/* Sets a member to a value, taken, unless that is NULL. */
void provider_put(json_t *o, const char *key, json_t *take_value);

#endif
