/* A fifth channel, out of tree: letters dropped as text files' contents by HTTP. Built against the
 * installed headers only. */
#include <stdlib.h>

#include <touchline/kit/own.h>
#include <touchline/plugin.h>
#include <touchline/touchpoint.h>

struct letters_config {
    struct str clerk;
};

struct letters {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct letters_config *config;
};

static const struct tl_key keys[] = {
    {.name = "clerk",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct letters_config, clerk),
     .help = "who types"},
    {0},
};

struct asked {
    struct letters *letters;
    struct tl_request *req;
};

static void kept(void *arg, const struct tl_outcome *o) {
    struct asked *a = arg;
    int status = o->status == TL_APPLIED     ? 201
                 : o->status == TL_DUPLICATE ? 200
                 : o->status == TL_KEPT      ? 202
                                             : 503;
    a->letters->host->reply(a->req, status, "text/plain", o->id, NULL, 0);
    free(a);
}

static void serve(void *arg, struct tl_request *req) {
    struct letters *l = arg;
    struct asked *a = NEW(struct asked);
    *a = (struct asked){l, req};
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = STR("letters:desk"),
        .source_id = l->host->request_param(req, "number"),
        .format = STR("text"),
        .meta = STR("{}"),
        .body = l->host->request(req, TL_REQ_BODY),
        .await_ms = 1000,
    };
    l->host->submit(l->channel, &entry, kept, a);
}

static void *start(const struct tl_host *host, struct tl_channel *channel, const void *config) {
    struct letters *l = NEW(struct letters);
    *l = (struct letters){host, channel, config};
    return host->route(channel, "POST", "/letters/{number}", serve, l) ? l : NULL;
}

static void stop(void *take_instance) {
    free(take_instance);
}

static bool read_letter(const struct tl_read *in, const struct tl_emit *out) {
    struct buf b;
    struct jwrite w;
    buf_init(&b, 65536);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "source_id", in->source_id);
    jwrite_c(&w, "channel", "letter");
    jwrite_c(&w, "kind", "message");
    jwrite_open(&w, "from", '{');
    jwrite_c(&w, "phone", "+4930999888");
    jwrite_close(&w, '}');
    jwrite_str(&w, "text", in->body);
    jwrite_close(&w, '}');
    if (w.ok)
        out->touchpoint(out->ctx, buf_str(&b));
    buf_clear(&b);
    return w.ok;
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
#ifdef WRONG_MAJOR
    .abi_major = TL_ABI_MAJOR + 1,
    .abi_minor = 0,
    .size = sizeof(struct tl_plugin),
    .key_bytes = sizeof(struct tl_key),
#else
    TL_PLUGIN_HEAD,
#endif
    .name = STR("letters"),
    .summary = STR("letters, typed by a clerk"),
    .keys = keys,
    .config_bytes = sizeof(struct letters_config),
    .start = start,
    .stop = stop,
    .read = read_letter,
};
