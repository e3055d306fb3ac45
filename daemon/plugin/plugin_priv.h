/* plugin/plugin_priv.h - what the files of this room share.
 *
 *   load.c      finds NAME.so, judges its table
 *   host.c      the channels' life: start, reload, drain, stop; the host's table
 *   service.c   log, counters, health, clocks, timers, cursors
 *   lease.c     leases, asked for again and again
 *   request.c   routes and HTTP requests
 *   entry.c     submit
 *   job.c       fetch, work, and sending of replies
 *   stream.c    connections to other servers
 *   media.c     attachments fetched by their channel
 *   reader.c    kept bytes to touchpoints
 *   source.c    which sources there are, what is known of one
 *   operation.c reconcile, backfill: begun, told about, gone on with
 *   reconcile.c the same by the ledger's figures alone
 */
#ifndef PLUGIN_PLUGIN_PRIV_H
#define PLUGIN_PLUGIN_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/kit/list.h>
#include <touchline/plugin.h>

#include "plugin/host.h"
#include "plugin/operation.h"

struct loop_timer;

enum { PLUGIN_NAME_MAX = 32, PARTS_MAX = 64, PART_NAME_MAX = 64, PART_DETAIL_MAX = 200 };

/* One thing under way for a channel: a commit, an answer, a child. It stands in its channel's list,
 * or in the host's list of what is told in the next turn. When the channel stops it is `dead` (the
 * channel is not called any more, nor looked at), or `orphaned` decides. Freed by whoever answers.
 */
struct pending {
    struct link link;
    struct plugin_host *host;
    struct tl_channel *ch; /* may be NULL; not looked at when dead */
    bool dead;
    void (*tell)(struct pending *take_p); /* of the host's list */
    void (*orphaned)(struct pending *p);  /* NULL: dead */
};
/* bytes: of the struct that begins with a pending. ch may be NULL. */
void *pending_new(struct plugin_host *h, struct tl_channel *ch, size_t bytes);
void pending_free(struct pending *p);
/* tell(p) in the next turn, never from inside. */
void pending_soon(struct pending *p, void (*tell)(struct pending *take_p));

struct part { /* of a channel's health */
    char name[PART_NAME_MAX + 1];
    enum tl_health state;
    char detail[PART_DETAIL_MAX + 1];
};

/* One loaded channel. Lives as long as the host; `instance` while it is started. */
struct tl_channel {
    struct link link;
    struct plugin_host *host;
    struct tl_plugin plugin; /* a copy; members that its ABI does not have are zero */
    char name[PLUGIN_NAME_MAX + 1];
    void *instance;
    const void *config;
    struct link pendings, timers, leases, routes, streams;
    struct part parts[PARTS_MAX];
    size_t parts_n;
};

struct plugin_host {
    struct plugin_parts parts;
    struct link channels;
    struct link idle;              /* pendings of no channel */
    struct link soon;              /* pendings to be told */
    struct loop_timer *soon_timer; /* NULL before the start */
    char holder[33];               /* this process, for leases */
    int64_t leases_held;
    struct link operations; /* oldest first */
    size_t operations_n;
    char *folders[2]; /* beside the daemon, where they were installed */
    struct str folder_strs[2];
};

extern const struct tl_host plugin_host_table;
/* Its neighbours, once; from here on what is pending is told. */
void host_join(struct plugin_host *h, const struct plugin_parts *parts);

/* load.c */
struct tl_channel *channel_load(struct plugin_host *h, struct str name,
                                const struct tl_strs *folders, struct fault *f);
struct tl_channel *channel_find(struct plugin_host *h, struct str name);
/* "email" of "email:support"; NULL: no such channel. */
struct tl_channel *channel_of_source(struct plugin_host *h, struct str source);
void channel_free(struct tl_channel *ch);

