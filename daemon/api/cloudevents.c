/* api/cloudevents.c - CloudEvents 1.0 over HTTP: structured and binary mode (the batch is a list of
 * the first).
 *
 * Source: CloudEvents 1.0.2, HTTP protocol binding 3.1 to 3.3. `data` is the contract's push
 * object.
 */
#include <touchline/kit/base64.h>
#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

#include "api/push.h"

enum { EVENT_DATA_MAX = 32 * 1024 * 1024, EVENT_ATTRIBUTE_MAX = 2048 };

void cloud_event_clear(struct cloud_event *e) {
    json_freep(&e->data);
}

static bool attribute(const json_t *event, const char *name, int *out_status, struct str *out,
                      struct fault *f) {
    *out = jget_str(event, name);
    if (out->n && out->n <= EVENT_ATTRIBUTE_MAX)
        return true;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%s", name);
    *out_status = 422;
    return fault_set(f, FAULT_INPUT, pointer, "a CloudEvent needs `%s`, text of 1 to %d bytes",
                     name, EVENT_ATTRIBUTE_MAX);
}

static bool version_known(struct str version, int *out_status, struct fault *f) {
    if (str_is(version, "1.0"))
        return true;
    *out_status = 400;
    return fault_set(f, FAULT_INPUT, "/specversion", "only specversion 1.0 is read");
}

static bool data_of(const json_t *event, json_t **out, int *out_status, struct fault *f) {
    json_t *data = json_object_get(event, "data");
    struct str coded = jget_str(event, "data_base64");
    *out_status = 422;
    if (data && coded.p)
        return fault_set(f, FAULT_INPUT, "/data_base64", "data and data_base64 exclude each other");
    if (coded.p) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, EVENT_DATA_MAX);
        if (!base64_decode(&b, coded, false))
            return fault_set(f, FAULT_INPUT, "/data_base64", "not base64");
        struct fault inner = {0};
        if (!jread_parse(buf_str(&b), EVENT_DATA_MAX, out, &inner))
            return fault_set(f, FAULT_INPUT, "/data_base64", "holds no JSON: %s", inner.reason);
        return true;
    }
    if (!data)
        return fault_set(f, FAULT_INPUT, "/data", "a CloudEvent needs `data`: the touchpoint");
    *out = json_incref(data);
    return true;
}

bool cloud_event_structured(const json_t *event, struct cloud_event *out, int *out_status,
                            struct fault *f) {
    struct str type;
    *out = (struct cloud_event){0};
    if (!json_is_object(event)) {
        *out_status = 422;
        return fault_set(f, FAULT_INPUT, "", "a CloudEvent is an object");
    }
    if (!version_known(jget_str(event, "specversion"), out_status, f) ||
        !attribute(event, "id", out_status, &out->id, f) ||
        !attribute(event, "source", out_status, &out->source, f) ||
        !attribute(event, "type", out_status, &type, f))
        return false;
    out->time = jget_str(event, "time");
    return data_of(event, &out->data, out_status, f);
}

/* A ce- header, percent-decoded once (HTTP binding 3.1.3.2). */
static bool ce_header(struct http_request *r, const char *name, bool required, struct str *out,
                      int *out_status, struct fault *f) {
    struct str raw = http_header(r, name);
    *out = STR_NONE;
    *out_status = 422;
    if (!raw.p)
        return !required || fault_set(f, FAULT_INPUT, "", "the header %s is missing", name);
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EVENT_ATTRIBUTE_MAX);
    if (!percent_decode(&b, str_trim(raw)) || !b.n || !utf8_valid(buf_str(&b)))
        return fault_set(f, FAULT_INPUT, "", "the header %s is empty, too long or wrongly escaped",
                         name);
    *out = arena_str(http_arena(r), buf_str(&b));
    return true;
}

bool cloud_event_binary(struct http_request *r, struct cloud_event *out, int *out_status,
                        struct fault *f) {
    struct str type;
    *out = (struct cloud_event){0};
    if (!version_known(str_trim(http_header(r, "ce-specversion")), out_status, f) ||
        !ce_header(r, "ce-id", true, &out->id, out_status, f) ||
        !ce_header(r, "ce-source", true, &out->source, out_status, f) ||
        !ce_header(r, "ce-type", true, &type, out_status, f) ||
        !ce_header(r, "ce-time", false, &out->time, out_status, f))
        return false;
    *out_status = 400;
    return jread_parse(http_body(r), EVENT_DATA_MAX, &out->data, f);
}

bool cloud_event_item(const struct cloud_event *e, struct push_item *out, struct fault *f) {
    *out = (struct push_item){
        .json = e->data, .source_id = e->id, .event_source = e->source, .at_ms = -1};
    if (e->time.p && !date_parse(e->time, &out->at_ms))
        return fault_set(f, FAULT_INPUT, "/time", "a time by RFC 3339 is expected");
    return true;
}
