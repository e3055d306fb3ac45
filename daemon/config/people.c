/* config/people.c - tables of tokens, agents, skills and units, and what no table can say of them.
 */
#include "config/people.h"

#include <touchline/kit/own.h>

#include "config/config_priv.h"
#include "config/notices.h"

#define AT(type, member) offsetof(struct type, member)

enum { ID_MAX = 64, TOKEN_MIN = 6, TOKEN_MAX = 512, UNITS_PRESET = 10 };

const struct tl_key token_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(token_config, name),
     .min = 1,
     .max = ID_MAX,
     .help = "who pushes: part of the source, push:NAME; several tokens may share one"},
    {.name = "role",
     .type = TL_KEY_CHOICE,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(token_config, role),
     .choices = "adapter|operator",
     .help = "adapter may push touchpoints, operator may do all"},
    {.name = "trust",
     .type = TL_KEY_CHOICE,
     .offset = AT(token_config, trust),
     .choices = "claimed|verified",
     .preset = "claimed",
     .help = "what an adapter's word on identities is worth"},
    {.name = "token",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(token_config, token),
     .min = TOKEN_MIN,
     .max = TOKEN_MAX,
     .help = "the bearer token, as file:PATH or credential:NAME"},
    {.name = "channels",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = AT(token_config, channels),
     .choices = CHANNELS,
     .help = "channels that an adapter may push; absent: all"},
    {0},
};

static const struct tl_key membership_keys[] = {
    {.name = "id",
     .type = TL_KEY_REF,
     .flags = TL_KEY_REQUIRED | CONFIG_KEY_ALONE,
     .offset = AT(membership_config, id),
     .choices = "queues",
     .help = "the queue"},
    {.name = "tier",
     .type = TL_KEY_INT,
     .offset = AT(membership_config, tier),
     .min = 1,
     .max = QUEUE_TIERS_MAX,
     .preset = "1",
     .help = "agents of a lower tier are asked before; see tier_wait of the queue"},
    {.name = "weight",
     .type = TL_KEY_INT,
     .offset = AT(membership_config, weight),
     .min = 1,
     .max = 1000,
     .preset = "1",
     .help = "with the strategy weighted: the share of its tasks, beside the others' weights"},
    {0},
};

const struct tl_key agent_keys[] = {
    {.name = "id",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = AT(agent_config, id),
     .min = 1,
     .max = ID_MAX,
     .help = "what tasks and histories call the agent"},
    {.name = "name",
     .type = TL_KEY_STR,
     .offset = AT(agent_config, name),
     .min = 1,
     .max = 200,
     .help = "shown to people; absent: the id"},
    {.name = "password",
     .type = TL_KEY_SECRET,
     .offset = AT(agent_config, password),
     .max = 256,
     .help = "argon2id string made by `touchline password`; absent: no login"},
    {.name = "token",
     .type = TL_KEY_SECRET,
     .offset = AT(agent_config, token),
     .min = TOKEN_MIN,
     .max = TOKEN_MAX,
     .help = "bearer token of the agent's own programs; absent: none"},
    {.name = "email",
     .type = TL_KEY_STR,
     .offset = AT(agent_config, email),
     .min = 3,
     .max = 254,
     .help = "the agent's own address"},
    {.name = "role",
     .type = TL_KEY_CHOICE,
     .offset = AT(agent_config, role),
     .choices = "agent|supervisor",
     .preset = "agent",
     .help = "a supervisor sees and moves others' work in his queues, and takes tasks only where "
             "he has a capacity"},
    {.name = "queues",
     .type = TL_KEY_LIST,
     .sub = membership_keys,
     .sub_bytes = sizeof(struct membership_config),
     .offset = AT(agent_config, memberships),
     .help = "the queues served or watched: ids, or { id, tier, weight }"},
    {.name = "skills",
     .type = TL_KEY_INTMAP,
     .offset = AT(agent_config, skills),
     .min = 1,
     .max = 10,
     .choices = "skills",
     .help = "level of each skill, 1 to 10"},
    {.name = "capacity",
     .type = TL_KEY_INTMAP,
     .offset = AT(agent_config, capacity),
     .max = 1000,
     .choices = "units|" CHANNELS,
     .help = "units of work at a time (preset 10), and tasks of a channel"},
    {.name = "notify",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .offset = AT(agent_config, notify),
     .choices = "stream|mail|webhook",
     .preset = "stream",
     .help = "how the agent learns of a task; mail and webhook while he has no stream"},
    {.name = "webhook",
     .type = TL_KEY_MAP,
     .offset = AT(agent_config, webhook),
     .sub = webhook_keys,
     .sub_bytes = sizeof(((struct agent_config *)0)->webhook),
     .help = "where the agent's own program is told, signed as a Standard Webhook; absent: "
             "nowhere"},
    {.name = "lost_after",
     .type = TL_KEY_DURATION,
     .offset = AT(agent_config, lost_after_ms),
     .min = 60000,
     .max = INT64_C(7) * 86400000,
     .preset = "30m",
     .help = "accepted work of an agent without a stream goes back to its queue after this"},
    {0},
};

const struct tl_key skills_keys[] = {
    {.name = "skills",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_UNIQUE,
     .help = "names of skills that agents have and rules ask for"},
    {0},
};

const struct tl_key units_keys[] = {
    {.name = "units",
     .type = TL_KEY_INTMAP,
     .max = 1000,
     .choices = CHANNELS "|default",
     .preset = "{ default: 1 }",
     .help = "what one task of a channel weighs in an agent's units"},
    {0},
};

