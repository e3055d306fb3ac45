/* store/append.c - writing: claims, entries, delivery states, aliases; one function call each. */
#include <stdlib.h>

#include "store/contact_priv.h"

enum {
    IDENTITY_ARGS = 7,
    APPEND_ARGS = 20,
    SUBJECT_KEPT = 300,
    NOTE_HEAD = 14,
    NOTE_MAX = NOTE_HEAD + 255
};

/* ---- arguments ---- */

struct number_text {
    char c[24];
};

static struct str text_of(bool b) {
    return str_c(b ? "1" : "0");
}

static struct str or_empty(struct str s) {
    return s.p ? s : str_make("", 0);
}

size_t identity_args(const struct contact_identity *list, size_t n, struct str *out) {
    static const char *const link_text[] = {"0", "1", "2"};
    for (size_t i = 0; i < n; i++) {
        const struct contact_identity *id = &list[i];
        *out++ = id_bytes(&id->hash);
        *out++ = text_of(id->verified);
        *out++ = str_c(link_text[id->link]);
        *out++ = id->kind;
        *out++ = id->value;
        *out++ = str_upto(or_empty(id->evidence), 64);
        *out++ = or_empty(id->display);
    }
    return n * IDENTITY_ARGS;
}

/* ---- answers that carry nothing ---- */

struct ok_wait {
    store_ok_fn *done;
    void *arg;
};

static void ok_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct ok_wait *w = arg;
    (void)r;
    if (w->done)
        w->done(w->arg, fault);
    free(w);
}

static struct ok_wait *ok_new(store_ok_fn *done, void *arg) {
    struct ok_wait *w = NEW(struct ok_wait);
    *w = (struct ok_wait){done, arg};
    return w;
}

/* ---- ids ---- */

struct claim_wait {
    claim_fn *done;
    void *arg;
};

static void claim_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct claim_wait *w = arg;
    struct id part = {{0}};
    int code = reply_code(r, "new|known|revised|mismatch|erased");
    struct fault odd;
    if (!fault && (code < 0 || (code != CLAIM_ERASED && !id_from(reply_str(r, 1), &part)))) {
        fault_set(&odd, FAULT_STATE, "claim", "an answer of no known form");
        fault = &odd;
    }
    w->done(w->arg, fault, (enum claim_code)code, part);
    free(w);
}

void store_claim(struct store *s, struct id touchpoint, struct id part, const uint8_t content[4],
                 int64_t revision, bool strict, claim_fn *done, void *arg) {
    struct claim_wait *w = NEW(struct claim_wait);
    char key[KEY_MAX], number[24];
    *w = (struct claim_wait){done, arg};
    const struct str keys[] = {bucket_key(touchpoint, key)};
    const struct str args[] = {id_bytes(&touchpoint), id_bytes(&part),
                               str_make((const char *)content, 4), store_int(revision, number),
                               text_of(strict)};
    store_function(s, "claim", false, keys, 1, args, COUNT(args), claim_answer, w);
}

void store_refer(struct store *s, struct id reference, struct id part, struct id touchpoint,
                 struct id conversation, store_ok_fn *done, void *arg) {
    char key[KEY_MAX];
    const struct str keys[] = {bucket_key(reference, key)};
    const struct str args[] = {id_bytes(&reference), id_bytes(&part), id_bytes(&touchpoint),
                               id_equal(touchpoint, conversation) ? str_make("", 0)
                                                                  : id_bytes(&conversation)};
    store_function(s, "refer", false, keys, 1, args, COUNT(args), ok_answer, ok_new(done, arg));
}

/* ---- appending ---- */

struct append_wait {
    append_fn *done;
    void *arg;
};

static void append_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct append_wait *w = arg;
    struct appended a = {0};
    struct fault odd;
    int code = reply_code(r, "new|revised|known|gone|moved");
    struct str agent = reply_str(r, 5);
    if (!fault && code < 0) {
        fault_set(&odd, FAULT_STATE, "append", "an answer of no known form");
        fault = &odd;
    }
    a.code = (enum append_code)code;
    if (code == APPEND_MOVED) {
        if (!id_from(reply_str(r, 1), &a.moved_to))
            a.code = APPEND_GONE;
    } else if (!id_from(reply_str(r, 1), &a.conversation) && !fault && code != APPEND_GONE) {
        fault_set(&odd, FAULT_STATE, "append", "an answer without conversation");
        fault = &odd;
    }
    a.has_task = id_from(reply_str(r, 2), &a.task);
    a.has_previous = id_from(reply_str(r, 3), &a.previous);
    a.asks = str_is(reply_str(r, 4), "1");
    a.agent = str_cut(&agent, ' ');
    a.agent_ms = str_int(agent, 0);
    w->done(w->arg, fault, &a);
    free(w);
}

