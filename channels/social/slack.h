/* social/slack.h - between the files of this provider. */
#ifndef SOCIAL_SLACK_H
#define SOCIAL_SLACK_H

#include "provider.h"

/* The `read_bytes` of its row (slack_read.c). */
bool slack_read(const struct tl_read *in, const json_t *meta, const struct tl_emit *out);
/* "C024BE91L:1355517523.000005": a message is known by channel and time. Absent: not both. */
struct str slack_message_id(struct arena *a, struct str channel, struct str ts);
/* mrkdwn as people read it: entities, links, names (slack_text.c). */
struct str slack_text(struct arena *a, struct str mrkdwn);

#endif