enum role token_role(const struct token_config *t) {
    return t->role == 0 ? ROLE_ADAPTER : ROLE_OPERATOR;
}

static const int64_t *int_find(const struct tl_ints *ints, struct str name) {
    for (size_t i = 0; i < ints->n; i++)
        if (str_eq(ints->items[i].name, name))
            return &ints->items[i].value;
    return NULL;
}

int64_t units_of(const struct tl_ints *units, struct str channel) {
    const int64_t *v = int_find(units, channel);
    if (!v)
        v = int_find(units, str_c("default"));
    return v ? *v : 1;
}

int64_t agent_units(const struct agent_config *a) {
    const int64_t *v = int_find(&a->capacity, str_c("units"));
    return v ? *v : UNITS_PRESET;
}

int64_t agent_tasks_max(const struct agent_config *a, struct str channel) {
    const int64_t *v = int_find(&a->capacity, channel);
    return v ? *v : INT64_MAX;
}

/* ---- checks ---- */

static void memberships_check(struct config_check *c, struct agent_config *a) {
    const struct membership_config *m = a->memberships.items;
    struct str *ids = config_check_memory(c, (a->memberships.n + 1) * sizeof *ids);
    for (size_t i = 0; i < a->memberships.n; i++) {
        ids[i] = m[i].id;
        for (size_t k = 0; k < i; k++)
            if (str_eq(m[i].id, m[k].id))
                config_check_fault(c, &m[i].id, "queues names \"%.*s\" twice", STR_ARG(m[i].id));
    }
    a->queues = (struct tl_strs){ids, a->memberships.n};
}

/* Names that end up in ids of sources, in paths of the API and in keys of the store. */
void config_check_name(struct config_check *c, const struct str *name) {
    bool plain = name->n > 0;
    for (size_t i = 0; i < name->n; i++) {
        char k = name->p[i];
        bool letter = (k >= 'a' && k <= 'z') || (k >= 'A' && k <= 'Z') || (k >= '0' && k <= '9');
        plain = plain && (letter || (i > 0 && (k == '.' || k == '_' || k == '-')));
    }
    if (!plain)
        config_check_fault(c, name, "allowed are letters and digits, and . _ - after the first");
}

/* RFC 6750 2.1, b64token: else no client could send it. */
static void token_check(struct config_check *c, const struct str *token) {
    size_t n = token->n;
    while (n > 1 && token->p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        char k = token->p[i];
        bool letter = (k >= 'a' && k <= 'z') || (k >= 'A' && k <= 'Z') || (k >= '0' && k <= '9');
        if (letter || (k && strchr("-._~+/", k)))
            continue;
        config_check_fault(c, token,
                           "the token holds a character that cannot be sent; allowed are "
                           "letters, digits and - . _ ~ + /");
        return;
    }
}

/* One token must mean one principal. */
static void token_alone(struct config_check *c, const struct str *token,
                        const struct tl_items *tokens, const struct tl_items *agents,
                        size_t agents_n) {
    const struct token_config *t = tokens->items;
    const struct agent_config *a = agents->items;
    bool twice = false;
    for (size_t i = 0; i < tokens->n && &t[i].token != token; i++)
        twice = twice || str_eq(t[i].token, *token);
    for (size_t i = 0; i < agents_n; i++)
        twice = twice || (a[i].token.p && str_eq(a[i].token, *token));
    if (twice)
        config_check_fault(c, token, "the same token stands already elsewhere; each needs its own");
}

void tokens_check(const void *tokens, struct config_check *c) {
    const struct tl_items *list = tokens;
    const struct token_config *t = list->items;
    static const struct tl_items none;
    for (size_t i = 0; i < list->n; i++) {
        config_check_name(c, &t[i].name);
        token_check(c, &t[i].token);
        token_alone(c, &t[i].token, list, &none, 0);
        if (token_role(&t[i]) != ROLE_ADAPTER && t[i].channels.n)
            config_check_fault(c, &t[i].channels,
                               "channels are an adapter's; an operator may do all");
    }
}

static void agent_check(struct config_check *c, const struct agent_config *a) {
    config_check_name(c, &a->id);
    if (a->password.p && !str_starts(a->password, str_c("$argon2id$")))
        config_check_fault(c, &a->password,
                           "the file holds no argon2id string; make one with `touchline password`");
    if (a->email.p) {
        ptrdiff_t at = str_find(a->email, '@');
        if (at < 1 || (size_t)at + 1 >= a->email.n || str_find(a->email, ' ') >= 0)
            config_check_fault(c, &a->email, "not an address; allowed is name@example.org");
    }
    notify_check(c, a);
}

void agents_check(const void *agents, struct config_check *c) {
    const struct tl_items *list = agents;
    const struct tl_items *tokens = config_get(config_check_config(c), "tokens");
    /* The structs are this load's own and nobody has seen them yet: what follows from other members
     * is completed here, once. */
    struct agent_config *a = (struct agent_config *)(uintptr_t)list->items;
    for (size_t i = 0; i < list->n; i++) {
        agent_check(c, &a[i]);
        memberships_check(c, &a[i]);
        if (!a[i].name.p)
            a[i].name = a[i].id;
        a[i].takes_tasks = a[i].role == 0 || a[i].capacity.n > 0;
        if (!a[i].token.p)
            continue;
        token_check(c, &a[i].token);
        token_alone(c, &a[i].token, tokens, list, i);
    }
}

void skills_check(const void *skills, struct config_check *c) {
    const struct tl_strs *names = skills;
    for (size_t i = 0; i < names->n; i++)
        config_check_name(c, &names->items[i]);
}
