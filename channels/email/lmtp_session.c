/* lmtp_session.c - the commands by their table, the mail by its end.
 *
 * Invariants
 *  (1) Only CR LF . CR LF ends a mail. A bare CR or LF is content, kept as it came, so that
 *      what one server takes for one mail can never become two here (SMTP smuggling).
 *  (2) Every accepted recipient gets exactly one reply after the mail, in order.
 *  (3) A line longer than LMTP_LINE_MAX is answered once and dropped up to its end.
 */
#include "lmtp_session.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/utf8.h>

#include "address.h"
#include "header.h"
#include "lmtp_words.h"

enum { REPLIES_MAX = 512 * 1024 };

/* Where the reader stands within the mail. */
enum data_at {
    AT_LINE,   /* first byte of a line */
    AT_TEXT,   /* within a line */
    AT_CR,     /* behind a CR */
    AT_DOT,    /* behind a dot that began the line */
    AT_DOT_CR, /* behind that dot and a CR */
};

struct lmtp_session {
    struct lmtp_options options;
    enum lmtp_state state;
    struct buf line, mail, replies;
    struct arena arena; /* of the transaction: addresses, ids */
    enum data_at at;
    bool line_skip;              /* (3) */
    bool too_large, too_crowded; /* the mail goes on, but is not gathered */
    bool utf8;
    struct str sender;
    struct lmtp_recipient *rcpt;
    size_t rcpt_n, rcpt_asked, bad, idle;
};

struct lmtp_session *lmtp_session_new(const struct lmtp_options *options) {
    struct lmtp_session *s = NEW(struct lmtp_session);
    s->options = *options;
    s->options.host_name.p = mem_dup(options->host_name.p, options->host_name.n);
    buf_init(&s->line, LMTP_LINE_MAX);
    buf_init(&s->mail, options->max_bytes);
    buf_init(&s->replies, REPLIES_MAX);
    arena_init(&s->arena);
    (void)!buf_addf(&s->replies, "220 %.*s LMTP Touchline\r\n", STR_ARG(options->host_name));
    return s;
}

static void mail_drop(struct lmtp_session *s) {
    s->options.budget->used_bytes -= s->mail.n;
    buf_clear(&s->mail);
}

/* Forgets the transaction. */
static void transaction_reset(struct lmtp_session *s) {
    mail_drop(s);
    free(s->rcpt);
    s->rcpt = NULL;
    s->rcpt_n = s->rcpt_asked = 0;
    s->sender = STR_NONE;
    s->utf8 = s->too_large = s->too_crowded = false;
    arena_clear(&s->arena);
}

void lmtp_session_free(struct lmtp_session *s) {
    if (!s)
        return;
    transaction_reset(s);
    buf_clear(&s->line);
    buf_clear(&s->replies);
    free((char *)(uintptr_t)s->options.host_name.p);
    free(s);
}

enum lmtp_state lmtp_session_state(const struct lmtp_session *s) {
    return s->state;
}
struct buf *lmtp_session_replies(struct lmtp_session *s) {
    return &s->replies;
}
struct str lmtp_session_mail(const struct lmtp_session *s) {
    return buf_str(&s->mail);
}
struct str lmtp_session_sender(const struct lmtp_session *s) {
    return s->sender;
}

const struct lmtp_recipient *lmtp_session_recipients(const struct lmtp_session *s, size_t *out_n) {
    *out_n = s->rcpt_n;
    return s->rcpt;
}

/* A full buffer of replies means a peer that never reads: the session is over. */
static void say(struct lmtp_session *s, const char *reply) {
    if (!buf_addf(&s->replies, "%s\r\n", reply))
        s->state = LMTP_CLOSED;
}

void lmtp_session_end(struct lmtp_session *s, const char *reason) {
    if (s->state == LMTP_CLOSED)
        return;
    (void)!buf_addf(&s->replies, "421 %s\r\n", reason);
    s->state = LMTP_CLOSED;
}

static void say_bad(struct lmtp_session *s, const char *reply) {
    say(s, reply);
    if (++s->bad >= LMTP_BAD_MAX)
        lmtp_session_end(s, "4.7.0 too many errors");
}

static void say_idle(struct lmtp_session *s, const char *reply) {
    say(s, reply);
    if (++s->idle >= LMTP_IDLE_MAX)
        lmtp_session_end(s, "4.7.0 too many commands without a mail");
}

/* ---- commands ---- */