static int append_flags(const struct append *w) {
    enum { INBOUND = 1, NOTE = 2, DELETED = 4, AUTO = 128 };
    return (w->inbound ? INBOUND : 0) | (w->note ? NOTE : 0) | (w->deleted ? DELETED : 0) |
           (w->automatic ? AUTO : 0);
}

static void put_number(uint64_t v, size_t n, char *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(v >> 8 * (n - 1 - i));
}

/* window(6) subject(4) order(4) agent: functions/contact_visit.lua */
static struct str episode_note(const struct append *w, char out[NOTE_MAX]) {
    struct str agent = str_upto(or_empty(w->agent), NOTE_MAX - NOTE_HEAD);
    put_number((uint64_t)w->episode_ms, 6, out);
    put_number(w->subject_hash, 4, out + 6);
    put_number(w->order_hash, 4, out + 10);
    memcpy(out + NOTE_HEAD, agent.p, agent.n);
    return str_make(out, NOTE_HEAD + agent.n);
}

void store_append(struct store *s, const struct append *what, append_fn *done, void *arg) {
    static const char *const modes[] = {"own", "join", "look", "callback"};
    struct append_wait *w = NEW(struct append_wait);
    struct str args[APPEND_ARGS + LOOK_IDENTITIES_MAX * IDENTITY_ARGS + 1];
    struct number_text n[5];
    char payload[64], note[NOTE_MAX];
    struct part_keys k;
    *w = (struct append_wait){done, arg};
    part_keys(what->part, &k);
    const struct str keys[] = {k.c, k.t, k.b, k.v};
    const struct str fixed[APPEND_ARGS] = {
        id_bytes(&what->touchpoint),
        store_int(what->at_ms, n[0].c),
        store_int(what->received_ms, n[1].c),
        store_int(what->revision, n[2].c),
        store_int(append_flags(what), n[3].c),
        what->channel,
        str_upto(what->source, 255),
        what->body,
        or_empty(what->delivery),
        store_int(what->delivery_rank, n[4].c),
        what->mode == JOIN_ID ? id_bytes(&what->conversation) : str_make("", 0),
        str_c(modes[what->mode]),
        or_empty(what->open_field),
        or_empty(what->thread_field),
        str_c(what->wants_task ? "1"
              : what->settles  ? "2"
                               : "0"),
        str_upto(or_empty(what->subject), SUBJECT_KEPT),
        or_empty(what->name),
        or_empty(what->language),
        payload_of("touchpoint", 'p', what->touchpoint, payload),
        str_make("", 0),
    };
    memcpy(args, fixed, sizeof fixed);
    size_t m = what->identities_n < LOOK_IDENTITIES_MAX ? what->identities_n : LOOK_IDENTITIES_MAX;
    size_t used = identity_args(what->identities, m, args + APPEND_ARGS);
    args[APPEND_ARGS + used] = episode_note(what, note);
    store_function(s, "append", false, keys, 4, args, APPEND_ARGS + used + 1, append_answer, w);
}

static void announced(void *arg, const struct store_reply *r, const struct fault *fault) {
    (void)arg, (void)r, (void)fault; /* who missed it sees it when he looks again */
}

void store_announce(struct store *s, struct id contact, struct id touchpoint) {
    char channel[ID_TEXT + 4], payload[64];
    const struct str argv[] = {str_c("SPUBLISH"), contact_channel(contact, channel),
                               payload_of("touchpoint", 'p', touchpoint, payload)};
    store_command(s, argv, 3, 1, announced, NULL);
}

void store_outcome(struct store *s, struct id part, struct id touchpoint, struct id conversation,
                   struct id task, store_ok_fn *done, void *arg) {
    struct part_keys k;
    part_keys(part, &k);
    const struct str keys[] = {k.c, k.b, k.v};
    const struct str args[] = {id_bytes(&touchpoint), id_bytes(&conversation), id_bytes(&task)};
    store_function(s, "outcome", false, keys, 3, args, 3, ok_answer, ok_new(done, arg));
}

struct deliver_wait {
    deliver_fn *done;
    void *arg;
};

