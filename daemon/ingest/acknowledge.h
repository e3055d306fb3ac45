/* ingest/acknowledge.h - who is asked whether a mail is acknowledged, and who says it: declared
 * here, handed in by main.c (plugin/host.c, outbox/).
 */
#ifndef INGEST_ACKNOWLEDGE_H
#define INGEST_ACKNOWLEDGE_H

#include <stdbool.h>

#include <touchline/plugin.h>

struct acknowledgement {
    struct str conversation, touchpoint; /* "v_…", "p_…": what is answered */
    struct str subject, text;
};

struct acknowledger {
    void *ctx;
    /* Views of out live until the loop turns. NULL: nothing is ever acknowledged. */
    bool (*asks)(void *ctx, struct str source, struct tl_acknowledge *out);
    /* The same touchpoint again is the same message. */
    void (*send)(void *ctx, const struct acknowledgement *a);
};

#endif