/* service.c */
void host_log(struct tl_channel *ch, enum tl_level level, const char *event, const char *text);
void host_count(struct tl_channel *ch, const char *name, const char *label, uint64_t n);
void host_health(struct tl_channel *ch, struct str part, enum tl_health state, const char *detail);
bool host_cursor(struct tl_channel *ch, struct str name, char *out, size_t max, size_t *out_n);
struct tl_timer *host_timer(struct tl_channel *ch, uint32_t after_ms, bool again, tl_timer_fn *fire,
                            void *arg);
void host_timer_free(struct tl_timer *take_timer);
void timers_clear(struct tl_channel *ch);
/* By its worst part; a channel that is not started is down. */
enum tl_health channel_health(const struct tl_channel *ch);
struct event_base *host_event_base(struct tl_channel *ch);
/* The spool's name of a channel's cursor: "sip/switch". false: too long. */
enum { CURSOR_NAME_MAX = 256 };
bool cursor_name(struct tl_channel *ch, struct str name, char out[CURSOR_NAME_MAX]) must_check;

/* lease.c */
struct tl_lease *host_lease(struct tl_channel *ch, struct str name, tl_lease_fn *changed,
                            void *arg);
void host_lease_release(struct tl_lease *take_lease);
void leases_clear(struct tl_channel *ch);

/* request.c */
bool host_route(struct tl_channel *ch, const char *method, const char *pattern, tl_route_fn *serve,
                void *arg);
struct str host_request(struct tl_request *req, enum tl_request_part part);
struct str host_request_header(struct tl_request *req, const char *name);
struct str host_request_param(struct tl_request *req, const char *name);
void host_reply(struct tl_request *take_req, int status, const char *type, struct str body,
                const struct tl_header *headers, size_t headers_n);
void host_problem(struct tl_request *take_req, int status, const char *code, const char *pointer,
                  const char *detail);
/* The routes of a stopped channel answer 404 until it starts again. */
void routes_retire(struct tl_channel *ch);
void routes_clear(struct tl_channel *ch);

/* entry.c */
void host_submit(struct tl_channel *ch, const struct tl_entry *entry, tl_done_fn *done, void *arg);

/* job.c */
void host_fetch(struct tl_channel *ch, const struct tl_fetch *what, tl_fetched_fn *done, void *arg);
void host_work(struct tl_channel *ch, struct str kind, struct str payload, uint32_t deadline_ms,
               tl_worked_fn *done, void *arg);
void host_sent(struct tl_job *take_job, const struct tl_sent_result *result);

/* source.c */
bool source_configured(struct plugin_host *h, struct str source);
/* PLUGIN:INSTANCE of what an operator wrote. */
enum operation_begun source_resolve(struct plugin_host *h, struct str given,
                                    char out[SOURCE_NAME_MAX]);
void host_ledger(struct tl_channel *ch, struct str source, struct str after, tl_places_fn *done,
                 void *arg);
void host_known(struct tl_channel *ch, struct str source, const struct str *source_ids, size_t n,
                tl_known_fn *done, void *arg);

/* operation.c: the channel has stopped, what it worked on is left as it stands. */
void operations_interrupt(struct plugin_host *h, const struct tl_channel *ch);
void operations_clear(struct plugin_host *h);

/* reconcile.c */
void reconcile_by_ledger(struct plugin_host *h, struct tl_operation *op);
/* media.c */
void host_attached(struct tl_media *take_media, const struct tl_attached *result);

/* stream.c */
struct tl_stream *host_stream(struct tl_channel *ch, const struct tl_stream_open *what,
                              tl_stream_fn *event, void *arg);
void host_stream_write(struct tl_stream *s, struct str bytes);
void host_stream_hold(struct tl_stream *s, bool held);
void host_stream_close(struct tl_stream *take_s);
void streams_clear(struct tl_channel *ch);

/* Copies what both sides know of a struct that carries its size; the rest stays zero. */
void sized_copy(void *to, size_t to_bytes, const void *from, size_t from_bytes);

#endif