static void on_lhlo(struct lmtp_session *s, struct str args) {
    if (!str_trim(args).n) {
        say_bad(s, "501 5.5.4 LHLO needs a name");
        return;
    }
    transaction_reset(s);
    s->state = LMTP_READY;
    if (!buf_addf(&s->replies,
                  "250-%.*s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE %zu\r\n",
                  STR_ARG(s->options.host_name), s->options.max_bytes))
        s->state = LMTP_CLOSED;
    say_idle(s, "250 ENHANCEDSTATUSCODES");
}

/* NULL: all parameters are fine; else the reply that refuses one. */
static const char *mail_params(struct lmtp_session *s, struct str params) {
    while (params.p && params.n) {
        struct str value = str_cut(&params, ' ');
        if (!value.n)
            continue;
        struct str name = str_cut(&value, '=');
        if (str_is_nocase(name, "SIZE")) {
            if (!lmtp_is_number(value))
                return "501 5.5.4 SIZE needs a number";
            if (!lmtp_size_fits(value, s->options.max_bytes))
                return "552 5.3.4 mail is too large";
        } else if (str_is_nocase(name, "BODY")) {
            if (!str_is_nocase(value, "7BIT") && !str_is_nocase(value, "8BITMIME"))
                return "501 5.5.4 BODY is 7BIT or 8BITMIME";
        } else if (str_is_nocase(name, "SMTPUTF8") && !value.p) {
            s->utf8 = true;
        } else {
            return "555 5.5.4 unknown parameter";
        }
    }
    return NULL;
}

static void on_mail(struct lmtp_session *s, struct str args) {
    struct str path, params;
    if (!lmtp_path_read(args, "FROM:", &path, &params)) {
        say_bad(s, "501 5.5.4 MAIL FROM:<address>");
        return;
    }
    transaction_reset(s);
    const char *refused = mail_params(s, params);
    if (!refused && path.n && !address_valid(path))
        refused = "501 5.1.7 bad sender address";
    else if (!refused && !s->utf8 && !lmtp_is_ascii(path))
        refused = "553 5.6.7 address needs SMTPUTF8";
    if (refused) {
        say_bad(s, refused);
        return;
    }
    s->sender = arena_str(&s->arena, path);
    s->state = LMTP_MAIL;
    say(s, "250 2.1.0 sender ok");
}

static void on_rcpt(struct lmtp_session *s, struct str args) {
    struct str path, params, mailbox;
    if (!lmtp_path_read(args, "TO:", &path, &params) || !path.n) {
        say_bad(s, "501 5.5.4 RCPT TO:<address>");
    } else if (str_trim(params).n) {
        say_bad(s, "555 5.5.4 unknown parameter");
    } else if (s->rcpt_asked >= LMTP_RCPT_MAX) {
        say(s, "452 4.5.3 too many recipients");
    } else if (!s->utf8 && !lmtp_is_ascii(path)) {
        say_bad(s, "553 5.6.7 address needs SMTPUTF8");
    } else if (s->rcpt_asked++, !s->options.find(s->options.ctx, path, &mailbox)) {
        say(s, "550 5.1.1 no such mailbox");
    } else {
        if (!s->rcpt)
            s->rcpt = mem_new(LMTP_RCPT_MAX * sizeof *s->rcpt);
        s->rcpt[s->rcpt_n++] = (struct lmtp_recipient){.address = arena_str(&s->arena, path),
                                                       .mailbox = arena_str(&s->arena, mailbox)};
        s->state = LMTP_RCPT;
        say(s, "250 2.1.5 recipient ok");
    }
}

static void on_data(struct lmtp_session *s, struct str args) {
    if (str_trim(args).n) {
        say_bad(s, "501 5.5.4 DATA has no parameters");
        return;
    }
    s->state = LMTP_DATA;
    s->at = AT_LINE;
    say(s, "354 end with CR LF . CR LF");
}

static void on_rset(struct lmtp_session *s, struct str args) {
    (void)args;
    transaction_reset(s);
    if (s->state != LMTP_FRESH)
        s->state = LMTP_READY;
    say_idle(s, "250 2.0.0 ok");
}

static void on_noop(struct lmtp_session *s, struct str args) {
    (void)args;
    say_idle(s, "250 2.0.0 ok");
}

static void on_vrfy(struct lmtp_session *s, struct str args) {
    (void)args;
    say_idle(s, "252 2.5.2 try to send it");
}

