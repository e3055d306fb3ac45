/* api/push.h - one pushed item: from JSON to its status and answer. Shared by the single and the
 * many. */
#ifndef API_PUSH_H
#define API_PUSH_H

#include <jansson.h>

#include "api/api_priv.h"

/* What surrounds an item. */
struct push_item {
    const json_t *json;      /* the push object; borrowed until done */
    struct str raw;          /* its bytes, for an id where it names none */
    struct str source_id;    /* of a CloudEvent or the Idempotency-Key; else absent */
    struct str event_source; /* of a CloudEvent */
    int64_t at_ms;           /* time of a CloudEvent, where the item names none; -1: none */
};

/* Once an item, never from inside. body: members of the answer without braces ("\"id\":…"), or a
 * problem's object. */
typedef void push_done_fn(void *arg, int status, struct str body, const char *code);
void push_one(struct call *c, const struct push_item *item, push_done_fn *done, void *arg);

/* CloudEvents 1.0: the attributes and the data of one event; false: *out_status (400, 415, 422) and
 * the fault tell. */
struct cloud_event {
    struct str id, source, time;
    json_t *data; /* owned */
};
bool cloud_event_structured(const json_t *event, struct cloud_event *out, int *out_status,
                            struct fault *f) must_check;
bool cloud_event_binary(struct http_request *r, struct cloud_event *out, int *out_status,
                        struct fault *f) must_check;
void cloud_event_clear(struct cloud_event *e);
/* Fills an item from an event. */
bool cloud_event_item(const struct cloud_event *e, struct push_item *out, struct fault *f)
    must_check;

/* A batch: an array or lines, each judged alone; answers the call with 207. */
enum batch_form { BATCH_JSON, BATCH_LINES, BATCH_EVENTS };
void push_batch(struct call *c, enum batch_form form);

#endif
