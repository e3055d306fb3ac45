/* imap_box.c - lease, token, connection, back-off, rest. */
#include "imap_box.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>
#include <touchline/touchpoint.h>

#include "imap_name.h"
#include "meta.h"

enum {
    RETRY_FIRST_MS = 1000,
    RETRY_LAST_MS = 300000,
    DENIED_FIRST_MS = 60000,
    DENIED_LATER_MS = 3600000, /* no server shall lock the account for us */
    DENIED_FEW = 3,
    IDLE_MAX_MS = 540000, /* servers and NAT drop what is silent for longer */
    TOKEN_MARGIN_MS = 120000,
    FOLDER_MAX = 4096,
    META_MAX = 64 * 1024,
    RESCAN_WHOLE_MAX = 10000,
    SINCE_MARGIN_MS = 2 * 86400000,
};

void box_timer(struct imap_box *b, uint32_t after_ms, tl_timer_fn *fire) {
    const struct tl_host *host = b->email->host;
    host->timer_free(b->timer);
    b->timer = fire ? host->timer(b->email->ch, after_ms, false, fire, b) : NULL;
}

/* The details hold what a server said: one line, printable. */
void box_health(struct imap_box *b, enum tl_health state, const char *format, ...) {
    char detail[200];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    for (char *c = detail; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    b->email->host->health(b->email->ch, b->part, state, detail);
}

void box_count(struct imap_box *b, const char *name, const char *label) {
    b->email->host->count(b->email->ch, name, label, 1);
}

static void box_log(struct imap_box *b, enum tl_level level, const char *event, const char *why) {
    char text[400];
    int n = snprintf(text, sizeof text, "mailbox=%.*s reason=\"", STR_ARG(b->name));
    for (; *why && n < 390; why++)
        text[n++] = *why >= 0x20 && *why < 0x7f && *why != '"' && *why != '\\' ? *why : '?';
    snprintf(text + n, sizeof text - (size_t)n, "\"");
    b->email->host->log(b->email->ch, level, event, text);
}

/* ---- connection ---- */

static void box_connect(void *arg);

/* Half to one and a half of it, so that many mailboxes do not come at once. */
static uint32_t jitter(uint32_t ms) {
    uint32_t random;
    bytes_random(&random, sizeof random);
    return ms / 2 + random % (ms + 1);
}

static void box_retry(struct imap_box *b, uint32_t ms) {
    b->state = BOX_WAITING;
    box_timer(b, ms, box_connect);
}

static void box_disconnect(struct imap_box *b) {
    imap_session_close(steal(&b->session));
    box_intake_clear(b);
}

static void box_lost(struct imap_box *b, const char *why) {
    uint32_t ms = RETRY_FIRST_MS;
    for (unsigned i = 0; i < b->attempts && ms < RETRY_LAST_MS; i++)
        ms *= 2;
    ms = jitter(ms < RETRY_LAST_MS ? ms : RETRY_LAST_MS);
    b->attempts++;
    box_count(b, "imap_disconnects", "lost");
    box_log(b, TL_WARN, "email.imap.lost", why);
    box_health(b, TL_DEGRADED, "not connected: %.120s; next try in %u s", why, (ms + 999) / 1000);
    box_retry(b, ms);
}

/* A token may have been taken back before its end: the first refusal asks for another one. */
static void box_denied(struct imap_box *b, const char *why) {
    uint32_t ms = b->denied + 1 < DENIED_FEW ? DENIED_FIRST_MS : DENIED_LATER_MS;
    bool token = b->token.n > 0;
    buf_clear(&b->token);
    b->denied++;
    if (token && b->denied == 1)
        ms = RETRY_FIRST_MS;
    box_count(b, "imap_disconnects", "denied");
    box_log(b, TL_ERROR, "email.imap.denied", why);
    box_health(b, TL_DOWN, "%.140s; next try in %u min", why, (ms + 59999) / 60000);
    box_retry(b, ms);
}

/* The mail that was due each time the connection broke is passed over in the end. */
static void suspect_note(struct imap_box *b) {
    uint32_t uid = b->pull ? imap_pull_suspect(b->pull) : 0;
    if (!uid)
        return;
    b->suspect_times = uid == b->suspect ? b->suspect_times + 1 : 1;
    b->suspect = uid;
}

static void on_down(void *arg, bool denied, struct str why) {
    struct imap_box *b = arg;
    char text[300];
    snprintf(text, sizeof text, "%.*s", STR_ARG(str_upto(why, sizeof text - 1)));
    suspect_note(b);
    b->session = NULL;
    box_intake_clear(b);
    if (denied)
        box_denied(b, text);
    else
        box_lost(b, text);
}

void box_fail(struct imap_box *b, const char *why) {
    box_disconnect(b);
    box_lost(b, why);
}

static uint64_t mailbox_hash(const struct imap_box *b) {
    uint8_t digest[SHA256_BYTES];
    struct sha256 *h = sha256_begin();
    uint64_t v = 0;
    sha256_add(h, b->config.url);
    sha256_add(h, str_c("\n"));
    sha256_add(h, b->config.user);
    sha256_end(h, digest);
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | digest[i];
    return v;
}

/* UIDs mean something only together with their UIDVALIDITY. */
static void epoch_check(struct imap_box *b, const struct imap_facts *facts) {
    struct imap_cursor *c = &b->cursor;
    uint64_t mailbox = mailbox_hash(b);
    if (c->mailbox != mailbox) {
        *c = (struct imap_cursor){.mailbox = mailbox};
        if (b->config.since_ms)
            c->born_ms = b->email->host->now_ms() - b->config.since_ms;
    }
    if (c->validity == facts->validity)
        return;
    if (c->validity) {
        bool whole = !c->caught_ms || facts->exists <= RESCAN_WHOLE_MAX;
        b->floor_ms = whole ? 0 : c->caught_ms - SINCE_MARGIN_MS;
        box_count(b, "imap_uidvalidity", NULL);
        box_log(b, TL_WARN, "email.imap.uidvalidity",
                "the mailbox was made anew; what is known already is not taken in again");
    }
    imap_cursor_renew(c, facts->validity);
}

static void after_redo(struct imap_box *b) {
    box_look(b);
}

static void on_entered(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    const struct imap_facts *facts = imap_session_facts(b->session);
    char why[200];
    if (result != IMAP_OK) {
        snprintf(why, sizeof why, "the folder cannot be opened: %.*s",
                 STR_ARG(str_upto(end->text, 120)));
        box_fail(b, why);
    } else if (!facts->validity) {
        box_fail(b, "the server gives no UIDVALIDITY");
    } else {
        b->denied = 0;
        if (b->after != AFTER_NONE && facts->read_only)
            box_log(b, TL_WARN, "email.imap.read_only", "mails cannot be marked or moved");
        epoch_check(b, facts);
        box_redo(b, after_redo);
    }
}

static void on_up(void *arg) {
    struct imap_box *b = arg;
    b->state = BOX_ENTERING;
    imap_session_enter(b->session, b->after != AFTER_NONE, on_entered, b);
}

static void on_news(void *arg) {
    struct imap_box *b = arg;
    if (b->state == BOX_RESTING)
        imap_session_wake(b->session);
}

static void box_open(struct imap_box *b) {
    static const struct imap_session_events events = {
        .up = on_up, .news = on_news, .down = on_down};
    b->state = BOX_CONNECTING;
    b->session = imap_session_open(b->email, &b->config, buf_str(&b->token), b->mail_max + 65536,
                                   &events, b);
    if (!b->session)
        box_lost(b, "no more connections can be opened");
}

static void on_token(void *arg, bool ok, struct str text, int64_t lives_ms) {
    struct imap_box *b = arg;
    char why[300];
    b->ask = NULL;
    buf_clear(&b->token);
    if (ok && buf_add(&b->token, text)) {
        int64_t margin_ms = lives_ms / 4 < TOKEN_MARGIN_MS ? lives_ms / 4 : TOKEN_MARGIN_MS;
        b->token_until_ms = lives_ms ? b->email->host->mono_ms() + lives_ms - margin_ms : 0;
        box_open(b);
        return;
    }
    snprintf(why, sizeof why, "no token to log in with: %.*s", STR_ARG(str_upto(text, 200)));
    box_denied(b, why);
}

static bool token_ends(const struct imap_box *b) {
    return b->token_until_ms && b->email->host->mono_ms() >= b->token_until_ms;
}

/* One whose end was not told may have been replaced since. */
static bool token_wanted(const struct imap_box *b) {
    bool oauth = b->config.oauth.command.n || b->config.oauth.file.n;
    return oauth && (!b->token.n || !b->token_until_ms || token_ends(b));
}

static void box_connect(void *arg) {
    struct imap_box *b = arg;
    const struct imap_config *c = &b->config;
    box_timer(b, 0, NULL);
    if (!b->held || b->closed || b->draining || b->session || b->ask)
        return;
    if (b->submitting) { /* its outcome decides where to go on */
        box_retry(b, 100);
    } else if (token_wanted(b)) {
        b->state = BOX_TOKEN;
        b->ask = oauth_ask(b->email, c->oauth.command, c->oauth.file, on_token, b);
    } else {
        box_open(b);
    }
}

/* ---- rest ---- */

static void on_rested(void *arg, enum imap_result result, const struct imap_response *end) {
    struct imap_box *b = arg;
    (void)end;
    if (result == IMAP_OK)
        box_look(b);
    else
        box_fail(b, "the server refuses to wait for news");
}

/* A server that cannot IDLE, or is asked anyhow, tells of news on NOOP. */
static void on_rest_over(void *arg) {
    struct imap_box *b = arg;
    box_timer(b, 0, NULL);
    if (b->token.n && token_ends(b)) {
        box_disconnect(b);
        box_connect(b);
    } else if (imap_session_facts(b->session)->features & IMAP_HAS_IDLE) {
        imap_session_wake(b->session);
    } else {
        imap_session_command(b->session, str_c("NOOP"), NULL, on_rested, b);
    }
}

static uint32_t rest_ms(const struct imap_box *b, bool idle) {
    int64_t ms = b->config.poll_ms;
    if (idle && ms > IDLE_MAX_MS)
        ms = IDLE_MAX_MS;
    int64_t token_ms = b->token_until_ms - b->email->host->mono_ms();
    if (b->token_until_ms && token_ms < ms)
        ms = token_ms > 1000 ? token_ms : 1000;
    return (uint32_t)ms;
}

void box_rest(struct imap_box *b) {
    bool idle = imap_session_facts(b->session)->features & IMAP_HAS_IDLE;
    uint32_t ms = rest_ms(b, idle);
    b->attempts = 0;
    if (imap_session_facts(b->session)->fresh) { /* told of before we rest: IDLE would not again */
        box_look(b);
        return;
    }
    b->state = BOX_RESTING;
    box_timer(b, ms, on_rest_over);
    if (idle)
        imap_session_idle(b->session, on_rested, b);
    if (!b->todo.n)
        box_health(b, TL_OK, idle ? "all read, told of news" : "all read, asked every %u s",
                   ms / 1000);
}

/* ---- life ---- */

static void on_lease(void *arg, bool held) {
    struct imap_box *b = arg;
    b->held = held;
    if (held) {
        box_retry(b, 0);
        return;
    }
    box_timer(b, 0, NULL);
    box_disconnect(b);
    b->state = BOX_OFF;
    box_health(b, TL_OK, "another daemon reads this mailbox");
}

static void cursor_load(struct imap_box *b) {
    char text[IMAP_CURSOR_MAX];
    size_t n;
    if (!b->email->host->cursor(b->email->ch, b->cursor_name, text, sizeof text, &n) ||
        !imap_cursor_read(str_make(text, n), &b->cursor))
        b->cursor = (struct imap_cursor){0};
}

static struct tl_strs strs_copy(struct arena *a, struct tl_strs s) {
    struct str *items = arena_new(a, (s.n + 1) * sizeof *items);
    for (size_t i = 0; i < s.n; i++)
        items[i] = arena_str(a, s.items[i]);
    return (struct tl_strs){.items = items, .n = s.n};
}

static void config_copy(struct imap_box *b, const struct imap_config *c) {
    struct arena *a = &b->arena;
    b->config = *c;
    struct str *views[] = {&b->config.url, &b->config.user,  &b->config.password,
                           &b->config.ca,  &b->config.after, &b->config.oauth.file};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(a, *views[i]);
    b->config.oauth.command = strs_copy(a, c->oauth.command);
}

static void after_read(struct imap_box *b) {
    static const struct str move = STR("move:");
    cleanup(buf_clear) struct buf folder;
    buf_init(&folder, FOLDER_MAX);
    b->after = str_is(b->config.after, "seen")     ? AFTER_SEEN
               : str_starts(b->config.after, move) ? AFTER_MOVE
                                                   : AFTER_NONE;
    if (b->after == AFTER_MOVE && imap_name_write(&folder, str_from(b->config.after, move.n)))
        b->folder = arena_str(&b->arena, buf_str(&folder));
}

/* All that read() must know beyond the mail; what differs from mail to mail is added behind. */
static struct str meta_write(struct buf *meta, const struct email *e,
                             const struct mailbox_config *m) {
    struct jwrite w;
    buf_init(meta, META_MAX);
    jwrite_init(&w, meta);
    jwrite_open(&w, NULL, '{');
    meta_write_mailbox(&w, e->config, m->name);
    jwrite_c(&w, "via", "imap");
    return w.ok ? buf_str(meta) : str_c("{\"via\":\"imap\"");
}

static size_t mail_max(const struct email *e) {
    return e->config->lmtp.max_bytes ? (size_t)e->config->lmtp.max_bytes : EMAIL_MAIL_MAX;
}

struct imap_box *imap_box_new(struct email *e, const struct mailbox_config *m) {
    struct imap_box *b = NEW(struct imap_box);
    struct arena *a = &b->arena;
    cleanup(buf_clear) struct buf meta;
    b->email = e;
    arena_init(a);
    b->name = arena_str(a, m->name);
    b->source = arena_strf(a, "email:%.*s", STR_ARG(m->name));
    b->part = arena_strf(a, "imap/%.*s", STR_ARG(m->name));
    b->cursor_name = b->part;
    b->mail_max = mail_max(e);
    buf_init(&b->token, OAUTH_TEXT_MAX);
    config_copy(b, &m->imap);
    after_read(b);
    b->meta = arena_str(a, meta_write(&meta, e, m));
    cursor_load(b);
    box_health(b, TL_OK, "waiting for the lease");
    b->lease = e->host->lease(e->ch, b->part, on_lease, b);
    return b;
}

static bool strs_same(struct tl_strs a, struct tl_strs b) {
    bool same = a.n == b.n;
    for (size_t i = 0; i < a.n && same; i++)
        same = str_eq(a.items[i], b.items[i]);
    return same;
}

bool imap_box_same(const struct imap_box *b, const struct email *e,
                   const struct mailbox_config *m) {
    const struct imap_config *x = &b->config, *y = &m->imap;
    cleanup(buf_clear) struct buf meta;
    return str_eq(b->meta, meta_write(&meta, e, m)) && str_eq(b->name, m->name) &&
           str_eq(x->url, y->url) && str_eq(x->user, y->user) && str_eq(x->password, y->password) &&
           str_eq(x->ca, y->ca) && str_eq(x->after, y->after) && x->tls == y->tls &&
           x->poll_ms == y->poll_ms && x->since_ms == y->since_ms &&
           str_eq(x->oauth.file, y->oauth.file) && strs_same(x->oauth.command, y->oauth.command) &&
           b->mail_max == mail_max(e);
}

void imap_box_drain(struct imap_box *b) {
    b->draining = true;
    box_timer(b, 0, NULL);
    box_disconnect(b);
    b->state = BOX_OFF;
    if (b->lease)
        b->email->host->lease_release(steal(&b->lease));
}

static void box_free(struct imap_box *b) {
    imap_uids_clear(&b->todo);
    imap_uids_clear(&b->wanted);
    buf_clear(&b->token);
    arena_clear(&b->arena);
    free(b);
}

void box_submitted(struct imap_box *b) {
    b->submitting = false;
    if (b->closed)
        box_free(b);
}

void imap_box_close(struct imap_box *b, bool now) {
    imap_box_drain(b);
    oauth_forget(steal(&b->ask));
    link_remove(&b->link);
    b->closed = true;
    if (now || !b->submitting)
        box_free(b);
}
