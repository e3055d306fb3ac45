/* dispatch/create.c - a task by hand, on a conversation or a contact that exists. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"
#include "store/read.h"

enum { BODY_MAX = 1 << 20 };

/* The body while its conversation or contact is looked up. */
struct create {
    struct owed *owed;
    json_t *json; /* the body: what `said` looks at */
    struct create_body said;
    char *by;
};

static void create_end(struct create *c) {
    create_body_clear(&c->said);
    json_decref(c->json);
    free(c->by);
    free(c);
}

static void give(struct create *c, struct str contact, struct str channel, struct str subject) {
    uint8_t random[16];
    char id[2 + BASE32_ID + 1] = "t_", reason[NAME_MAX_BYTES + 16];
    struct dispatch *d = c->owed->waits.d;
    bytes_random(random, sizeof random);
    base32_id(random, id + 2);
    snprintf(reason, sizeof reason, "made by %s", c->by);
    struct task_wanted w = {.task = str_c(id),
                            .conversation = c->said.conversation,
                            .contact = contact,
                            .queue = c->said.queue,
                            .channel = channel.n ? channel : str_c("other"),
                            .subject = c->said.subject.n ? c->said.subject : subject,
                            .priority = c->said.priority,
                            .skills = buf_str(&c->said.skills),
                            .tags = buf_str(&c->said.tags),
                            .due_ms = c->said.due_ms,
                            .at_ms = clock_wall_ms()};
    store_task_hand(d->store, &w, str_c(reason), owed_moved, c->owed);
}

/* The conversation, or the contact where none was named. */
static void on_found(void *arg, const struct answer *a) {
    struct create *c = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (!c->owed->waits.d) {
        owed_tell(c->owed, NULL);
    } else if (a->kind == ANSWER_NOT_FOUND || a->kind == ANSWER_GONE) {
        owed_tell(c->owed,
                  &(struct answer){.kind = ANSWER_REFUSED,
                                   .code = "invalid",
                                   .pointer = c->said.conversation.n ? "/conversation" : "/contact",
                                   .detail = "there is no such resource"});
    } else if (a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL)) {
        owed_tell(c->owed, a);
    } else if (c->said.conversation.n) {
        give(c, jget_str(j, "contact"), jget_str(j, "channel"), jget_str(j, "subject"));
    } else {
        give(c, jget_str(j, "id"), STR_NONE, STR_NONE);
    }
    create_end(c);
}

void dispatch_create(struct dispatch *d, struct dispatch_actor who, struct str body,
                     answer_fn *done, void *arg) {
    struct create *c = NEW(struct create);
    struct fault f = {0};
    c->owed = owed_new(d, done, arg);
    c->by = mem_dup(who.name.p, who.name.n < NAME_MAX_BYTES ? who.name.n : NAME_MAX_BYTES);
    create_body_init(&c->said);
    if (!d->running) {
        owed_later(c->owed, ANSWER_LATER, "store-unavailable", NULL,
                   "the store is away or not recovered yet; try again");
        create_end(c);
    } else if (!jread_parse(body, BODY_MAX, &c->json, &f) ||
               !body_read_create(d->people, c->json, &c->said, &f)) {
        owed_later(c->owed, ANSWER_REFUSED, "invalid", f.place, f.reason);
        create_end(c);
    } else if (c->said.conversation.n) {
        store_get_conversation(d->store, c->said.conversation, 1, STR_NONE, on_found, c);
    } else {
        store_get_contact(d->store, c->said.contact, on_found, c);
    }
}