static void on_quit(struct lmtp_session *s, struct str args) {
    (void)args;
    say(s, "221 2.0.0 bye");
    s->state = LMTP_CLOSED;
}

#define IN(state) (1u << (state))
static const struct command {
    const char *verb;
    unsigned states; /* in which it may come */
    const char *out_of_turn;
    void (*run)(struct lmtp_session *s, struct str args);
} commands[] = {
    {"LHLO", IN(LMTP_FRESH) | IN(LMTP_READY) | IN(LMTP_MAIL) | IN(LMTP_RCPT), NULL, on_lhlo},
    {"MAIL", IN(LMTP_READY), "503 5.5.1 LHLO first, and one mail at a time", on_mail},
    {"RCPT", IN(LMTP_MAIL) | IN(LMTP_RCPT), "503 5.5.1 MAIL first", on_rcpt},
    {"DATA", IN(LMTP_RCPT), "503 5.5.1 no valid recipients", on_data},
    {"RSET", IN(LMTP_FRESH) | IN(LMTP_READY) | IN(LMTP_MAIL) | IN(LMTP_RCPT), NULL, on_rset},
    {"NOOP", IN(LMTP_FRESH) | IN(LMTP_READY) | IN(LMTP_MAIL) | IN(LMTP_RCPT), NULL, on_noop},
    {"VRFY", IN(LMTP_READY) | IN(LMTP_MAIL) | IN(LMTP_RCPT), "503 5.5.1 LHLO first", on_vrfy},
    {"QUIT", IN(LMTP_FRESH) | IN(LMTP_READY) | IN(LMTP_MAIL) | IN(LMTP_RCPT), NULL, on_quit},
    {"HELO", 0, "500 5.5.1 this is LMTP: say LHLO", NULL},
    {"EHLO", 0, "500 5.5.1 this is LMTP: say LHLO", NULL},
};

static void command_run(struct lmtp_session *s, struct str line) {
    struct str args = line, verb;
    if (lmtp_has_control(line) || !utf8_valid(line)) {
        say_bad(s, "500 5.5.2 bytes that no command has");
        return;
    }
    verb = str_cut(&args, ' ');
    for (size_t i = 0; i < COUNT(commands); i++) {
        const struct command *c = &commands[i];
        if (!str_is_nocase(verb, c->verb))
            continue;
        if (c->states & IN(s->state))
            c->run(s, args.p ? args : (struct str)STR(""));
        else
            say_bad(s, c->out_of_turn);
        return;
    }
    say_bad(s, "500 5.5.2 unknown command");
}

/* A line ends with CR LF. A bare LF ends it too, but as one that is refused: waiting for a CR that
 * never comes would leave its sender without an answer. Returns the bytes taken. */
static size_t feed_command(struct lmtp_session *s, struct str in) {
    ptrdiff_t lf = str_find(in, '\n');
    size_t take = lf < 0 ? in.n : (size_t)lf + 1;
    if (!s->line_skip && !buf_add(&s->line, str_upto(in, take))) {
        s->line_skip = true;
        buf_reset(&s->line);
        say_bad(s, "500 5.5.2 line is too long");
    }
    if (lf < 0)
        return take;
    struct str line = buf_str(&s->line);
    if (s->line_skip)
        s->line_skip = false;
    else if (line.n < 2 || line.p[line.n - 2] != '\r')
        say_bad(s, "500 5.5.2 a line ends with CR LF");
    else
        command_run(s, str_upto(line, line.n - 2));
    buf_reset(&s->line);
    return take;
}

/* ---- the mail ---- */

static void gather(struct lmtp_session *s, struct str piece) {
    struct lmtp_budget *budget = s->options.budget;
    if (s->too_large || s->too_crowded)
        return;
    if (budget->max_bytes - budget->used_bytes < piece.n)
        s->too_crowded = true;
    else if (!buf_add(&s->mail, piece))
        s->too_large = true;
    else
        budget->used_bytes += piece.n;
    if (s->too_large || s->too_crowded)
        mail_drop(s);
}

/* A mail that has gone round too often or that we sent ourselves (RFC 5321 6.3). */
static bool mail_loops(const struct lmtp_session *s) {
    struct header_walk w;
    struct header_field field;
    size_t received = 0;
    header_begin(&w, buf_str(&s->mail));
    while (header_next(&w, &field)) {
        received += str_is_nocase(field.name, "Received");
        if (received > LMTP_RECEIVED_MAX || str_is_nocase(field.name, "X-Touchline-Loop"))
            return true;
    }
    return false;
}

