/* Any bytes as a push and as a channel's touchpoint: read, written, saved and read again. */
#include "fuzz.h"

#include <touchline/kit/jread.h>

#include "touchpoint/touchpoint.h"

static void round_trip(const struct touchpoint *tp) {
    cleanup(touchpoint_freep) struct touchpoint *back = NULL;
    cleanup(buf_clear) struct buf text, saved;
    cleanup(json_freep) json_t *j = NULL;
    buf_init(&text, 64 << 20);
    buf_init(&saved, 64 << 20);
    if (tp->json && json_object_size(tp->json) &&
        (!touchpoint_write(tp, STR_NONE, STR_NONE, &text) ||
         !jread_parse(buf_str(&text), 64 << 20, &j, NULL)))
        abort();
    if (!touchpoint_save(tp, &saved) || !touchpoint_load(buf_str(&saved), &back, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct id_maker *ids;
    cleanup(json_freep) json_t *j = NULL;
    if (!ids)
        ids = id_maker_new(str_c("secret"));
    if (!jread_parse(str_make((const char *)data, size), 1 << 20, &j, NULL))
        return 0;
    for (int push = 0; push < 2; push++) {
        struct touchpoint_origin origin = {.source = STR("push:fuzz"),
                                           .source_id = STR("1"),
                                           .received_ms = 1795507200000,
                                           .region = STR("DE"),
                                           .push = push};
        cleanup(touchpoint_freep) struct touchpoint *tp = NULL;
        cleanup(fault_list_clear) struct fault_list faults;
        fault_list_init(&faults, 20);
        if (touchpoint_read(ids, j, &origin, &tp, &faults))
            round_trip(tp);
        else if (!faults.n)
            abort();
    }
    return 0;
}
