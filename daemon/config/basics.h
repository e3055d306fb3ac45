/* config/basics.h - the sections that belong to no other room, and the list of all that this room
 * brings.
 *
 * main.c composes the root table: these, and each room's own beside them.
 *
 *     static const struct config_section sections[] = {
 *         CONFIG_OWN_SECTIONS,
 *         {"listen", listen_keys, sizeof(struct listen_config), CONFIG_SECTION_LIST |
 * CONFIG_SECTION_FIXED, check},
 *         {"limits", limits_keys, sizeof(struct limits_config), 0, NULL},
 *         {"spool", spool_keys, sizeof(struct spool_config), 0, NULL},
 *         {"rules", rules_keys, sizeof(struct config_node *), CONFIG_SECTION_VALUE, rules_check},
 *         ...
 *         {0},
 *     };
 */
#ifndef CONFIG_BASICS_H
#define CONFIG_BASICS_H

#include "config/config.h"
#include "config/notices.h"
#include "config/people.h"
#include "config/time.h"

/* identity: */
enum { LINK_CLAIMS_YES, LINK_CLAIMS_SUGGEST };
struct identity_config {
    int64_t link_claims;  /* index in "yes|suggest" */
    struct tl_strs phone; /* networks whose sender is a phone number: "whatsapp", "sms" */
};

/* episode: */
struct episode_config {
    int64_t window_ms; /* 0: none are kept */
};

/* log: */
struct log_config {
    int64_t level;  /* index in "error|warn|info|debug": one less than enum log_level */
    int64_t format; /* index in "logfmt" */
};

/* state and plugins: absolute paths; secret: its bytes; region: "DE"; language: index in "de|en".
 */
extern const struct tl_key state_keys[], secret_keys[], region_keys[], language_keys[],
    plugins_keys[], identity_keys[], episode_keys[], log_keys[];
void region_check(const void *region, struct config_check *c);

/* What the router is told, and what a replay of recorded days needs to know. */
/* clang-format off */
#define CONFIG_ROUTING_SECTIONS                                                                     \
    {"agents", agent_keys, sizeof(struct agent_config), CONFIG_SECTION_LIST, agents_check},         \
    {"queues", queue_keys, sizeof(struct queue_config), CONFIG_SECTION_LIST, queues_check},         \
    {"calendars", calendar_keys, sizeof(struct calendar_config), CONFIG_SECTION_LIST, calendars_check}, \
    {"service_levels", level_keys, sizeof(struct level_config), CONFIG_SECTION_LIST, levels_check}, \
    {"skills", skills_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, skills_check},            \
    {"units", units_keys, sizeof(struct tl_ints), CONFIG_SECTION_VALUE, NULL},                      \
    {"blocks", blocks_keys, sizeof(struct blocks_config), 0, blocks_check},                         \
    {"key_accounts", key_accounts_keys, sizeof(struct key_accounts_config), 0, NULL}

#define CONFIG_OWN_SECTIONS                                                                        \
    {"state", state_keys, sizeof(struct str), CONFIG_SECTION_VALUE | CONFIG_SECTION_FIXED, NULL},   \
    {"secret", secret_keys, sizeof(struct str), CONFIG_SECTION_VALUE | CONFIG_SECTION_FIXED, NULL}, \
    {"region", region_keys, sizeof(struct str), CONFIG_SECTION_VALUE, region_check},                \
    {"language", language_keys, sizeof(int64_t), CONFIG_SECTION_VALUE, NULL},                       \
    {"plugins", plugins_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},                  \
    {"identity", identity_keys, sizeof(struct identity_config), 0, NULL},                           \
    {"episode", episode_keys, sizeof(struct episode_config), 0, NULL},                              \
    {"notices", notices_keys, sizeof(struct notices_config), 0, notices_check},                     \
    {"log", log_keys, sizeof(struct log_config), 0, NULL},                                          \
    {"tokens", token_keys, sizeof(struct token_config), CONFIG_SECTION_LIST, tokens_check},         \
    CONFIG_ROUTING_SECTIONS
/* clang-format on */

#endif
