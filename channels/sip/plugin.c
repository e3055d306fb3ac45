/* sip/plugin.c - call logs followed on disk: each call once on the timeline, revised by later
 * lines.
 *
 * A call is one touchpoint with the call's id as its own id. Its person is the caller of an inbound
 * call, who was called of an outbound one. The place that is kept as read rides in the same commit
 * as the calls before it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/plugin.h>
#include <touchline/touchpoint.h>

#include "format.h"
#include "notice.h"
#include "number.h"
#include "settings.h"
#include "tail.h"

enum {
    TICK_MS = 250,
    STEP_BYTES = 512 * 1024,
    STEPS_MAX = 8,
    TOUCHPOINT_MAX = 64 * 1024,
    CURSOR_MAX = 256
};

struct sip {
    const struct tl_host *host;
    struct tl_channel *channel;
    struct link logs, closing; /* closing: no longer followed, but calls of it are being kept */
    struct tl_timer *timer;
    struct notice *notice;
    bool drained;
};

/* One followed log. */
struct log {
    struct link link;
    struct sip *sip;
    const struct log_config *config;
    struct str name, file; /* own copies: the configuration may go */
    const struct format *format;
    struct zone *zone;
    struct tail tail;
    struct calls *calls;
    struct link tellings; /* under way; no answer comes after stop */
    bool closing;
};

/* ---- telling a call ---- */

static const char *kind_of(bool inbound, enum call_outcome o) {
    if (!inbound || o == CALL_ANSWERED)
        return "call";
    return o == CALL_VOICEMAIL ? "voicemail" : "missed_call";
}

static double span_s(int64_t from_ms, int64_t to_ms) {
    return from_ms >= 0 && to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0;
}

static void write_seconds(struct jwrite *w, const char *key, double s) {
    char text[32];
    snprintf(text, sizeof text, "%.3f", s);
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    jwrite_raw(w, key, str_make(text, n));
}

static void write_call(struct jwrite *w, const struct call *c, const struct number *caller,
                       const struct number *callee) {
    enum call_outcome o = call_outcome(c);
    bool talked = o == CALL_ANSWERED || o == CALL_VOICEMAIL;
    int64_t answer = call_answer_ms(c);
    jwrite_open(w, "call", '{');
    jwrite_str(w, "call_id", c->id);
    jwrite_str(w, "caller", caller->kind == NUMBER_WITHHELD ? STR_NONE : caller->text);
    jwrite_str(w, "callee", callee->text);
    jwrite_c(w, "disposition", call_outcome_name(o));
    jwrite_time(w, "start", c->start_ms);
    jwrite_time(w, "answer", answer);
    jwrite_time(w, "end", c->end_ms);
    write_seconds(w, "ring_s",
                  talked ? span_s(c->start_ms, answer) : span_s(c->start_ms, c->end_ms));
    write_seconds(w, "talk_s", talked ? span_s(answer, c->end_ms) : 0);
    if (call_code(c))
        jwrite_int(w, "sip_code", call_code(c));
    else
        jwrite_null(w, "sip_code");
    jwrite_str(w, "agent", o == CALL_ANSWERED && c->target.n ? c->target : STR_NONE);
    jwrite_int(w, "legs", (int64_t)c->legs_n);
    jwrite_close(w, '}');
}

static void write_person(struct jwrite *w, const char *key, const struct number *n, bool list) {
    if (list)
        jwrite_open(w, key, '[');
    jwrite_open(w, list ? NULL : key, '{');
    if (n->kind == NUMBER_E164)
        jwrite_str(w, "phone", n->text);
    else
        jwrite_str(w, "name", n->text.n ? n->text : str_c("withheld"));
    jwrite_close(w, '}');
    if (list)
        jwrite_close(w, ']');
}

static bool write_touchpoint(struct buf *out, const struct call *c, bool inbound,
                             const struct number *caller, const struct number *callee) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "source_id", c->id);
    jwrite_int(&w, "revision", call_revision(c));
    jwrite_c(&w, "channel", "call");
    jwrite_c(&w, "kind", kind_of(inbound, call_outcome(c)));
    jwrite_c(&w, "direction", inbound ? "inbound" : "outbound");
    if (c->start_ms >= 0)
        jwrite_time(&w, "at", c->start_ms);
    write_person(&w, "from", caller, false);
    write_person(&w, "to", callee, true);
    write_call(&w, c, caller, callee);
    jwrite_close(&w, '}');
    return w.ok;
}

/* Why a call can be on nobody's timeline; NULL: it can. */
static const char *nobody(bool inbound, const struct number *caller, const struct number *callee) {
    const struct number *person = inbound ? caller : callee;
    switch (person->kind) {
    case NUMBER_E164:
        return NULL;
    case NUMBER_WITHHELD:
        return "the number is withheld: no contact comes of it";
    case NUMBER_EXTENSION:
        return "a call within the house: no contact comes of it";
    case NUMBER_UNKNOWN:
        return "the number cannot be read by this trunk's rules";
    }
    return NULL;
}

