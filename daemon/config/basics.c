/* config/basics.c - tables of the sections that belong to no other room. */
#include "config/basics.h"

#include "config/config_priv.h"

const struct tl_key state_keys[] = {
    {.name = "state",
     .type = TL_KEY_PATH,
     .flags = TL_KEY_REQUIRED,
     .help = "folder of the spool, the cursors and the blobs; local disk, kept and backed up"},
    {0},
};

const struct tl_key secret_keys[] = {
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .min = 16,
     .max = 1024,
     .help =
         "at least 16 random bytes that ids and tokens are keyed with; back it up: never changes"},
    {0},
};

const struct tl_key region_keys[] = {
    {.name = "region",
     .type = TL_KEY_STR,
     .min = 2,
     .max = 2,
     .preset = "DE",
     .help = "country (ISO 3166) of numbers without a country code"},
    {0},
};

const struct tl_key language_keys[] = {
    {.name = "language",
     .type = TL_KEY_CHOICE,
     .choices = "de|en",
     .preset = "en",
     .help = "of explanations and notices"},
    {0},
};

const struct tl_key plugins_keys[] = {
    {.name = "plugins",
     .type = TL_KEY_STRS,
     .flags = CONFIG_KEY_PATHS,
     .help = "folders of channels; absent: channels/ beside the program, then where they are "
             "installed"},
    {0},
};

const struct tl_key identity_keys[] = {
    {.name = "link_claims",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct identity_config, link_claims),
     .choices = "yes|suggest",
     .preset = "yes",
     .help =
         "whether identities that are only claimed together become one contact, or a suggestion"},
    {.name = "phone",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = offsetof(struct identity_config, phone),
     .choices = "whatsapp|sms",
     .preset = "[whatsapp, sms]",
     .help = "networks whose sender counts as a phone number"},
    {0},
};

const struct tl_key episode_keys[] = {
    {.name = "window",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct episode_config, window_ms),
     .max = INT64_C(30) * 86400000,
     .preset = "0s",
     .help =
         "what a person comes with within this after the last time, by whatever channel, is one "
         "episode with one owner; 0: none are kept"},
    {0},
};

const struct tl_key log_keys[] = {
    {.name = "level",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct log_config, level),
     .choices = "error|warn|info|debug",
     .preset = "info",
     .help = "the least important that is told"},
    {.name = "format",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct log_config, format),
     .choices = "logfmt",
     .preset = "logfmt",
     .help = "how a line is written"},
    {0},
};

void region_check(const void *region, struct config_check *c) {
    const struct str *s = region;
    for (size_t i = 0; i < s->n; i++)
        if (s->p[i] < 'A' || s->p[i] > 'Z') {
            config_check_fault(c, region, "region is a country in two capital letters: DE");
            return;
        }
}
