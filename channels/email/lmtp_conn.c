/* lmtp_conn.c - bytes to and from the session, whole mails to the host.
 *
 *   evbuffer ─► lmtp_session_feed ─► WAIT ─► host->submit, one a mailbox ─► outcome ─► replies
 *
 * A connection may end while its mail is being committed: each submission points to its connection
 * and is told when that goes; the mail stays kept and the sender's next attempt is a duplicate. A
 * closed connection is freed by the reaper, an event of its own, never inside its callbacks.
 */
#include "lmtp_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <touchline/kit/own.h>
#include <touchline/touchpoint.h>

#include "mail_id.h"
#include "meta.h"

enum {
    IDLE_S = 300,
    WRITE_S = 60,
    LINGER_S = 2,
    INPUT_MAX = 256 * 1024,  /* read ahead while a mail waits for its outcome */
    OUTPUT_MAX = 256 * 1024, /* replies that a peer has not read; then we don't read either */
    META_MAX = 1024 * 1024,
};

/* Invariant: in lmtp->conns while open, in lmtp->dead until the reaper has run. */
struct conn {
    struct link link;
    struct lmtp *lmtp;
    struct bufferevent *bev;
    struct lmtp_session *session;
    struct link submissions;
    bool closed, eof, ending;
};

/* One mail on its way into the spool for one mailbox; outlives the connection. */
struct submission {
    struct link link; /* in conn->submissions */
    struct conn *conn;
    char *mailbox;
};

static void conn_serve(struct conn *c);

/* ---- the mail to the host ---- */

static void submission_done(void *arg, const struct tl_outcome *outcome) {
    static const char *const labels[] = {
        [TL_APPLIED] = "kept",       [TL_KEPT] = "kept", [TL_DUPLICATE] = "duplicate",
        [TL_MISMATCH] = "duplicate", [TL_BUSY] = "busy", [TL_FAILED] = "failed",
        [TL_REFUSED] = "refused"};
    struct submission *s = arg;
    struct conn *c = s->conn;
    link_remove(&s->link);
    if (c) {
        lmtp_count(c->lmtp, "lmtp_mails", labels[outcome->status]);
        lmtp_session_outcome(c->session, str_c(s->mailbox), outcome->status, outcome->id);
    }
    free(s->mailbox);
    free(s);
    if (c)
        conn_serve(c);
}

/* What read() must know beyond the mail itself. */
static bool meta_write(struct buf *meta, const struct email_config *config,
                       const struct lmtp_session *session, struct str mailbox) {
    struct jwrite w;
    size_t n;
    const struct lmtp_recipient *rcpt = lmtp_session_recipients(session, &n);
    jwrite_init(&w, meta);
    jwrite_open(&w, NULL, '{');
    meta_write_mailbox(&w, config, mailbox);
    jwrite_str(&w, "envelope_from", lmtp_session_sender(session));
    jwrite_open(&w, "envelope_to", '[');
    for (size_t i = 0; i < n; i++)
        if (str_eq(rcpt[i].mailbox, mailbox))
            jwrite_str(&w, NULL, rcpt[i].address);
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    return w.ok;
}

static void submit_one(struct conn *c, struct str mailbox, struct str source_id) {
    const struct email *e = c->lmtp->email;
    cleanup(buf_clear) struct buf source, meta;
    buf_init(&source, 256);
    buf_init(&meta, META_MAX);
    struct submission *s = NEW(struct submission);
    s->conn = c;
    s->mailbox = mem_dup(mailbox.p, mailbox.n);
    link_init(&s->link);
    if (!buf_addf(&source, "email:%s", s->mailbox) ||
        !meta_write(&meta, e->config, c->session, mailbox)) {
        lmtp_session_outcome(c->session, mailbox, TL_FAILED, STR_NONE);
        free(s->mailbox);
        free(s);
        return;
    }
    list_push(&c->submissions, &s->link);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = buf_str(&source),
        .source_id = source_id,
        .format = STR("mime"),
        .meta = buf_str(&meta),
        .body = lmtp_session_mail(c->session),
    };
    e->host->submit(e->ch, &entry, submission_done, s);
}

/* Two recipients of one mailbox are one touchpoint: one submission, its outcome told for both. */
static void conn_submit(struct conn *c) {
    char id[SHA256_HEX + 1];
    size_t n;
    const struct lmtp_recipient *rcpt = lmtp_session_recipients(c->session, &n);
    mail_id(lmtp_session_mail(c->session), id);
    for (size_t i = 0; i < n && lmtp_session_state(c->session) == LMTP_WAIT; i++) {
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = !str_eq(rcpt[j].mailbox, rcpt[i].mailbox);
        if (first)
            submit_one(c, rcpt[i].mailbox, str_c(id));
    }
}

/* ---- a connection ---- */

static void conn_close(struct conn *c) {
    if (c->closed)
        return;
    c->closed = true;
    list_each (it, &c->submissions) {
        container_of(it, struct submission, link)->conn = NULL;
        link_remove(it);
    }
    bufferevent_disable(c->bev, EV_READ | EV_WRITE);
    bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
    list_push(&c->lmtp->dead, &c->link);
    c->lmtp->conns_n--;
    event_active(c->lmtp->reaper, 0, 0);
}

static void conn_free(struct conn *c) {
    link_remove(&c->link);
    bufferevent_free(c->bev);
    lmtp_session_free(c->session);
    free(c);
}