/* One entry on its way into the spool: a call, or a piece for quarantine. */
struct telling {
    struct link link;
    struct log *log;
    struct str id; /* of a call; absent: a piece */
};

static struct telling *telling_new(struct log *l, struct str id) {
    struct telling *t = NEW(struct telling);
    t->log = l;
    if (id.p)
        t->id = str_make(mem_dup(id.p, id.n), id.n);
    list_push(&l->tellings, &t->link);
    return t;
}

static void telling_free(struct telling *t) {
    link_remove(&t->link);
    free((char *)t->id.p);
    free(t);
}

static void log_free_if_done(struct log *l);

static void told(void *arg, const struct tl_outcome *o) {
    struct telling *t = arg;
    struct log *l = t->log;
    bool unkept = o->status == TL_BUSY || o->status == TL_FAILED;
    if (t->id.p && !l->closing)
        calls_told(l->calls, t->id, unkept);
    if (o->status == TL_REFUSED)
        l->sip->host->log(l->sip->channel, TL_WARN, "sip.call.refused", "kept=no");
    else if (!t->id.p && unkept)
        l->sip->host->log(l->sip->channel, TL_WARN, "sip.line.lost", "kept=no reason=busy");
    telling_free(t);
    log_free_if_done(l);
}

static void tell(void *arg, struct call *c) {
    struct log *l = arg;
    const struct tl_host *h = l->sip->host;
    cleanup(arena_clear) struct arena a;
    cleanup(buf_clear) struct buf json;
    char place[TAIL_PLACE_MAX];
    arena_init(&a);
    buf_init(&json, TOUCHPOINT_MAX);
    struct number caller = number_read(&a, &l->config->trunk, c->caller),
                  callee = number_read(&a, &l->config->trunk, c->callee);
    bool inbound = number_inbound(&l->config->trunk, &callee);
    const char *why = nobody(inbound, &caller, &callee);
    if (!write_touchpoint(&json, c, inbound, &caller, &callee))
        why = "the call's record is too large";
    const struct tail_place *needed = calls_needed(l->calls, 0);
    struct telling *t = telling_new(l, c->id);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&a, "sip:%.*s", STR_ARG(l->name)),
        .source_id = why ? arena_strf(&a, "%.*s#%zu", STR_ARG(c->id), c->lines) : c->id,
        .touchpoint = why ? STR_NONE : buf_str(&json),
        .format = str_c(l->format->name),
        .meta = str_c("{}"),
        .body = buf_str(&c->raw),
        .cursor = l->name,
        .cursor_value = tail_place_write(needed, place),
        .flags = why ? TL_ENTRY_QUARANTINE : 0,
        .reason = str_c(why),
    };
    h->count(l->sip->channel, why ? "calls_of_nobody" : "calls", call_outcome_name(call_outcome(c)),
             1);
    h->submit(l->sip->channel, &entry, told, t);
}

/* ---- lines ---- */

/* A line that is a call record but cannot be read, or is too long: kept whole for an operator. */
static void keep_piece(struct log *l, struct str line, const struct tail_place *place,
                       const char *why) {
    cleanup(arena_clear) struct arena a;
    char text[TAIL_PLACE_MAX];
    arena_init(&a);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&a, "sip:%.*s", STR_ARG(l->name)),
        .source_id = arena_strf(&a, "at:%.*s", STR_ARG(tail_place_write(place, text))),
        .format = str_c(l->format->name),
        .meta = str_c("{}"),
        .body = line,
        .flags = TL_ENTRY_QUARANTINE,
        .reason = str_c(why),
    };
    l->sip->host->count(l->sip->channel, "bad_lines", NULL, 1);
    l->sip->host->submit(l->sip->channel, &entry, told, telling_new(l, STR_NONE));
}

static void on_line(void *arg, struct str line, const struct tail_place *place, bool cut) {
    struct log *l = arg;
    cleanup(arena_clear) struct arena a;
    struct call_line said;
    const char *why = "a line above 64 KiB";
    arena_init(&a);
    const struct format_in in = {.arena = &a, .zone = l->zone, .columns = &l->config->columns};
    enum format_verdict v = cut ? FORMAT_BAD : l->format->read(&in, line, &said, &why);
    if (v == FORMAT_BAD)
        keep_piece(l, line, place, why);
    else if (v == FORMAT_LINE)
        calls_add(l->calls, &said, line, (struct call_origin){.place = place},
                  l->sip->host->mono_ms());
}

static void on_event(void *arg, enum tail_event what) {
    static const char *const texts[] = {
        [TAIL_TRUNCATED] = "what=truncated next=first_byte lines_may_be_lost=yes",
        [TAIL_LOST] = "what=rotated_file_gone next=first_byte lines_may_be_lost=yes",
        [TAIL_REFUSED] = "what=no_regular_file next=waits",
    };
    struct log *l = arg;
    l->sip->host->log(l->sip->channel, TL_WARN, "sip.log", texts[what]);
    l->sip->host->count(l->sip->channel, "log_events",
                        what == TAIL_TRUNCATED ? "truncated"
                        : what == TAIL_LOST    ? "lost"
                                               : "refused",
                        1);
}

