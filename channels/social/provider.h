/* social/provider.h - what a provider of webhooks is to this channel: a row of functions. A file
 * each; the table stands in hook.c. */
#ifndef SOCIAL_PROVIDER_H
#define SOCIAL_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/plugin.h>

/* One hook of the configuration. */
struct hook_config {
    struct str name;
    int64_t provider; /* index in the table */
    struct str secret, verify;
    struct {
        struct str token, sender, base;
    } send;
};

/* Reads a request's header; absent where it is not there. */
typedef struct str hook_header_fn(void *ctx, const char *name);

/* What a hook's request is worth, before anything is kept. */
struct hook_verdict {
    int status;             /* 200: keep it; else the answer */
    const char *code;       /* of a problem */
    struct str delivery_id; /* the provider's id of this delivery, where it has one */
};

/* A request that sends one reply, in the arena. */
struct hook_request {
    struct str url, body;
    struct tl_header headers[8];
    size_t headers_n;
    bool repeatable; /* the other side folds repetitions: a lost answer may be tried again */
};

struct provider {
    const char *name;
    /* Why a key of the hook cannot be meant; NULL: all can. */
    const char *(*fault)(const struct hook_config *c, const char **out_key);
    /* GET handshake: the challenge to give back, or absent (403). NULL: this provider has none. */
    struct str (*handshake)(const struct hook_config *c, const struct tl_pair *query, size_t n);
    struct hook_verdict (*judge)(const struct hook_config *c, hook_header_fn *header, void *ctx,
                                 struct str body, int64_t now_ms);
    /* Emits every touchpoint and update of one delivery; false: it is none of this provider's. */
    bool (*read)(const json_t *root, const struct tl_read *in, const struct tl_emit *out);
    /* false: cannot be sent; *out_why tells the agent. */
    bool (*write)(struct arena *a, const struct hook_config *c, const json_t *touchpoint,
                  const json_t *reply_to, const struct tl_outbound *what, int64_t now_ms,
                  struct hook_request *out, const char **out_why);
    /* Reads the provider's answer: fills id of the message (in the arena), code and diagnostic. */
    void (*answered)(struct arena *a, const json_t *answer, struct tl_sent_result *out);
};

extern const struct provider provider_whatsapp, provider_telegram, provider_standard;

/* Emits a piece that is no touchpoint, with its JSON and the reason. */
void provider_bad(const struct tl_emit *out, const json_t *piece, const char *reason);
/* Emits one touchpoint or update; takes the object. */
void provider_emit(const struct tl_emit *out, json_t *take_object);
/* "2026-11-23T08:00:00.000Z" of seconds that may be a number or digits; NULL where it is neither.
 */
json_t *provider_time(const json_t *seconds);
/* Member `key` of o as an id: text, or a number as digits. In the arena; absent: none. */
struct str provider_id(struct arena *a, const json_t *o, const char *key);

#endif
