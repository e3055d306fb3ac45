/* store/attention.h - who looks at a contact's conversations, or writes in one, right now.
 *
 * Kept by contact, so that two agents in two conversations of one person see each other; told on
 * the contact's channel (store/watch.h). functions/task_attention.lua.
 */
#ifndef STORE_ATTENTION_H
#define STORE_ATTENTION_H

#include <touchline/kit/own.h>

#include "store/answer.h"
#include "store/store.h"

enum { ATTENTION_MS = 30000 }; /* as long as it holds without renewal */

struct attention {
    struct str contact, conversation, agent;
    struct str state; /* viewing replying; absent: he looks away */
};
/* false: no id of a contact; nothing follows.
 * OK: {"agent","conversation","state","expires_at","others": […]}. */
bool store_attention_put(struct store *s, const struct attention *a, answer_fn *done, void *arg)
    must_check;
/* OK: what others than this agent do, [{"agent","conversation","state","expires_at"}…]. */
bool store_attention(struct store *s, struct str contact, struct str agent, answer_fn *done,
                     void *arg) must_check;

#endif
