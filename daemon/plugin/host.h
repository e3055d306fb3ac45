/* plugin/host.h - loads channels and gives them the host's side of the ABI.
 *
 * Looks for NAME.so in the folders of `plugins`, else in channels/ beside the daemon, then where
 * they were installed. A plugin with another major, a size too small or without the symbol is
 * refused with a clear error.
 */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <stdbool.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "ingest/fetcher.h"
#include "ingest/reader.h"
#include "outbox/outbox.h"

struct buf;
struct config;
struct egress;
struct http_server;
struct id_maker;
struct intake;
struct loop;
struct plugin_host;
struct spool;
struct store;
struct worker_pool;

struct plugin_parts { /* set before plugin_host_start; loading needs none of them */
    struct loop *loop;
    struct spool *spool;
    struct store *store;
    struct http_server *http;
    struct worker_pool *workers;
    struct egress *egress;
    struct intake *intake;
    struct id_maker *ids;
    struct str region;
};

struct plugin_host *plugin_host_new(void);
/* For config_load: loads NAME once and gives its table. */
const struct tl_plugin *plugin_host_find(void *host, struct str name, const struct tl_strs *folders,
                                         struct fault *out_why);
/* Folders that will be searched, absolute: for the workers. */
struct tl_strs plugin_host_folders(struct plugin_host *h, const struct tl_strs *configured);
bool plugin_host_start(struct plugin_host *h, const struct plugin_parts *parts,
                       const struct config *config, struct fault *f) must_check;
bool plugin_host_reload(struct plugin_host *h, const struct config *config, struct fault *f)
    must_check;
void plugin_host_drain(struct plugin_host *h);
void plugin_host_free(struct plugin_host *h);

/* What main.c hands to ingest and outbox; may be taken before start. */
struct reader plugin_host_reader(struct plugin_host *h);
struct sender plugin_host_sender(struct plugin_host *h);
struct fetcher plugin_host_fetcher(struct plugin_host *h);
/* Whether the source's channel acknowledges what comes by it; out lives until the loop turns. */
bool plugin_host_acknowledges(struct plugin_host *h, struct str source, struct tl_acknowledge *out);
/* Members of /readyz: "email": {"state":"ok","parts":{…}}, … */
bool plugin_host_describe(struct plugin_host *h, struct buf *out) must_check;

/* Every configured source of every started channel: "email:support". Once a source, from inside. */
enum { SOURCE_NAME_MAX = 256 };
typedef void source_fn(void *arg, const struct tl_channel *ch, struct str source);
void plugin_host_sources(struct plugin_host *h, source_fn *found, void *arg);
/* How a source is: of the part of its channel's health that bears its name, else of the channel.
 * Returns the detail, or NULL. */
const char *plugin_host_source_health(struct plugin_host *h, struct str source,
                                      enum tl_health *out);
/* Whether an operation runs on it: what comes meanwhile says nothing of its usual days. */
bool plugin_host_operates(struct plugin_host *h, struct str source);

#endif
