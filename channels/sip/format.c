/* sip/format.c - the formats, in the order of the configuration's choices (settings.c). */
#include "format.h"

static const struct format *const formats[] = {&format_kamailio,
                                               &format_asterisk_csv,
                                               &format_freeswitch,
                                               &format_freeswitch_csv,
                                               &format_json,
                                               &format_clf,
                                               &format_hep,
                                               &format_kamailio_dbtext,
                                               &format_kamailio_flat,
                                               &format_opensips,
                                               &format_asterisk_custom,
                                               &format_asterisk_json,
                                               &format_asterisk_queue,
                                               &format_asterisk_cel};

const struct format *format_at(int64_t index) {
    return index >= 0 && (size_t)index < COUNT(formats) ? formats[index] : NULL;
}
