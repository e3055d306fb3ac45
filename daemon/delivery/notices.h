/* delivery/notices.h - how agents without a stream learn of their work: mail and webhook.
 *
 *   {r}:log ──scan──► notice (store/notice.h) ──take──► mail by the sender | POST by egress
 *                                                        sent | again later | given up | over
 *
 * Each notice is made once of all daemons and tried until it is sent; one that a daemon had when it
 * died is another's 20 s later. So it comes at least once, always by the same webhook-id or
 * Message-ID. Opened by main.c; api/offers.c answers the links.
 */
#ifndef DELIVERY_NOTICES_H
#define DELIVERY_NOTICES_H

#include <stdbool.h>

#include <touchline/plugin.h>

struct egress;
struct loop;
struct notices;
struct notices_config;
struct offer_link_key;
struct sender;
struct store;

/* Borrowed until the next reload after the one that replaces it. */
struct notices_setup {
    const struct notices_config *config;
    const struct tl_items *agents, *queues; /* struct agent_config, struct queue_config */
    bool german;                            /* the language of mails and of the links' pages */
};
struct notices *notices_open(struct loop *loop, struct store *store, struct egress *egress,
                             const struct sender *sender, struct str secret,
                             const struct notices_setup *setup);
void notices_reload(struct notices *n, const struct notices_setup *setup);
void notices_drain(struct notices *n); /* begins nothing more */
void notices_close(struct notices *n);

/* The log has an entry of this agent, or (absent) entries may have been missed. */
void notices_ring(struct notices *n, struct str agent);

const struct offer_link_key *notices_link_key(const struct notices *n);
bool notices_german(const struct notices *n);

#endif
