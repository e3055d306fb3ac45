/* touchline/plugin.h - the plugin ABI: what a channel gives, what the host gives.
 *
 * A channel NAME is a shared object NAME.so that exports one symbol,
 *
 *     const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = STR("forms"), ... };
 *
 * Both tables begin with ABI version and size. Members are only ever appended; a reader takes what
 * lies beyond the other's size as absent. Majors must match, minors may differ. Enums have fixed
 * values. Strings are borrowed until the called function returns unless said otherwise.
 *
 * All functions run on the daemon's loop thread and must not block, except `read` and `work`, which
 * may run in a worker child (no instance, no host, no configuration there).
 *
 *   start ──► route/listen/tail ──► submit(entry) ──► spool commit ──► done()      the acknowledgement
 *                                                   └─► read() ──► touchpoints ──► timeline
 *   agent's reply ──► outbox ──► send(job) ──► work() in a child, or fetch() ──► sent()
 */
#ifndef TOUCHLINE_PLUGIN_H
#define TOUCHLINE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/str.h>
#include <touchline/version.h>

struct event_base;
struct tl_channel; /* the host's handle for one loaded channel */
struct tl_request; /* one HTTP request under way */
struct tl_job;     /* one reply to be sent */
struct tl_timer;
struct tl_lease;
struct tl_stream;    /* a connection to another server */
struct tl_media;     /* one attachment to be fetched */
struct tl_operation; /* long work that an operator asked for */

/* ---- Configuration ----
 * One table describes a mapping of the file; the reader checks, converts and writes each value into
 * a struct. Faults carry the place. The daemon's own rooms use the same tables. */
enum tl_key_type {
    TL_KEY_STR = 1,      /* struct str */
    TL_KEY_BOOL = 2,     /* bool: yes no true false */
    TL_KEY_INT = 3,      /* int64_t within min..max */
    TL_KEY_SIZE = 4,     /* int64_t bytes: 64KiB 10MiB */
    TL_KEY_DURATION = 5, /* int64_t ms: 500ms 30s 10m 4h 7d */
    TL_KEY_ADDRESS = 6,  /* struct str, HOST:PORT, [V6]:PORT or unix:PATH; paths absolute */
    TL_KEY_PATH = 7,     /* struct str, absolute; `file:` in front is allowed */
    TL_KEY_SECRET = 8,   /* struct str, the secret itself, read from file:PATH or credential:NAME */
    TL_KEY_CHOICE = 9,   /* int64_t, index in `choices` ("a|b|c") */
    TL_KEY_STRS = 10,    /* struct tl_strs; a single value is a list of one */
    TL_KEY_STRMAP = 11,  /* struct tl_pairs: a mapping of names to strings */
    TL_KEY_GROUPS = 12,  /* struct tl_groups: a list of names or lists of names: [a, [b, c]] */
    TL_KEY_RATE = 13,    /* struct tl_rate: 10/1m */
    TL_KEY_MAP = 14,     /* a struct in place, by `sub` */
    TL_KEY_LIST = 15,    /* struct tl_items of structs, each by `sub` (sub_bytes) */
    TL_KEY_REF = 16,     /* struct str: the id or name of an entry of the list in `choices` */
    TL_KEY_NODE = 17,   /* host rooms only: const struct config_node *, for what no table can say */
    TL_KEY_SHARE = 18,  /* int64_t percent: 80% */
    TL_KEY_INTMAP = 19, /* struct tl_ints: a mapping of names to whole numbers within min..max */
};

enum { TL_KEY_REQUIRED = 1, TL_KEY_UNIQUE = 2 /* of a list: the values of this key differ */ };

struct tl_strs {
    const struct str *items;
    size_t n;
};
struct tl_pair {
    struct str name, value;
};
struct tl_pairs {
    const struct tl_pair *items;
    size_t n;
};
struct tl_groups {
    const struct tl_strs *items;
    size_t n;
};
struct tl_named_int {
    struct str name;
    int64_t value;
};
struct tl_ints {
    const struct tl_named_int *items;
    size_t n;
};
struct tl_rate {
    int64_t count, per_ms; /* count 0: no limit */
};
struct tl_items {
    const void *items; /* array of structs of sub_bytes each */
    size_t n;
};

