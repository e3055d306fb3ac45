/* ingest/keep.c - how long a channel's bytes are kept (blobs.keep). */
#include "config/config.h"
#include "ingest/ingest_priv.h"

bool kept_until(const struct ingest *g, struct str channel, int64_t from_ms,
                int64_t *out_until_ms) {
    const struct tl_pairs *keep = g->parts.keep;
    *out_until_ms = 0;
    for (size_t i = 0; keep && i < keep->n; i++) {
        bool keeps = true;
        int64_t ms;
        if (!str_eq(keep->items[i].name, channel))
            continue;
        if (config_read_duration(keep->items[i].value, &ms))
            *out_until_ms = from_ms + ms;
        return !config_read_bool(keep->items[i].value, &keeps) || keeps;
    }
    return true;
}
