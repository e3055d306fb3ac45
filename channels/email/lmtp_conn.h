/* lmtp_conn.h - one LMTP connection; what it shares with the listener. */
#ifndef EMAIL_LMTP_CONN_H
#define EMAIL_LMTP_CONN_H

#include <touchline/kit/list.h>

#include "email.h"
#include "lmtp_session.h"

struct event;
struct event_base;
struct evconnlistener;

/* The listener and all its connections. Loop thread. */
struct lmtp {
    struct email *email;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *reaper, *resume; /* resume: accept again after running out of descriptors */
    struct link conns, dead;
    size_t conns_n;
    struct lmtp_budget budget;
    char host_name[256];
    bool draining;
};

void lmtp_tell(const struct lmtp *l, enum tl_level level, const char *event, const char *text);
void lmtp_count(const struct lmtp *l, const char *name, const char *label);

/* Takes over a connected socket: greets, reads, answers. */
void lmtp_conn_new(struct lmtp *l, int fd);
/* Draining has begun: those without a mail under way say 421. */
void lmtp_conns_drain(struct lmtp *l);
/* Frees what is dead; never called from inside a connection's callback. */
void lmtp_conns_reap(struct lmtp *l);
/* Ends and frees all. Mails that are being committed stay kept. */
void lmtp_conns_close(struct lmtp *l);

#endif
