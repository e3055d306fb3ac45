/* sip/source.c - a source and its inputs: lines become calls, calls become entries of the spool.
 *
 * The place that is kept as read rides in the same commit as the calls before it; of several files
 * each in turn. What cannot be read goes to quarantine whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>

#include "listen.h"
#include "sip.h"
#include "tell.h"

enum { TOUCHPOINT_MAX = 64 * 1024 };

/* One entry on its way into the spool: a call, or a piece for quarantine. */
struct telling {
    struct link link;
    struct source *source;
    struct str id; /* of a call; absent: a piece */
    size_t lines;
    struct post *post; /* of a piece: who waits for it, or NULL */
};

/* ---- life ---- */

static struct str own(struct str s) {
    return str_make(mem_dup(s.p, s.n), s.n);
}

struct source *source_new(struct sip *s, struct str name) {
    struct source *source = NEW(struct source);
    source->sip = s;
    source->name = own(name);
    source->calls = calls_new();
    link_init(&source->inputs);
    link_init(&source->tellings);
    link_init(&source->waits);
    list_push(&s->sources, &source->link);
    return source;
}

static void telling_free(struct telling *t) {
    link_remove(&t->link);
    free((char *)t->id.p);
    free(t);
}

void source_free(struct source *source) {
    link_remove(&source->link);
    list_each (it, &source->inputs)
        input_free(container_of(it, struct input, link));
    list_each (it, &source->tellings)
        telling_free(container_of(it, struct telling, link));
    calls_free(source->calls);
    free((char *)source->name.p);
    free(source);
}

static void free_if_done(struct source *source) {
    if (source->closing && link_alone(&source->tellings))
        source_free(source);
}

void source_close(struct source *source) {
    post_sweep(source, true);
    list_push(&source->sip->closing, &source->link);
    list_each (it, &source->inputs)
        input_free(container_of(it, struct input, link));
    source->closing = true;
    free_if_done(source);
}

bool input_is(const struct input *input, const struct log_config *c) {
    const struct log_config *mine = input->config;
    return str_eq(input->name, c->name) && input->format == format_at(c->format) &&
           str_eq(mine->file, c->file) && str_eq(mine->directory, c->directory) &&
           str_eq(mine->listen, c->listen);
}

void input_configure(struct input *input, const struct log_config *c) {
    struct zone *z = zone_open(c->zone);
    input->config = c;
    if (!z && !input->zone)
        z = zone_open(STR_NONE); /* checked before: gone since */
    if (!z)
        return;
    zone_free(input->zone);
    input->zone = z;
}

static void follow_files(struct input *input) {
    cleanup(arena_clear) struct arena a;
    const struct log_config *c = input->config;
    arena_init(&a);
    for (size_t i = 0; input->format->files[i]; i++)
        follow_new(input, arena_strf(&a, "%.*s/%s", STR_ARG(c->directory), input->format->files[i]),
                   arena_strf(&a, "%.*s/%s", STR_ARG(c->name), input->format->files[i]));
}

struct input *input_new(struct source *source, const struct log_config *c) {
    struct input *input = NEW(struct input);
    input->source = source;
    input->name = own(c->name);
    input->format = format_at(c->format);
    link_init(&input->follows);
    list_push(&source->inputs, &input->link);
    input_configure(input, c);
    if (input->format->state_new)
        input->state = input->format->state_new();
    if (c->file.n)
        follow_new(input, c->file, c->name);
    if (c->directory.n && input->format->files)
        follow_files(input);
    else if (c->directory.n)
        input->folder = folder_new(input);
    if (c->listen.n)
        input->listen = listen_new(input);
    return input;
}

void input_free(struct input *input) {
    link_remove(&input->link);
    list_each (it, &input->follows)
        follow_free((struct follow *)(void *)it);
    folder_free(input->folder);
    listen_free(input->listen);
    if (input->state)
        input->format->state_free(input->state);
    zone_free(input->zone);
    free((char *)input->name.p);
    free(input);
}

struct format_in input_in(const struct input *input, struct arena *a) {
    return (struct format_in){.arena = a,
                              .zone = input->zone,
                              .zone_given = input->config->zone.n > 0,
                              .columns = &input->config->columns,
                              .secret = input->config->secret,
                              .now_ms = input->source->sip->host->now_ms(),
                              .mono_ms = input->source->sip->host->mono_ms(),
                              .trust_asserted = input->config->trust_asserted,
                              .state = input->state};
}

/* ---- telling ---- */

static struct telling *telling_new(struct source *source, struct str id) {
    struct telling *t = NEW(struct telling);
    t->source = source;
    if (id.p)
        t->id = own(id);
    list_push(&source->tellings, &t->link);
    return t;
}

static void told(void *arg, const struct tl_outcome *o) {
    struct telling *t = arg;
    struct source *source = t->source;
    const struct tl_host *h = source->sip->host;
    bool unkept = o->status == TL_BUSY || o->status == TL_FAILED;
    if (o->status == TL_REFUSED)
        h->log(source->sip->channel, TL_WARN, "sip.call.refused", "kept=no");
    if (t->id.p) {
        calls_told(source->calls, t->id, unkept);
        post_call_done(source, t->id, t->lines, o);
    } else if (t->post) {
        post_piece_done(t->post, o);
    } else if (unkept) {
        h->log(source->sip->channel, TL_WARN, "sip.line.lost", "kept=no reason=busy");
    }
    telling_free(t);
    free_if_done(source);
}

