/* config/notices.h - how agents without a stream are told of their work: the section `notices`, and
 * an agent's `notify` and `webhook`.
 *
 * delivery/ takes from here; people.c holds the table of agents.
 */
#ifndef CONFIG_NOTICES_H
#define CONFIG_NOTICES_H

#include <stdint.h>

#include <touchline/plugin.h>

struct agent_config;
struct config_check;

/* notices: */
struct notices_config {
    struct str mailbox; /* of channels.email; absent: no mail to agents */
    struct str base;    /* what links in the mails begin with; a slash at its end is ignored */
    int64_t link_valid_ms;
};

extern const struct tl_key notices_keys[], webhook_keys[];
void notices_check(const void *notices, struct config_check *c);
/* Part of agents_check: each way named by `notify` can be gone. */
void notify_check(struct config_check *c, const struct agent_config *a);

/* Whether the agent is told this way: "mail", "webhook". */
bool agent_told_by(const struct agent_config *a, const char *way);

#endif
