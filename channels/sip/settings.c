/* sip/settings.c - see settings.h. */
#include "settings.h"

#include <stdio.h>

#include "format.h"
#include "zone.h"

/* In the order of the choices below. */
static const struct format *const formats[] = {&format_kamailio, &format_asterisk_csv};

const struct format *settings_format(int64_t index) {
    return formats[index];
}

static const struct tl_key trunk_keys[] = {
    {.name = "country",
     .type = TL_KEY_INT,
     .offset = offsetof(struct trunk_config, country),
     .min = 1,
     .max = 999,
     .help = "country code of national numbers: 49"},
    {.name = "national",
     .type = TL_KEY_STR,
     .offset = offsetof(struct trunk_config, national),
     .max = 5,
     .help = "what stands before a national number: 0"},
    {.name = "international",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct trunk_config, international),
     .help = "what stands before a country code: [00]"},
    {.name = "inbound",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct trunk_config, inbound),
     .help = "numbers called that are ours: beginning with \"+4930555\", or equal to \"100\""},
    {.name = "extensions",
     .type = TL_KEY_STR,
     .offset = offsetof(struct trunk_config, extensions),
     .max = 3,
     .preset = "2-6",
     .help = "digits of an extension: 2-4"},
    {0},
};

const struct tl_key settings_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct log_config, name),
     .max = 64,
     .help = "the source: sip:NAME"},
    {.name = "format",
     .type = TL_KEY_CHOICE,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct log_config, format),
     .choices = "kamailio|asterisk-csv",
     .help = "what writes it"},
    {.name = "file",
     .type = TL_KEY_PATH,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct log_config, file),
     .help = "the file; it may appear later"},
    {.name = "trunk",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct log_config, trunk),
     .sub = trunk_keys,
     .sub_bytes = sizeof(struct trunk_config),
     .help = "how numbers are dialled here"},
    {.name = "zone",
     .type = TL_KEY_STR,
     .offset = offsetof(struct log_config, zone),
     .max = 64,
     .help = "time zone of the log's times, where it names none: Europe/Berlin"},
    {0},
};

bool settings_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    bool ok = true;
    char path[64];
    for (size_t i = 0; i < all->n; i++) {
        size_t low, high;
        struct zone *z = zone_open(logs[i].zone);
        if (!z) {
            snprintf(path, sizeof path, "%zu/zone", i);
            report(ctx, str_c(path), "is no time zone of this system; like Europe/Berlin");
            ok = false;
        }
        zone_free(z);
        if (!extensions_read(logs[i].trunk.extensions, &low, &high)) {
            snprintf(path, sizeof path, "%zu/trunk/extensions", i);
            report(ctx, str_c(path), "two digits with a hyphen are expected, like 2-4");
            ok = false;
        }
    }
    return ok;
}