/* The entry that says how numbers are dialled here speaks for its group. */
static const struct input *rules_of(const struct source *source) {
    const struct input *first = NULL;
    list_each (it, &source->inputs) {
        const struct input *input = container_of(it, struct input, link);
        const struct trunk_config *t = &input->config->trunk;
        if (t->inbound.n || t->country)
            return input;
        first = first ? first : input;
    }
    return first;
}

const struct log_config *source_rules(const struct source *source) {
    const struct input *input = rules_of(source);
    return input ? input->config : NULL;
}

static void submit_call(struct source *source, struct call *c, const struct input *rules) {
    const struct tl_host *h = source->sip->host;
    cleanup(arena_clear) struct arena a;
    cleanup(buf_clear) struct buf json;
    struct tell how;
    char place[TAIL_PLACE_MAX];
    arena_init(&a);
    buf_init(&json, TOUCHPOINT_MAX);
    tell_judge(&a, c, rules->config, &how);
    if (!tell_write(&json, c, rules->config, &how)) {
        how.nobody = "the call's record is too large";
        how.label = "too_large";
    }
    struct telling *t = telling_new(source, c->id);
    t->lines = c->lines;
    struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&a, "sip:%.*s", STR_ARG(source->name)),
        .source_id = how.nobody ? arena_strf(&a, "%.*s#%zu", STR_ARG(c->id), c->lines) : c->id,
        .touchpoint = how.nobody ? STR_NONE : buf_str(&json),
        .format = str_c(rules->format->name),
        .meta = str_c("{}"),
        .body = buf_str(&c->raw),
        .flags = how.nobody ? TL_ENTRY_QUARANTINE : 0,
        .reason = str_c(how.nobody),
    };
    (void)follow_cursor(source, &entry.cursor, place, &entry.cursor_value);
    h->count(source->sip->channel, how.nobody ? "calls_of_nobody" : "calls",
             how.nobody ? how.label : call_outcome_name(call_outcome(c)), 1);
    h->submit(source->sip->channel, &entry, told, t);
}

static void tell(void *arg, struct call *c) {
    struct source *source = arg;
    const struct input *rules = rules_of(source);
    if (rules)
        submit_call(source, c, rules);
}

void source_tick(struct source *source) {
    list_each (it, &source->inputs) {
        struct input *input = container_of(it, struct input, link);
        cleanup(arena_clear) struct arena a;
        struct taken t = {.input = input};
        arena_init(&a);
        if (!input->format->tick)
            continue;
        const struct format_in in = input_in(input, &a);
        const struct format_sink sink = source_sink(&t);
        input->format->tick(&in, &sink);
    }
    calls_tick(source->calls, source->sip->host->mono_ms(), tell, source);
    post_sweep(source, false);
}

/* ---- taking ---- */

struct call *source_add(struct source *source, const struct call_line *line, struct str raw,
                        struct call_origin from) {
    return calls_add(source->calls, line, raw, from, source->sip->host->mono_ms());
}

void source_keep_piece(struct input *input, struct str piece, struct str id, const char *why,
                       struct post *post) {
    struct source *source = input->source;
    const struct tl_host *h = source->sip->host;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct telling *t = telling_new(source, STR_NONE);
    t->post = post;
    if (post)
        post_expect_piece(post);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&a, "sip:%.*s", STR_ARG(source->name)),
        .source_id = arena_str(&a, id),
        .format = str_c(input->format->name),
        .meta = str_c("{}"),
        .body = piece,
        .flags = TL_ENTRY_QUARANTINE,
        .reason = str_c(why),
    };
    h->count(source->sip->channel, "bad_lines", NULL, 1);
    h->submit(source->sip->channel, &entry, told, t);
}

static void take_line(void *ctx, const struct call_line *said, struct str raw) {
    struct taken *t = ctx;
    struct call *call =
        source_add(t->input->source, said, raw, (struct call_origin){.place = NULL});
    if (t->post)
        post_wait(t->post, t->input->source, call);
}

/* Without a place the bytes themselves name a piece: the same again is the same. */
static void take_bad(void *ctx, struct str piece, const char *why) {
    struct taken *t = ctx;
    uint8_t digest[SHA256_BYTES];
    char id[SHA256_HEX + 1];
    sha256(piece, digest);
    hex_encode(digest, sizeof digest, id);
    source_keep_piece(t->input, piece, str_c(id), why, t->post);
}

struct format_sink source_sink(struct taken *t) {
    return (struct format_sink){.ctx = t, .line = take_line, .bad = take_bad};
}

void source_take_all(struct taken *t, format_all_fn *read, const struct format_in *in,
                     struct str bytes) {
    const struct format_sink sink = source_sink(t);
    const char *why = "no call record";
    enum format_verdict v = read(in, bytes, &sink, &why);
    const struct sip *s = t->input->source->sip;
    static const char *const refused[] = {
        [FORMAT_OLD] = "version", [FORMAT_STRANGER] = "key", [FORMAT_FLOOD] = "flood"};
    if (v < COUNT(refused) && refused[v])
        s->host->count(s->channel, "packets_refused", refused[v], 1);
    if (v == FORMAT_BAD || (v == FORMAT_NOTHING && read == t->input->format->document))
        take_bad(t, bytes, why);
}
