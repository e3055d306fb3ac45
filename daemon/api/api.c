/* api/api.c - opens the room and adds its tables to the server. */
#include "api/api.h"

#include <stdlib.h>

#include "api/api_priv.h"
#include "base/clock.h"

struct api *api_new(const struct api_parts *parts) {
    struct api *a = NEW(struct api);
    a->parts = *parts;
    a->idem = idem_table_new();
    a->logins = login_limits_new();
    a->started_ms = clock_mono_ms();
    return a;
}

void api_free(struct api *a) {
    if (!a)
        return;
    idem_table_free(a->idem);
    login_limits_free(a->logins);
    free(a);
}

void api_reload(struct api *a, const struct config *config, const struct tl_items *agents,
                struct str region) {
    a->parts.config = config;
    a->parts.agents = agents;
    a->parts.region = region;
}

void api_drain(struct api *a) {
    a->draining = true;
}

void api_routes(struct api *a, struct http_server *http) {
    const struct {
        const struct http_route *table;
        size_t n;
    } tables[] = {
        {touchpoint_routes, touchpoint_routes_n},
        {record_routes, record_routes_n},
        {contact_routes, contact_routes_n},
        {conversation_routes, conversation_routes_n},
        {task_routes, task_routes_n},
        {agent_routes, agent_routes_n},
        {session_routes, session_routes_n},
        {operation_routes, operation_routes_n},
        {source_routes, source_routes_n},
        {supervise_routes, supervise_routes_n},
        {attention_routes, attention_routes_n},
        {answer_routes, answer_routes_n},
        {history_routes, history_routes_n},
        {offer_routes, offer_routes_n},
    };
    for (size_t i = 0; i < COUNT(tables); i++) {
        bool added = http_routes(http, tables[i].table, tables[i].n, a);
        assert(added); /* two rows of ours with one pattern */
        (void)added;
    }
}
