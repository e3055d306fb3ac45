/* sip/sip.h - how the channel is built: sources, their inputs, the files they follow. Shared by the
 * files that do I/O; the pure ones (calls, formats, tell) know nothing of it.
 *
 *   struct sip ── struct source "sip:pbx" ── its calls
 *                      ├─ struct input (an entry of the configuration: a format, a zone)
 *                      │     └─ struct follow (a file) | folder | listen | posted to /cdr/NAME
 *                      └─ struct input …           entries of one group share a source
 */
#ifndef SIP_SIP_H
#define SIP_SIP_H

#include <touchline/plugin.h>

#include "format.h"
#include "settings.h"
#include "tail.h"

enum { TICK_MS = 250, CURSOR_MAX = 256 };

struct notice;
struct listen;

struct sip {
    const struct tl_host *host;
    struct tl_channel *channel;
    struct link sources, closing; /* closing: no input any more, but calls of it are being kept */
    struct link operations;       /* of an operator, under way */
    struct tl_timer *timer;
    struct notice *notice;
    struct link posts; /* requests that wait for their commit */
    size_t posts_n;
    bool drained;
};

struct source {
    struct link link;
    struct sip *sip;
    struct str name; /* "pbx" of sip:pbx; own copy */
    struct calls *calls;
    struct link inputs;
    struct link tellings; /* under way; no answer comes after stop */
    struct link waits;    /* requests that wait for a call to be kept */
    size_t turn;          /* whose cursor rides with the next call */
    bool closing;
};

struct input {
    struct link link;
    struct source *source;
    const struct log_config *config;
    struct str name; /* own copy: the configuration may go */
    const struct format *format;
    struct zone *zone;
    void *state; /* the format's */
    struct link follows;
    struct folder *folder; /* NULL: none */
    struct listen *listen; /* NULL: none */
};

/* ---- source.c ---- */
struct source *source_new(struct sip *s, struct str name);
/* What is under way ends first: its callbacks hold the source. */
void source_close(struct source *source);
void source_free(struct source *source);
struct input *input_new(struct source *source, const struct log_config *c);
void input_free(struct input *input);
/* Whether the entry names what this input reads already. */
bool input_is(const struct input *input, const struct log_config *c);
void input_configure(struct input *input, const struct log_config *c);
/* What a format is told beside the bytes. */
struct format_in input_in(const struct input *input, struct arena *a);

/* One line that was read; from.place NULL where it cannot be read again. */
struct call *source_add(struct source *source, const struct call_line *line, struct str raw,
                        struct call_origin from);
/* A piece that cannot be read: kept whole for an operator. id: its own, the same each time. post:
 * who waits for it, or NULL. */
struct post;
void source_keep_piece(struct input *input, struct str piece, struct str id, const char *why,
                       struct post *post);
/* The entry whose trunk says how numbers are dialled: it speaks for its group. */
const struct log_config *source_rules(const struct source *source);
/* Tells what has settled. */
void source_tick(struct source *source);

/* ---- follow.c: a file that grows, or is written anew ---- */
struct follow;
struct follow *follow_new(struct input *input, struct str path, struct str cursor);
void follow_free(struct follow *f);
/* Reads a bounded share of what is new. */
void follow_look(struct follow *f);
/* Of the next of the source's files: the cursor that may be kept with a call. false: none. */
bool follow_cursor(struct source *source, struct str *out_name, char out_place[TAIL_PLACE_MAX],
                   struct str *out_value);
struct str follow_path(const struct follow *f);

/* ---- folder.c: a record a file ---- */
struct folder *folder_new(struct input *input);
void folder_free(struct folder *f);
void folder_look(struct folder *f);

/* ---- post.c: records posted to /cdr/NAME ---- */
bool post_route(struct sip *s);
/* A call, or a piece of that request, was kept or not. */
void post_piece_done(struct post *p, const struct tl_outcome *o);
void post_call_done(struct source *source, struct str id, size_t lines, const struct tl_outcome *o);
/* Answers all that still wait; after the sources have closed. */
void post_stop(struct sip *s);
/* Ends what waits too long, or for a source that goes. */
void post_sweep(struct source *source, bool all);

/* ---- documents and packets, whatever way they came ---- */
struct taken {
    struct input *input;
    struct post *post; /* who waits, or NULL */
};
void source_take_all(struct taken *t, format_all_fn *read, const struct format_in *in,
                     struct str bytes);
struct format_sink source_sink(struct taken *t);
/* The call will be told at once, and p hears of it. */
void post_wait(struct post *p, struct source *source, struct call *call);
void post_expect_piece(struct post *p);

#endif