struct tl_key {
    const char *name; /* NULL ends the table */
    enum tl_key_type type;
    uint32_t flags;
    size_t offset;    /* of the value in the struct */
    int64_t min, max; /* of numbers; of strings and lists: length (max 0: 4096 bytes, 1000 items) */
    const char *preset;  /* the value taken when the key is absent, as an operator would write it;
                            NULL: zero */
    const char *choices; /* CHOICE: "a|b"; REF: name of the list, "queues"; INTMAP: list its names
                            must stand in, or NULL */
    const struct tl_key *sub; /* MAP, LIST */
    size_t sub_bytes;         /* MAP, LIST: size of the struct */
    const char *help;         /* one line, for docs and the commented file */
};

/* Tells one fault of the configuration; `path` is like "mailboxes/0/from" below the channel's node.
 */
typedef void tl_report_fn(void *ctx, struct str path, const char *reason);

/* ---- Taking in ---- */
enum tl_status {
    TL_APPLIED = 1,   /* on the timeline (only where await_ms was given) */
    TL_KEPT = 2,      /* on stable storage */
    TL_DUPLICATE = 3, /* known already; nothing new */
    TL_MISMATCH = 4,  /* same id, other content, no higher revision: nothing kept */
    TL_BUSY = 5,      /* nothing kept, try later: 503, 452 4.3.1 */
    TL_FAILED = 6,    /* nothing kept, our disk: 503, 451 4.3.0 */
    TL_REFUSED = 7,   /* nothing kept: the touchpoint itself is wrong; see pointer and reason */
};

enum {
    TL_ENTRY_QUARANTINE = 1, /* keep it in quarantine, with `reason`; no contact comes of it */
};

/* One thing taken in. Either `touchpoint` (judged already: JSON of touchpoint.h) or bytes for
 * `read`. */
struct tl_entry {
    size_t size;
    struct str source; /* "email:support": PLUGIN:INSTANCE; who took it in */
    /* The source's own id, verbatim; the touchpoint's id is derived from both. For a batch: an id
     * of the batch, each touchpoint then names its own. */
    struct str source_id;
    int64_t received_ms;   /* 0: now */
    struct str touchpoint; /* JSON, or absent */
    struct str format;     /* for read(): which reader, plugin's own word */
    struct str meta;       /* for read(): a JSON object, plugin's own (envelope, trunk rules) */
    struct str body; /* the raw bytes as they came, kept as a blob; may be absent with touchpoint */
    struct str cursor; /* name of a cursor of this channel set in the same commit; absent: none */
    struct str cursor_value;
    uint32_t flags;
    struct str reason; /* of quarantine */
    uint32_t await_ms; /* > 0: done() comes when applied, or after so long with TL_KEPT */
    struct str bucket; /* where source_id is absent: what makes two the same within ten minutes */
    /* 1.1 */
    struct str place; /* where in the source it stood ("17/0000004711", UIDVALIDITY/UID): kept in
                         the source's ledger by the same commit, also of what is known already */
};

struct tl_outcome {
    size_t size;
    enum tl_status status;
    struct str id;      /* "p_…"; absent when nothing was kept */
    struct str pointer; /* REFUSED: JSON pointer */
    struct str reason;  /* REFUSED, BUSY, FAILED: in words */
};

/* Once an entry, on the loop, never from inside submit. */
typedef void tl_done_fn(void *arg, const struct tl_outcome *outcome);

/* What read() and work() are given and give back. emit copies. */
struct tl_read {
    size_t size;
    struct str source, source_id, format, meta, body;
    int64_t received_ms;
    struct str region; /* "DE": numbers without a country code */
};
struct tl_emit {
    size_t size;
    void *ctx;
    /* One touchpoint or delivery update, JSON of touchpoint.h. */
    void (*touchpoint)(void *ctx, struct str json);
    /* Bytes that belong to the touchpoint emitted next: an attachment. `name` is its "ref" there.
     */
    void (*blob)(void *ctx, struct str ref, struct str bytes);
    /* One item that cannot be read: goes to quarantine with the reason, its siblings live on. */
    void (*bad)(void *ctx, struct str piece, const char *reason);
    /* The answer of work(), one, JSON of the plugin's own. */
    void (*answer)(void *ctx, struct str json);
};

/* ---- Replies ---- */
enum tl_sent {
    TL_SENT = 1,       /* the other side took it: delivery "sent" */
    TL_SENT_RETRY = 2, /* nobody took it yet: again later, same message id */
    TL_SENT_NEVER = 3, /* refused for good: delivery "failed" */
};