static void mail_ended(struct lmtp_session *s) {
    const char *refused = NULL;
    s->idle = s->bad = 0;
    if (s->too_large)
        refused = "552 5.3.4 mail is too large";
    else if (s->too_crowded)
        refused = "452 4.3.1 too much mail under way";
    else if (mail_loops(s))
        refused = "554 5.4.6 mail goes round in a loop";
    if (!refused) {
        s->state = LMTP_WAIT;
        return;
    }
    s->state = LMTP_READY;
    for (size_t i = 0; i < s->rcpt_n; i++)
        say(s, refused);
    transaction_reset(s);
}

/* One step of the reader at in[0]; returns how many bytes it took. `ended` tells the true end. */
static size_t data_step(struct lmtp_session *s, struct str in, bool *ended) {
    ptrdiff_t cr;
    char c = in.p[0];
    switch (s->at) {
    case AT_LINE:
    case AT_TEXT:
        if (s->at == AT_LINE && c == '.') {
            s->at = AT_DOT;
            return 1;
        }
        cr = str_find(in, '\r');
        s->at = cr < 0 ? AT_TEXT : AT_CR;
        in = str_upto(in, cr < 0 ? in.n : (size_t)cr + 1);
        gather(s, in);
        return in.n;
    case AT_CR:
        s->at = c == '\n' ? AT_LINE : c == '\r' ? AT_CR : AT_TEXT;
        gather(s, str_upto(in, 1));
        return 1;
    case AT_DOT: /* the dot is gone already: it was stuffed, or begins the end */
        s->at = c == '\r' ? AT_DOT_CR : AT_TEXT;
        if (c != '\r')
            gather(s, str_upto(in, 1));
        return 1;
    case AT_DOT_CR:
        if (c == '\n') {
            *ended = true;
            return 1;
        }
        gather(s, (struct str)STR("\r")); /* it was no end: the CR is content */
        s->at = AT_CR;
        return 0;
    }
    return in.n;
}

static size_t feed_data(struct lmtp_session *s, struct str in) {
    size_t taken = 0;
    bool ended = false;
    while (taken < in.n && !ended)
        taken += data_step(s, str_from(in, taken), &ended);
    if (ended)
        mail_ended(s);
    return taken;
}

size_t lmtp_session_feed(struct lmtp_session *s, struct str bytes) {
    size_t taken = 0;
    while (taken < bytes.n && s->state != LMTP_WAIT && s->state != LMTP_CLOSED &&
           s->replies.n < LMTP_REPLIES_PAUSE) {
        struct str rest = str_from(bytes, taken);
        taken += s->state == LMTP_DATA ? feed_data(s, rest) : feed_command(s, rest);
    }
    return taken;
}

/* ---- outcomes ---- */

static void say_outcome(struct lmtp_session *s, const struct lmtp_recipient *r) {
    const char *gap = r->id.n ? " " : "";
    char line[200] = "451 4.3.0 cannot keep it now";
    switch (r->status) {
    case TL_APPLIED:
    case TL_KEPT:
        snprintf(line, sizeof line, "250 2.0.0 %.*s%skept", STR_ARG(r->id), gap);
        break;
    case TL_DUPLICATE:
    case TL_MISMATCH: /* the same mail by our own measure, which leaves trace fields out */
        snprintf(line, sizeof line, "250 2.0.0 %.*s%skept already", STR_ARG(r->id), gap);
        break;
    case TL_BUSY:
        snprintf(line, sizeof line, "452 4.3.1 cannot keep it now");
        break;
    case TL_REFUSED:
        snprintf(line, sizeof line, "554 5.6.0 not accepted");
        break;
    case TL_FAILED:
        break;
    }
    say(s, line);
}

void lmtp_session_outcome(struct lmtp_session *s, struct str mailbox, enum tl_status status,
                          struct str id) {
    bool all = true;
    if (s->state != LMTP_WAIT)
        return;
    for (size_t i = 0; i < s->rcpt_n; i++) {
        struct lmtp_recipient *r = &s->rcpt[i];
        if (!r->done && str_eq(r->mailbox, mailbox)) {
            r->done = true;
            r->status = status;
            r->id = arena_str(&s->arena, id);
        }
        all = all && r->done;
    }
    if (!all)
        return;
    s->state = LMTP_READY;
    for (size_t i = 0; i < s->rcpt_n; i++)
        say_outcome(s, &s->rcpt[i]);
    transaction_reset(s);
}
