/* forms/submission.h - one request from its arrival to its answer.
 *
 *   origin, rate ─► signature ─► fields ─► trap, time, what is asked ─► captcha ─► kept ─► answer
 */
#ifndef FORMS_SUBMISSION_H
#define FORMS_SUBMISSION_H

#include <touchline/kit/list.h>
#include <touchline/plugin.h>

#include "form.h"
#include "rate.h"

struct captcha;

struct forms {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct tl_items *config; /* struct form_config */
    struct rate_table *rates;
    struct captcha *captcha;
    struct link submissions; /* under way; no answer comes after stop */
};

/* Freed with its answer. */
struct submission {
    struct link link;
    struct forms *forms;
    struct tl_request *req;
    const struct form_config *form; /* NULL: a reload has taken it away meanwhile */
    struct str form_name;
    struct arena arena;
    struct form_data data;
    struct str origin;
    struct rate_verdict rate;
    struct str peer, next;
    const char *trapped;  /* why it goes to quarantine; NULL: it does not */
    bool json, unchecked; /* unchecked: the captcha's maker could not be asked */
};

const struct form_config *form_find(const struct forms *f, struct str name);
/* Judges it and answers in the end. */
void submission_begin(struct forms *f, struct tl_request *req, const struct form_config *form);
void submission_free(struct submission *take_s);

/* answer.c: each ends the submission. */
void answer_kept(struct submission *take_s, const struct tl_outcome *o);
void answer_problem(struct submission *take_s, int status, const char *code, const char *detail,
                    const struct fault_list *faults);

#endif