/* An outbound touchpoint to be sent. All views live until sent() is called. */
struct tl_outbound {
    size_t size;
    struct str id;         /* "p_…": the provider's idempotency key where it has one */
    struct str source;     /* of the conversation: "email:support" */
    struct str touchpoint; /* JSON of the outbound touchpoint: to, subject, text, html, message_id,
                            * in_reply_to, references; attachments with "path" of a local file */
    struct str reply_to;   /* JSON of the inbound touchpoint it answers, or absent */
    uint32_t attempt;      /* 1 at first */
};

struct tl_sent_result {
    size_t size;
    enum tl_sent state;
    struct str provider_id; /* what delivery states will name; absent for mail */
    struct str code;        /* "550", "131047" */
    struct str status;      /* "5.1.1" */
    struct str diagnostic;
    int64_t retry_after_ms; /* 0: by our own back-off */
};

/* ---- HTTP ---- */
enum tl_request_part {
    TL_REQ_METHOD = 1,
    TL_REQ_PATH = 2,
    TL_REQ_QUERY = 3, /* raw */
    TL_REQ_BODY = 4,
    TL_REQ_PEER = 5, /* client's address, after trusted proxies */
    TL_REQ_URL = 6,  /* scheme://host/path?query as called */
};

struct tl_header {
    struct str name, value;
};

/* The request is valid until reply() is called; reply may come later (the host copes with a client
 * that has gone). */
typedef void tl_route_fn(void *arg, struct tl_request *req);

struct tl_fetch {
    size_t size;
    struct str method, url;
    const struct tl_header *headers;
    size_t headers_n;
    struct str body;
    uint32_t timeout_ms;  /* 0: 15 s */
    uint32_t max_bytes;   /* of the answer; 0: 1 MiB */
    bool private_allowed; /* the operator wrote this address himself; else private ranges are
                             refused */
};
struct tl_fetched {
    size_t size;
    int status; /* HTTP status; 0: no answer */
    struct str body;
    struct str error; /* when status is 0 */
    bool maybe_sent;  /* no answer, but the request may have arrived */
    int64_t retry_after_ms;
    struct str type;     /* 1.1: Content-Type of the answer */
    struct str location; /* 1.1: absolute, where a redirect leads; nothing is followed */
};
typedef void tl_fetched_fn(void *arg, const struct tl_fetched *answer);
typedef void tl_worked_fn(void *arg, bool ok, struct str answer_or_reason);
typedef void tl_timer_fn(void *arg);

/* ---- Streams (1.1) ----
 * libcurl resolves, connects, verifies TLS and logs in on the egress thread; from UP on the bytes
 * are the plugin's both ways. DOWN or DENIED comes once, then nothing more: the stream is gone. */
enum tl_stream_event {
    TL_STREAM_UP = 1,
    TL_STREAM_DATA = 2,
    TL_STREAM_DOWN = 3,   /* could not connect, or ended: the reason */
    TL_STREAM_DENIED = 4, /* the login was refused: the reason */
};
struct tl_stream_open {
    size_t size;
    struct str url; /* imaps://mail.example.org:993/, imap:// */
    struct str user, password;
    struct str bearer;    /* XOAUTH2 instead of the password */
    struct str ca;        /* file of certificates; absent: the system's */
    uint32_t timeout_ms;  /* until UP; 0: 30 s */
    bool tls_required;    /* of imap://: STARTTLS or nothing */
    bool private_allowed; /* as of tl_fetch */
};
typedef void tl_stream_fn(void *arg, enum tl_stream_event event, struct str bytes_or_reason);

/* ---- Attachments that a touchpoint only names (1.1) ---- */
struct tl_attach {
    size_t size;
    struct str source, touchpoint; /* "p_…" */
    struct str fetch;              /* the plugin's own word, from the attachment's "fetch" */
    uint32_t max_bytes;
    uint32_t attempt; /* 1 at first */
};
struct tl_attached {
    size_t size;
    enum tl_sent state;           /* SENT: here it is; RETRY: later again; NEVER: gone for good */
    struct str bytes, type, name; /* type, name: where the platform tells them */
    const char *reason;
    int64_t retry_after_ms;
};

/* ---- Long work for an operator (1.1): "reconcile", "backfill" ---- */
struct tl_operate {
    size_t size;
    struct str kind, source;
    int64_t since_ms; /* 0: from the beginning */
    struct str mark;  /* where the same work was left when it was interrupted; absent: anew */
};

