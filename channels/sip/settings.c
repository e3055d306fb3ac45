/* sip/settings.c - see settings.h. */
#include "settings.h"

#include <stdio.h>

#include <touchline/kit/zone.h>

#include "format.h"

struct str settings_source(const struct log_config *c) {
    return c->group.n ? c->group : c->name;
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
     .help = "its name; the source is sip:NAME"},
    {.name = "format",
     .type = TL_KEY_CHOICE,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct log_config, format),
     .choices = "kamailio|asterisk-csv|freeswitch|freeswitch-csv|json|clf|hep|kamailio-dbtext|"
                "kamailio-flat|opensips|asterisk-custom|asterisk-json|asterisk-queue|asterisk-cel",
     .help = "what writes it"},
    {.name = "group",
     .type = TL_KEY_STR,
     .offset = offsetof(struct log_config, group),
     .max = 64,
     .help =
         "several logs that tell of the same calls (records and queue_log): one source sip:GROUP"},
    {.name = "file",
     .type = TL_KEY_PATH,
     .offset = offsetof(struct log_config, file),
     .help = "the file; it may appear later"},
    {.name = "directory",
     .type = TL_KEY_PATH,
     .offset = offsetof(struct log_config, directory),
     .help = "a folder of tables (kamailio-dbtext) or of a record each"},
    {.name = "listen",
     .type = TL_KEY_ADDRESS,
     .offset = offsetof(struct log_config, listen),
     .help = "where packets come in, UDP and TCP (hep): 0.0.0.0:9060"},
    {.name = "user",
     .type = TL_KEY_STR,
     .offset = offsetof(struct log_config, user),
     .max = 128,
     .help = "who may post records to /cdr/NAME (Basic); absent: anybody who reaches it"},
    {.name = "password",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct log_config, password),
     .help = "his password"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct log_config, secret),
     .help = "the key that each packet must carry (hep)"},
    {.name = "trust_asserted",
     .type = TL_KEY_BOOL,
     .offset = offsetof(struct log_config, trust_asserted),
     .help = "the trunk's P-Asserted-Identity is the caller (hep, RFC 3325)"},
    {.name = "columns",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct log_config, columns),
     .max = 64,
     .help = "names of the columns in their order, where the file's are not the usual ones"},
    {.name = "contexts",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct log_config, contexts),
     .help = "dialplan contexts by which calls come in from outside: [from-trunk]"},
    {.name = "queues",
     .type = TL_KEY_STRMAP,
     .offset = offsetof(struct log_config, queues),
     .help = "names of queues by their number or id: {8001: support}"},
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

static bool wrong(tl_report_fn *report, void *ctx, size_t i, const char *key, const char *why) {
    char path[64];
    snprintf(path, sizeof path, "%zu/%s", i, key);
    report(ctx, str_c(path), why);
    return false;
}

/* Where its records come from must fit its format. */
static bool check_way(const struct log_config *c, size_t i, tl_report_fn *report, void *ctx) {
    const struct format *f = format_at(c->format);
    int ways = (c->file.n > 0) + (c->directory.n > 0) + (c->listen.n > 0);
    if (ways > 1)
        return wrong(report, ctx, i, "file", "one of file, directory and listen is expected");
    if (!ways && !f->document)
        return wrong(report, ctx, i, "file", "is missing");
    if (c->file.n && !f->read)
        return wrong(report, ctx, i, "file", "this format is not one of lines");
    if (c->directory.n && !f->document && !f->files)
        return wrong(report, ctx, i, "directory", "this format is not one of a folder");
    if (c->listen.n && !f->packet)
        return wrong(report, ctx, i, "listen", "this format is not one of packets");
    return true;
}

bool settings_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    bool ok = true;
    for (size_t i = 0; i < all->n; i++) {
        size_t low, high;
        struct zone *z = zone_open(logs[i].zone);
        if (!z)
            ok =
                wrong(report, ctx, i, "zone", "is no time zone of this system; like Europe/Berlin");
        zone_free(z);
        if (!extensions_read(logs[i].trunk.extensions, &low, &high))
            ok = wrong(report, ctx, i, "trunk/extensions",
                       "two digits with a hyphen are expected, like 2-4");
        ok &= check_way(&logs[i], i, report, ctx);
        if (!logs[i].user.n != !logs[i].password.n)
            ok = wrong(report, ctx, i, "user", "user and password belong together");
    }
    return ok;
}