void lmtp_conns_reap(struct lmtp *l) {
    list_each (it, &l->dead)
        conn_free(container_of(it, struct conn, link));
}

/* The last reply is out. Closing now, with bytes of the peer unread, would make the kernel reset
 * the connection and take the reply away from him: so only our side is shut, and his end awaited.
 */
static void conn_linger(struct conn *c) {
    static const struct timeval linger = {.tv_sec = LINGER_S};
    if (c->eof) {
        conn_close(c);
        return;
    }
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    struct evbuffer *in = bufferevent_get_input(c->bev);
    evbuffer_drain(in, evbuffer_get_length(in));
    bufferevent_set_timeouts(c->bev, &linger, NULL);
    bufferevent_enable(c->bev, EV_READ);
}

static void conn_flush(struct conn *c) {
    struct buf *replies = lmtp_session_replies(c->session);
    if (replies->n)
        bufferevent_write(c->bev, replies->p, replies->n);
    buf_reset(replies);
    if (lmtp_session_state(c->session) != LMTP_CLOSED || c->ending)
        return;
    c->ending = true;
    if (!evbuffer_get_length(bufferevent_get_output(c->bev)))
        conn_linger(c);
}

/* Hands on what has been read. false: nothing more can be done before something else happens. */
static bool conn_step(struct conn *c) {
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_contiguous_space(in);
    if (!n || evbuffer_get_length(bufferevent_get_output(c->bev)) > OUTPUT_MAX)
        return false;
    struct str piece = str_make((const char *)evbuffer_pullup(in, (ev_ssize_t)n), n);
    size_t taken = lmtp_session_feed(c->session, piece);
    evbuffer_drain(in, taken);
    if (taken && lmtp_session_state(c->session) == LMTP_WAIT)
        conn_submit(c);
    conn_flush(c);
    return taken > 0;
}

static void conn_serve(struct conn *c) {
    while (!c->closed && !c->ending && conn_step(c))
        ;
    conn_flush(c);
    if (c->closed || c->ending)
        return;
    enum lmtp_state state = lmtp_session_state(c->session);
    bool read_all = !evbuffer_get_length(bufferevent_get_input(c->bev));
    if (c->lmtp->draining && state != LMTP_WAIT && state != LMTP_DATA)
        lmtp_session_end(c->session, "4.3.2 shutting down");
    else if (c->eof && read_all && state != LMTP_WAIT)
        lmtp_session_end(c->session, "4.4.2 connection ended");
    conn_flush(c);
}

static void conn_on_read(struct bufferevent *bev, void *arg) {
    struct conn *c = arg;
    if (c->ending) {
        struct evbuffer *in = bufferevent_get_input(bev);
        evbuffer_drain(in, evbuffer_get_length(in));
        return;
    }
    conn_serve(c);
}

static void conn_on_written(struct bufferevent *bev, void *arg) {
    struct conn *c = arg;
    (void)bev;
    if (c->ending)
        conn_linger(c);
    else
        conn_serve(c);
}

static void conn_on_event(struct bufferevent *bev, short what, void *arg) {
    struct conn *c = arg;
    if (what & BEV_EVENT_EOF)
        c->eof = true;
    if (c->ending || (what & BEV_EVENT_ERROR) ||
        ((what & BEV_EVENT_TIMEOUT) && (what & BEV_EVENT_WRITING))) {
        conn_close(c);
    } else if (what & BEV_EVENT_TIMEOUT) {
        bufferevent_enable(bev, EV_READ);
        if (lmtp_session_state(c->session) != LMTP_WAIT)
            lmtp_session_end(c->session, "4.4.2 idle too long");
        conn_flush(c);
    } else if (what & BEV_EVENT_EOF) {
        conn_serve(c);
    }
}

static bool find_mailbox(void *ctx, struct str address, struct str *out_mailbox) {
    const struct lmtp *l = ctx;
    ptrdiff_t i = mailbox_of_address(l->email->config, address);
    if (i < 0) {
        lmtp_count(l, "lmtp_recipients_refused", NULL);
        return false;
    }
    *out_mailbox = mailbox_at(l->email->config, (size_t)i)->name;
    return true;
}

void lmtp_conn_new(struct lmtp *l, int fd) {
    static const struct timeval idle = {.tv_sec = IDLE_S}, write = {.tv_sec = WRITE_S};
    struct bufferevent *bev = bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(fd);
        return;
    }
    struct conn *c = NEW(struct conn);
    c->lmtp = l;
    c->bev = bev;
    link_init(&c->submissions);
    c->session = lmtp_session_new(&(struct lmtp_options){
        .host_name = str_c(l->host_name),
        .max_bytes = (size_t)l->email->config->lmtp.max_bytes,
        .budget = &l->budget,
        .find = find_mailbox,
        .ctx = l,
    });
    list_push(&l->conns, &c->link);
    l->conns_n++;
    lmtp_count(l, "lmtp_connections", NULL);
    bufferevent_setcb(bev, conn_on_read, conn_on_written, conn_on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX);
    bufferevent_set_timeouts(bev, &idle, &write);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    conn_flush(c);
}

void lmtp_conns_drain(struct lmtp *l) {
    list_each (it, &l->conns) {
        conn_serve(container_of(it, struct conn, link));
    }
}

void lmtp_conns_close(struct lmtp *l) {
    list_each (it, &l->conns) {
        conn_close(container_of(it, struct conn, link));
    }
    lmtp_conns_reap(l);
}