/* ---- What is known of a source (1.1) ---- */
struct tl_place {
    struct str place, id; /* "p_…" */
};
/* places NULL: could not be asked. Views live until it returns. */
typedef void tl_places_fn(void *arg, const struct tl_place *places, size_t n);
/* known[i] of the i-th id asked for. known NULL: could not be asked. */
typedef void tl_known_fn(void *arg, const bool *known, size_t n);

/* An automatic acknowledgement of what came in (1.1). */
struct tl_acknowledge {
    size_t size;
    struct str text;
    int64_t once_per_ms; /* to one person */
};

/* held: true when the lease was won, false when it was lost. */
typedef void tl_lease_fn(void *arg, bool held);

enum tl_level { TL_ERROR = 1, TL_WARN = 2, TL_INFO = 3, TL_DEBUG = 4 };
enum tl_health { TL_OK = 1, TL_DEGRADED = 2, TL_DOWN = 3 };

/* ---- The host's table ---- */
struct tl_host {
    uint32_t abi_major, abi_minor;
    size_t size;

    struct event_base *(*event_base)(struct tl_channel *ch);
    /* event: "email.lmtp.refused"; text: "key=value …", personal data never. */
    void (*log)(struct tl_channel *ch, enum tl_level level, const char *event, const char *text);
    /* Counts; name like "lmtp_replies", label value from a bounded set or NULL.
     * Shown as touchline_<plugin>_<name>_total. */
    void (*count)(struct tl_channel *ch, const char *name, const char *label, uint64_t n);
    void (*health)(struct tl_channel *ch, struct str part, enum tl_health state,
                   const char *detail);
    int64_t (*now_ms)(void); /* wall clock */
    int64_t (*mono_ms)(void);

    /* Takes one thing in; done is called in any case, later, but not once the channel has stopped.
     */
    void (*submit)(struct tl_channel *ch, const struct tl_entry *entry, tl_done_fn *done,
                   void *arg);
    /* Blocking only at start: the committed value of a cursor, copied into out (at most max).
     * false: none. */
    bool (*cursor)(struct tl_channel *ch, struct str name, char *out, size_t max, size_t *out_n);
    /* Keeps asking for the lease until released; one holder in all daemons. */
    struct tl_lease *(*lease)(struct tl_channel *ch, struct str name, tl_lease_fn *changed,
                              void *arg);
    void (*lease_release)(struct tl_lease *take_lease);

    struct tl_timer *(*timer)(struct tl_channel *ch, uint32_t after_ms, bool again,
                              tl_timer_fn *fire, void *arg);
    void (*timer_free)(struct tl_timer *take_timer);

    /* pattern "/forms/{form}"; method "POST". On the public listener. false: taken already. */
    bool (*route)(struct tl_channel *ch, const char *method, const char *pattern,
                  tl_route_fn *serve, void *arg);
    struct str (*request)(struct tl_request *req, enum tl_request_part part);
    struct str (*request_header)(struct tl_request *req, const char *name); /* absent: p == NULL */
    struct str (*request_param)(struct tl_request *req, const char *name);  /* of the pattern */
    /* Answers and ends the request. content_type NULL with an empty body. */
    void (*reply)(struct tl_request *take_req, int status, const char *content_type,
                  struct str body, const struct tl_header *headers, size_t headers_n);
    /* RFC 9457 answer; pointer may be NULL. */
    void (*problem)(struct tl_request *take_req, int status, const char *code, const char *pointer,
                    const char *detail);

    /* Out through the egress thread. */
    void (*fetch)(struct tl_channel *ch, const struct tl_fetch *what, tl_fetched_fn *done,
                  void *arg);
    /* Runs the plugin's work() in a child. deadline_ms: then it is killed and done gets false. */
    void (*work)(struct tl_channel *ch, struct str kind, struct str payload, uint32_t deadline_ms,
                 tl_worked_fn *done, void *arg);
    /* Ends one job of send(). */
    void (*sent)(struct tl_job *take_job, const struct tl_sent_result *result);

