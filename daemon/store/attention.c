/* store/attention.c - see attention.h; functions/task_attention.lua. */
#include "store/attention.h"

#include <stdio.h>

#include <touchline/kit/buf.h>

#include "store/contact.h"
#include "store/task_priv.h"

enum { LOOK_KEY_MAX = ID_TEXT + 8, JSON_MAX = 1 << 20 };

/* "{c_…}:l"; false: no id of a contact. */
static bool key_of(struct str contact, char out[LOOK_KEY_MAX]) {
    char channel[ID_TEXT + 4];
    struct id id;
    if (!id_read(contact, 'c', &id))
        return false;
    snprintf(out, LOOK_KEY_MAX, "%.*s:l", STR_ARG(contact_channel(id, channel)));
    return true;
}

static void on_others(void *arg, const struct store_reply *r, const struct fault *f) {
    if (f || r->type != STORE_STR)
        task_later(arg, f);
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = r->str});
}

static void on_put(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf b;
    struct str own = task_item(r, 0);
    buf_init(&b, JSON_MAX);
    if (f || own.n < 2 || !buf_add(&b, str_upto(own, own.n - 1)) ||
        !buf_add_c(&b, ",\"others\":") || !buf_add(&b, task_item(r, 1)) || !buf_add_byte(&b, '}'))
        task_later(arg, f);
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
}

bool store_attention_put(struct store *s, const struct attention *a, answer_fn *done, void *arg) {
    char text[LOOK_KEY_MAX], ttl[24];
    if (!key_of(a->contact, text))
        return false;
    const struct str key = str_c(text);
    const struct str args[] = {a->agent, a->state.p ? a->state : str_c(""), a->conversation,
                               store_int(ATTENTION_MS, ttl)};
    store_function(s, "attention_put", false, &key, 1, args, COUNT(args), on_put,
                   task_question_new(done, arg));
    return true;
}

bool store_attention(struct store *s, struct str contact, struct str agent, answer_fn *done,
                     void *arg) {
    char text[LOOK_KEY_MAX];
    if (!key_of(contact, text))
        return false;
    const struct str key = str_c(text);
    store_function(s, "attention", true, &key, 1, &agent, 1, on_others,
                   task_question_new(done, arg));
    return true;
}
