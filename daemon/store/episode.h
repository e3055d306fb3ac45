/* store/episode.h - what one person is about, across channels: visits put together. Pure.
 *
 * A part keeps its visits of the last 30 days (functions/contact_visit.lua): each a touchpoint, or
 * the pieces of one talk in writing. What an episode is follows from their times alone, so neither
 * the order in which records came nor how a contact was merged and split makes a difference:
 *
 *   ──v──v───v──────────────────v────v──►      a gap above the window ends an episode
 *     └ c_1 ─┘                  └ c_2┘
 *
 * Called by: store/json.c to show it, ingest/episode.c to decide by it.
 */
#ifndef STORE_EPISODE_H
#define STORE_EPISODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/str.h>

#include "touchpoint/id.h"

struct arena;
struct jwrite;

enum { EPISODE_CHANNEL_MAX = 31 };
extern const int64_t episode_repeat_ms; /* so far back the same matter counts: 30 days */

/* subject, order: hashes of what it is about, 0: nothing known. */
struct episode_visit {
    int64_t from_ms, to_ms;
    int channel; /* from 1, as in contact_channels */
    unsigned inbound, touchpoints;
    struct id first, conversation;
    uint32_t subject, order;
};
/* Who accepted work of a conversation, or replied in it, last. */
struct episode_mark {
    struct id conversation;
    int64_t at_ms;
    struct str agent;
};

/* All visits of a contact, by time. Lives in an arena; agents are views. */
struct episodes {
    struct arena *arena;
    int64_t window_ms; /* of whoever wrote last; 0: nobody keeps episodes */
    struct episode_visit *visits;
    struct episode_mark *marks;
    size_t visits_n, marks_n;
};
void episodes_init(struct episodes *e, struct arena *a);
/* Adds what one part keeps; the views must live as long as the arena. Bytes that none of ours wrote
 * end the reading. */
void episodes_add(struct episodes *e, struct str visits, struct str marks);
void episodes_copy(struct episodes *out, const struct episodes *from, struct arena *a);
/* Adds a touchpoint that is not kept yet, or may be: then nothing changes. */
void episodes_note(struct episodes *e, const struct episode_visit *v);

struct episode {
    const struct episode_visit *visits; /* the first of n */
    size_t n, touchpoints;
    struct id id; /* of the touchpoint that began it */
    int64_t since_ms, last_ms, until_ms;
    uint32_t channels; /* bit of each */
    struct str owner;  /* or absent */
};
/* window_ms 0, or nothing at that time: false. */
bool episode_at(const struct episodes *e, int64_t window_ms, int64_t at_ms, struct episode *out);
bool episode_of_conversation(const struct episodes *e, int64_t window_ms, struct id conversation,
                             struct episode *out);
bool episode_last(const struct episodes *e, int64_t window_ms, struct episode *out);
/* How many times the person has come by then: within the episode, or within 30 days about the same
 * conversation, subject or order. v itself counts. */
size_t episode_repeat(const struct episodes *e, int64_t window_ms, const struct episode_visit *v);

/* Member `episode` of a contact or a conversation; NULL: null. */
void episode_json(struct jwrite *w, const struct episode *ep);

#endif