    /* ---- 1.1 ---- */
    /* NULL: too many. event is never called from inside, nor after stream_close. */
    struct tl_stream *(*stream)(struct tl_channel *ch, const struct tl_stream_open *what,
                                tl_stream_fn *event, void *arg);
    void (*stream_write)(struct tl_stream *stream, struct str bytes); /* copies */
    void (*stream_hold)(struct tl_stream *stream, bool held);         /* held: no DATA comes */
    void (*stream_close)(struct tl_stream *take_stream);
    /* Ends one attach(). */
    void (*attached)(struct tl_media *take_media, const struct tl_attached *result);
    /* Of an operation: false once the operator has gone; end it then. done of total (0: unknown);
     * mark (may be absent): where to go on after an interruption, kept. */
    bool (*operation_progress)(struct tl_operation *op, uint64_t done, uint64_t total,
                               struct str mark);
    /* One line of the result: a JSON object ({"place", "id", "reason"}). */
    void (*operation_item)(struct tl_operation *op, struct str json);
    /* Ends it. summary: a JSON object of figures ({"server": n, "kept": n, "missing": n}); ok
     * false: it could not be done, reason. */
    void (*operation_end)(struct tl_operation *take_op, bool ok, struct str summary_or_reason);
    /* At most 1,000 entries of the ledger of "email:support" with a place above `after`, ascending
     * by bytes. */
    void (*ledger)(struct tl_channel *ch, struct str source, struct str after, tl_places_fn *done,
                   void *arg);
    /* Whether touchpoints of these source_ids were taken in (here or by another daemon); at most
     * 1,000. */
    void (*known)(struct tl_channel *ch, struct str source, const struct str *source_ids, size_t n,
                  tl_known_fn *done, void *arg);
};

/* ---- The plugin's table ---- */
enum {
    TL_PLUGIN_READ_IN_CHILD = 1, /* read() takes on input that can hang or crash a parser */
    TL_PLUGIN_CONFIG_LIST = 2,   /* the channel's node is a list of `keys`, else one mapping */
};

struct tl_plugin {
    uint32_t abi_major, abi_minor;
    size_t size;
    size_t key_bytes; /* sizeof(struct tl_key) as the plugin knows it */

    struct str name;    /* its key under `channels:` and the name of its file */
    struct str summary; /* one line */
    uint32_t flags;
    const struct tl_key *keys;
    size_t config_bytes; /* of the struct that `keys` fill: the mapping, or one item of the list */

    /* config: the filled struct; with CONFIG_LIST a struct tl_items. It lives until the next reload
     * has returned. May be absent: nothing to check beyond the table. */
    bool (*check)(const void *config, tl_report_fn *report, void *ctx);
    /* NULL: could not start; the plugin has logged why. */
    void *(*start)(const struct tl_host *host, struct tl_channel *ch, const void *config);
    /* A new configuration is in force. Keeps open connections. false: the old one stays in force.
     */
    bool (*reload)(void *instance, const void *config);
    /* Takes nothing new; what is under way ends. */
    void (*drain)(void *instance);
    void (*stop)(void *take_instance);

    /* Pure. false: cannot be read at all (the entry goes to quarantine). */
    bool (*read)(const struct tl_read *in, const struct tl_emit *out);
    /* Blocking work in a child. false: emit->bad told why. */
    bool (*work)(struct str kind, struct str payload, const struct tl_emit *out);
    /* Sends one reply; ends it by host->sent, always. Absent: this channel has no way out. */
    void (*send)(void *instance, struct tl_job *job, const struct tl_outbound *what);
    /* Who writes when this source answers: fills name, address ("support@example.org") and domain
     * for Message-IDs; false: this source cannot answer. */
    bool (*sender)(void *instance, struct str source, struct str *out_name,
                   struct str *out_address);

    /* ---- 1.1, each may be absent ---- */
    /* Why this reply cannot be sent now, told to the agent before anything is kept: "the customer
     * last wrote more than 24 hours ago". true: it cannot; out_why of max bytes with its NUL. At
     * once, no I/O. what->touchpoint may be absent: whether anything at all could be sent. */
    bool (*refuses)(void *instance, const struct tl_outbound *what, char *out_why, size_t max);
    /* Fetches one attachment; ends it by host->attached, always. */
    void (*attach)(void *instance, struct tl_media *media, const struct tl_attach *what);
    /* Long work for an operator; ends it by host->operation_end, always. false: this channel does
     * not know that kind, or the source. */
    bool (*operate)(void *instance, struct tl_operation *op, const struct tl_operate *what);
    /* Whether a message of a person by this source is acknowledged automatically, and with which
     * words. Whether it may be (RFC 3834) the host has judged. */
    bool (*acknowledge)(void *instance, struct str source, struct tl_acknowledge *out);
};

#define TL_PLUGIN_HEAD                                                                             \
    .abi_major = TL_ABI_MAJOR, .abi_minor = TL_ABI_MINOR, .size = sizeof(struct tl_plugin),        \
    .key_bytes = sizeof(struct tl_key)
#define TL_PLUGIN_SYMBOL "touchline_plugin"

#endif
