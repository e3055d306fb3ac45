/* imap.c - the boxes: one a mailbox that has `imap`, after each reload those that are needed. */
#include "imap.h"

#include <stdlib.h>

#include <touchline/kit/own.h>

#include "imap_box.h"
#include "imap_survey.h"

struct imap {
    struct email *email;
    struct link boxes, surveys;
};

static struct imap_box *find(struct imap *i, struct str name) {
    list_each (l, &i->boxes) {
        struct imap_box *b = container_of(l, struct imap_box, link);
        if (str_eq(b->name, name))
            return b;
    }
    return NULL;
}

static void add_missing(struct imap *i) {
    const struct email_config *c = i->email->config;
    for (size_t j = 0; j < c->mailboxes.n; j++) {
        const struct mailbox_config *m = mailbox_at(c, j);
        if (m->imap.url.n && !find(i, m->name))
            list_push(&i->boxes, &imap_box_new(i->email, m)->link);
    }
}

static bool still_wanted(const struct imap *i, const struct imap_box *b) {
    const struct email_config *c = i->email->config;
    for (size_t j = 0; j < c->mailboxes.n; j++)
        if (imap_box_same(b, i->email, mailbox_at(c, j)))
            return true;
    return false;
}

struct imap *imap_open(struct email *e) {
    struct imap *i = NEW(struct imap);
    i->email = e;
    link_init(&i->boxes);
    link_init(&i->surveys);
    add_missing(i);
    return i;
}

void imap_reload(struct imap *i) {
    list_each (l, &i->boxes) {
        struct imap_box *b = container_of(l, struct imap_box, link);
        if (still_wanted(i, b))
            continue;
        imap_surveys_end(&i->surveys, b, "the mailbox is configured otherwise now");
        imap_box_close(b, false);
    }
    add_missing(i);
}

void imap_drain(struct imap *i) {
    imap_surveys_end(&i->surveys, NULL, "the daemon is stopping");
    list_each (l, &i->boxes)
        imap_box_drain(container_of(l, struct imap_box, link));
}

void imap_close(struct imap *i) {
    struct link *l;
    if (!i)
        return;
    imap_surveys_end(&i->surveys, NULL, NULL);
    while ((l = list_first(&i->boxes)))
        imap_box_close(container_of(l, struct imap_box, link), true);
    free(i);
}

bool imap_operate(struct imap *i, struct tl_operation *op, const struct tl_operate *what) {
    struct str name = what->source;
    bool backfill = str_is(what->kind, "backfill");
    str_cut(&name, ':');
    struct imap_box *b = find(i, name);
    if (!b || (!backfill && !str_is(what->kind, "reconcile")))
        return false;
    imap_survey_begin(&i->surveys, b, op, what, backfill);
    return true;
}