/* ---- logs ---- */

static struct log *log_new(struct sip *s, const struct log_config *c) {
    struct log *l = NEW(struct log);
    char cursor[CURSOR_MAX];
    size_t n = 0;
    l->sip = s;
    l->config = c;
    l->name = str_make(mem_dup(c->name.p, c->name.n), c->name.n);
    l->file = str_make(mem_dup(c->file.p, c->file.n), c->file.n);
    l->format = format_at(c->format);
    l->zone = zone_open(c->zone);
    if (!l->zone)
        l->zone = zone_open(STR_NONE); /* checked before: gone since */
    l->calls = calls_new();
    link_init(&l->tellings);
    bool known = s->host->cursor(s->channel, l->name, cursor, sizeof cursor, &n);
    tail_open(&l->tail, l->file, known ? str_make(cursor, n) : STR_NONE, l, on_line, on_event);
    notice_file(s->notice, l->file);
    list_push(&s->logs, &l->link);
    return l;
}

static void log_free(struct log *l) {
    link_remove(&l->link);
    list_each (it, &l->tellings)
        telling_free(container_of(it, struct telling, link));
    calls_free(l->calls);
    zone_free(l->zone);
    free((char *)l->name.p);
    free((char *)l->file.p);
    free(l);
}

static void log_free_if_done(struct log *l) {
    if (l->closing && link_alone(&l->tellings))
        log_free(l);
}

/* What is under way ends first: its callbacks hold the log. */
static void log_close(struct log *l) {
    list_push(&l->sip->closing, &l->link);
    tail_clear(&l->tail);
    l->closing = true;
    log_free_if_done(l);
}

/* Reads what is new; a log with much to read gets a bounded share of a turn. */
static void look(void *arg) {
    struct sip *s = arg;
    if (s->drained)
        return;
    list_each (it, &s->logs) {
        struct log *l = container_of(it, struct log, link);
        size_t steps = 0;
        while (tail_step(&l->tail, STEP_BYTES, s->host->mono_ms()) && ++steps < STEPS_MAX) {
        }
    }
}

static void tick(void *arg) {
    struct sip *s = arg;
    look(s);
    if (s->drained)
        return;
    list_each (it, &s->logs) {
        struct log *l = container_of(it, struct log, link);
        calls_tick(l->calls, s->host->mono_ms(), tell, l);
    }
}

/* ---- the plugin ---- */

static void *sip_start(const struct tl_host *host, struct tl_channel *channel, const void *config) {
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    struct sip *s = NEW(struct sip);
    s->host = host;
    s->channel = channel;
    link_init(&s->logs);
    link_init(&s->closing);
    s->notice = notice_new(host->event_base(channel), look, s);
    for (size_t i = 0; i < all->n; i++)
        log_new(s, &logs[i]);
    s->timer = host->timer(channel, TICK_MS, true, tick, s);
    return s;
}

/* A log that stays goes on where it is, with its new rules. */
static bool sip_reload(void *instance, const void *config) {
    struct sip *s = instance;
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    struct link before;
    link_init(&before);
    list_each (it, &s->logs)
        list_push(&before, it);
    for (size_t i = 0; i < all->n; i++) {
        struct log *l = NULL;
        list_each (it, &before) {
            struct log *old = container_of(it, struct log, link);
            if (!l && str_eq(old->name, logs[i].name) && str_eq(old->file, logs[i].file) &&
                old->format == format_at(logs[i].format))
                l = old;
        }
        if (!l) {
            log_new(s, &logs[i]);
            continue;
        }
        l->config = &logs[i];
        struct zone *z = zone_open(logs[i].zone);
        if (z) {
            zone_free(l->zone);
            l->zone = z;
        }
        list_push(&s->logs, &l->link);
    }
    list_each (it, &before)
        log_close(container_of(it, struct log, link));
    return true;
}

static void sip_drain(void *instance) {
    struct sip *s = instance;
    s->drained = true;
}

static void sip_stop(void *take_instance) {
    struct sip *s = take_instance;
    s->host->timer_free(s->timer);
    notice_free(s->notice);
    list_each (it, &s->logs)
        log_close(container_of(it, struct log, link));
    list_each (it, &s->closing)
        log_free(container_of(it, struct log, link));
    free(s);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("sip"),
    .summary = STR("call logs on disk: Kamailio acc and CDR lines, Asterisk Master.csv"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = settings_keys,
    .config_bytes = sizeof(struct log_config),
    .check = settings_check,
    .start = sip_start,
    .reload = sip_reload,
    .drain = sip_drain,
    .stop = sip_stop,
};
