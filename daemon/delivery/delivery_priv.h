/* delivery/delivery_priv.h - a stream of an agent and what it looks at; shared by the files of this
 * room. */
#ifndef DELIVERY_DELIVERY_PRIV_H
#define DELIVERY_DELIVERY_PRIV_H

#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>

#include "delivery/delivery.h"
#include "store/route.h"

enum { EVENT_MAX = 1024 * 1024, LOG_ID_MAX = 44, AGENT_MAX = 200, PENDING_MAX = 1000 };

struct http_stream;
struct loop_timer;

struct delivery {
    struct loop *loop;
    struct store *store;
    struct delivery_hooks hooks;
    struct route_log *log;
    struct link streams; /* struct stream */
    struct link watches; /* struct watch: contacts, each once */
};

/* What a stream is doing. */
enum stream_state {
    STREAM_CATCHING_UP, /* a snapshot or the entries since Last-Event-ID are asked for; new entries
                           wait in pending */
    STREAM_LIVE,        /* entries go out as they come */
};

struct stream {
    struct link link;
    struct delivery *delivery;
    struct http_stream *http; /* NULL once gone: questions under way still hold the stream */
    enum stream_state state;
    unsigned refs; /* the list, and each question under way */
    char agent[AGENT_MAX];
    char last_id[LOG_ID_MAX]; /* of the last entry that went out, or was passed over */
    struct link pending;      /* struct waiting_entry */
    size_t pending_n;
    struct link looks; /* struct look */
    struct loop_timer *retry;
    struct str snapshot_agent; /* while a snapshot is put together; owned */
};

/* A stream looks at a contact: for a task it holds, or since the client named it (task empty). */
struct look {
    struct link link, by_watch;
    struct stream *stream;
    struct watch *watch;
    char task[40];
};

void stream_ref(struct stream *s);
void stream_unref(struct stream *s);
/* false: the stream has ended. id may be absent: the last one stands. */
bool stream_send(struct stream *s, struct str id, const char *event, struct str json);
/* Hands one entry of the log to the agent, where it is his; moves last_id on. */
void stream_entry(struct stream *s, struct str id, const struct route_entry *e);

/* delivery/desk.c: brings a stream up to date, then makes it live. */
void desk_resume(struct stream *s, struct str last_event_id);
void desk_snapshot(struct stream *s);
/* An entry that came while the stream catches up: copied, told when it is live. */
void desk_hold(struct stream *s, struct str id, const struct route_entry *e);
void desk_forget(struct stream *s);

/* delivery/watch.c: contacts' timelines. task_json: the contract's task. */
void watch_task(struct stream *s, struct str task_json);
void watch_drop(struct stream *s, struct str task_id);
void watch_contact(struct stream *s, struct str contact, struct str task_id);
void watch_clear(struct stream *s);

#endif
