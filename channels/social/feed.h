/* social/feed.h - Atom (RFC 4287, deletions RFC 6721) and RSS 2.0 as far as they tell what is new.
 * Pure. */
#ifndef SOCIAL_FEED_H
#define SOCIAL_FEED_H

#include <stdbool.h>

#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum feed_field {
    FEED_ID,
    FEED_TITLE,
    FEED_LINK,
    FEED_AUTHOR,
    FEED_AUTHOR_URI,
    FEED_PUBLISHED,
    FEED_UPDATED,
    FEED_CONTENT,
    FEED_SUMMARY,
    FEED_VIDEO,   /* yt:videoId */
    FEED_CHANNEL, /* yt:channelId */
    FEED_FIELDS_N,
};

struct feed_entry {
    struct str fields[FEED_FIELDS_N]; /* absent: was not there */
    bool deleted;                     /* at:deleted-entry; PUBLISHED is when */
};

/* Each entry as it ends; its views live until each() returns. What the feed itself says of its
 * author stands in for an entry without one. */
typedef void feed_entry_fn(void *arg, const struct feed_entry *e);
/* NULL: read to its end; else why not (what came before was told). Bounded: 5,000 entries, 256 KiB
 * a field, depth 64; entities of a document's own are refused. */
const char *feed_read(struct str xml, feed_entry_fn *each, void *arg);

#endif
