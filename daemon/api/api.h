/* api/api.h - the HTTP contract: routes of every resource, over the rooms below.
 *
 * A file per resource; each has its table of routes and the functions beside it. Opened by main.c.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/plugin.h>

struct api;
struct blob_store;
struct buf;
struct config;
struct delivery;
struct dispatch;
struct http_server;
struct id_maker;
struct ingest;
struct loop;
struct notices;
struct outbox;
struct plugin_host;
struct spool;
struct store;
struct worker_pool;

/* What the routes stand on; borrowed, outlives the api. agents and region change on reload. */
struct api_parts {
    struct loop *loop;
    struct spool *spool;
    struct store *store;
    struct blob_store *blobs;
    struct ingest *ingest;
    struct outbox *outbox;
    struct dispatch *dispatch;
    struct delivery *delivery;
    struct notices *notices;
    struct worker_pool *workers;
    struct plugin_host *plugins;
    struct id_maker *ids;
    const struct config *config;
    const struct tl_items *agents; /* struct agent_config */
    struct str region;
};

struct api *api_new(const struct api_parts *parts);
void api_free(struct api *a);
void api_reload(struct api *a, const struct config *config, const struct tl_items *agents,
                struct str region);
/* Adds every table to the server. */
void api_routes(struct api *a, struct http_server *http);
/* /readyz says 503 from now on. */
void api_drain(struct api *a);

#endif