static void deliver_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct deliver_wait *w = arg;
    int code = reply_code(r, "new|known|unknown");
    w->done(w->arg, fault, code < 0 ? DELIVER_UNKNOWN : (enum deliver_code)code);
    free(w);
}

void store_deliver(struct store *s, struct id part, struct id touchpoint, int rank, struct str json,
                   deliver_fn *done, void *arg) {
    struct deliver_wait *w = NEW(struct deliver_wait);
    struct part_keys k;
    char number[24], payload[64];
    *w = (struct deliver_wait){done, arg};
    part_keys(part, &k);
    const struct str keys[] = {k.c, k.b};
    const struct str args[] = {id_bytes(&touchpoint), store_int(rank, number), json,
                               payload_of("touchpoint", 'p', touchpoint, payload)};
    store_function(s, "deliver", false, keys, 2, args, 4, deliver_answer, w);
}

void store_conversation_task(struct store *s, const struct conversation_task *t, store_ok_fn *done,
                             void *arg) {
    struct part_keys k;
    char number[24], payload[64];
    part_keys(t->part, &k);
    const struct str keys[] = {k.c, k.v};
    const struct str args[] = {
        id_bytes(&t->conversation),  id_bytes(&t->task),
        text_of(t->finished),        or_empty(t->agent),
        store_int(t->at_ms, number), or_empty(t->json),
        text_of(t->resolves),        payload_of("conversation", 'v', t->conversation, payload),
    };
    store_function(s, "task", false, keys, 2, args, COUNT(args), ok_answer, ok_new(done, arg));
}

/* ---- linking ---- */

struct alias_wait {
    alias_fn *done;
    void *arg;
};

static void alias_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct alias_wait *w = arg;
    struct id to = {{0}};
    int code = reply_code(r, "set|same|other|contact");
    struct fault odd;
    bool leads = id_from(reply_str(r, 1), &to);
    if (!fault && (code < 0 || (code == ALIAS_OTHER && !leads))) {
        fault_set(&odd, FAULT_STATE, "alias", "an answer of no known form");
        fault = &odd;
    }
    w->done(w->arg, fault, (enum alias_code)code, to);
    free(w);
}

void store_alias(struct store *s, struct id identity, struct id to, bool verified,
                 enum link_basis link, struct str evidence, int64_t at_ms, alias_fn *done,
                 void *arg) {
    struct alias_wait *w = NEW(struct alias_wait);
    struct part_keys k;
    char number[2][24];
    *w = (struct alias_wait){done, arg};
    part_keys(identity, &k);
    const struct str args[] = {id_bytes(&to), text_of(verified), store_int(link, number[0]),
                               or_empty(evidence), store_int(at_ms, number[1])};
    store_function(s, "alias", false, &k.c, 1, args, COUNT(args), alias_answer, w);
}

void store_suggest(struct store *s, struct id contact, struct id key, struct str json,
                   store_ok_fn *done, void *arg) {
    struct part_keys k;
    char payload[64];
    part_keys(contact, &k);
    const struct str args[] = {id_bytes(&key), json, payload_of("contact", 'c', contact, payload)};
    store_function(s, "suggest", false, &k.c, 1, args, 3, ok_answer, ok_new(done, arg));
}

void store_forget_reference(struct store *s, struct id reference) {
    char key[KEY_MAX];
    const struct str keys[] = {bucket_key(reference, key)};
    const struct str args[] = {str_c("0"), id_bytes(&reference)};
    store_function(s, "forget", false, keys, 1, args, 2, ok_answer, ok_new(NULL, NULL));
}

void store_mark_erased(struct store *s, struct id touchpoint, store_ok_fn *done, void *arg) {
    char key[KEY_MAX];
    const struct str keys[] = {bucket_key(touchpoint, key)};
    const struct str args[] = {str_c("1"), id_bytes(&touchpoint)};
    store_function(s, "forget", false, keys, 1, args, 2, ok_answer, ok_new(done, arg));
}

void store_identify(struct store *s, struct id contact, const struct contact_identity *identity,
                    int64_t at_ms, store_ok_fn *done, void *arg) {
    struct part_keys k;
    char number[24], payload[64];
    struct str args[2 + IDENTITY_ARGS];
    part_keys(contact, &k);
    args[0] = store_int(at_ms, number);
    args[1] = payload_of("contact", 'c', contact, payload);
    size_t n = identity_args(identity, 1, args + 2);
    store_function(s, "identify", false, &k.c, 1, args, 2 + n, ok_answer, ok_new(done, arg));
}
