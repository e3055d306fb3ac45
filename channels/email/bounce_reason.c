/* bounce_reason.c - the way from what was found to one word.
 *
 *   category of the reporting server ─► phrase of its own ─► phrase of anybody ─► status ─► code
 *
 * "User unknown" is believed where the recipient was refused, where the status says so, or where a
 * server speaks for itself without any code. After DATA, or with a status that says nothing, it is
 * what filters answer to keep spammers guessing: "filtered", which is not the address's fault.
 */
#include "bounce_reason.h"

#include <touchline/kit/own.h>

#include "bounce_phrases.h"
#include "bounce_words.h"

enum { LINE_MAX_BYTES = 2048, WORDS_MAX_BYTES = 8192 };

static const struct {
    const char *status; /* begins with it */
    const char *reason;
} statuses[] = {
    {"5.1.10", "notaccept"},   {"5.1.0", "userunknown"},   {"5.1.1", "userunknown"},
    {"5.1.2", "hostunknown"},  {"5.1.3", "userunknown"},   {"5.1.4", "filtered"},
    {"5.1.6", "hasmoved"},     {"5.1.", "rejected"},       {"5.2.2", "mailboxfull"},
    {"5.2.3", "exceedlimit"},  {"5.2.", "filtered"},       {"5.3.1", "systemfull"},
    {"5.3.2", "notaccept"},    {"5.3.4", "mesgtoobig"},    {"5.3.", "systemerror"},
    {"5.4.4", "hostunknown"},  {"5.4.7", "expired"},       {"5.4.8", "hostunknown"},
    {"5.4.", "networkerror"},  {"5.5.3", "toomanyconn"},   {"5.5.0", "mailererror"},
    {"5.5.", "syntaxerror"},   {"5.6.", "contenterror"},   {"5.7.25", "requireptr"},
    {"5.7.27", "notaccept"},   {"5.7.20", "authfailure"},  {"5.7.21", "authfailure"},
    {"5.7.22", "authfailure"}, {"5.7.23", "authfailure"},  {"5.7.24", "authfailure"},
    {"5.7.26", "authfailure"}, {"5.7.509", "authfailure"}, {"5.7.60", "blocked"},
    {"5.7.61", "blocked"},     {"5.7.62", "blocked"},      {"5.7.", "securityerror"},
    {"4.2.2", "mailboxfull"},  {"4.3.1", "systemfull"},    {"4.4.7", "expired"},
    {"4.4.", "networkerror"},  {"4.7.", "blocked"},
};

static const struct {
    const char *category, *reason;
} categories[] = {
    {"bad-mailbox", "userunknown"},          {"bad-domain", "hostunknown"},
    {"bad-configuration", "systemerror"},    {"bad-connection", "networkerror"},
    {"inactive-mailbox", "suspend"},         {"message-expired", "expired"},
    {"no-answer-from-host", "networkerror"}, {"policy-related", "policyviolation"},
    {"protocol-errors", "syntaxerror"},      {"quota-issues", "mailboxfull"},
    {"relaying-issues", "norelaying"},       {"routing-errors", "networkerror"},
    {"spam-related", "spamdetected"},        {"virus-related", "virusdetected"},
    {"content-related", "contenterror"},
};

static bool has(struct str text, const char *phrase) {
    return memmem(text.p, text.n, phrase, strlen(phrase)) != NULL;
}

static const char *find(struct str text) {
    for (const struct bounce_phrase *p = bounce_phrases; p->text; p++)
        if (has(text, p->text))
            return p->reason;
    return NULL;
}

static bool names_unknown(struct str text) {
    for (const char *const *p = bounce_unknown_user; *p; p++)
        if (has(text, *p))
            return true;
    return false;
}

bool bounce_words_tell(struct str words) {
    char lower[LINE_MAX_BYTES];
    struct str text = bounce_folded(lower, sizeof lower, words);
    return find(text) || names_unknown(text);
}

static const char *by_own(const struct bounce_facts *f, struct str text) {
    char name[256];
    struct str server = bounce_folded(name, sizeof name, f->server);
    for (const struct bounce_own_phrase *p = bounce_own_phrases; p->server; p++)
        if (has(server, p->server) && has(text, p->phrase.text))
            return p->phrase.reason;
    return NULL;
}

static const char *by_status(struct str status) {
    for (size_t i = 0; i < COUNT(statuses); i++)
        if (str_starts(status, str_c(statuses[i].status)) &&
            (statuses[i].status[strlen(statuses[i].status) - 1] == '.' ||
             status.n == strlen(statuses[i].status) || strlen(statuses[i].status) == 6))
            return statuses[i].reason;
    return NULL;
}

/* Whether words of an unknown user are meant; else they may be a filter's. */
static const char *judge_unknown(const struct bounce_facts *f) {
    const char *told = by_status(f->status);
    if (f->command == BOUNCE_COMMAND_RCPT || (told && !strcmp(told, "userunknown")))
        return "userunknown";
    if (told && (!strcmp(told, "hostunknown") || !strcmp(told, "hasmoved")))
        return told;
    if (f->command == BOUNCE_COMMAND_DATA)
        return f->status.n && str_ends(f->status, str_c(".0.0")) ? "rejected" : "filtered";
    if (f->command == BOUNCE_COMMAND_MAIL)
        return "rejected";
    return f->code.n ? "filtered" : "userunknown";
}

static const char *by_words(const struct bounce_facts *f, struct str text) {
    const char *said = by_own(f, text);
    if (!said)
        said = find(text);
    bool unknown = names_unknown(text);
    /* What is said of sender, server or message stands; of a filter's vague words the user's do. */
    if (said && unknown &&
        (!strcmp(said, "securityerror") || !strcmp(said, "systemerror") ||
         !strcmp(said, "networkerror") || !strcmp(said, "policyviolation")))
        said = NULL;
    return said ? said : unknown ? judge_unknown(f) : NULL;
}

const char *bounce_reason(const struct bounce_facts *f) {
    char line[LINE_MAX_BYTES], words[WORDS_MAX_BYTES];
    for (size_t i = 0; i < COUNT(categories); i++)
        if (str_is_nocase(f->category, categories[i].category))
            return categories[i].reason;
    struct str all = bounce_folded(words, sizeof words, f->words);
    const char *reason = by_own(f, all);
    if (!reason)
        reason = by_words(f, bounce_folded(line, sizeof line, f->line));
    if (!reason)
        reason = by_status(f->status);
    if (!reason)
        reason = by_words(f, all);
    if (!reason && f->code.n && f->code.p[0] == '5')
        reason = f->command == BOUNCE_COMMAND_RCPT   ? "filtered"
                 : f->command == BOUNCE_COMMAND_MAIL ? "rejected"
                                                     : NULL;
    return reason ? reason : "undefined";
}

bool bounce_reason_is_hard(const char *reason, struct str status, struct str code) {
    static const char *const hard[] = {"userunknown", "hostunknown", "hasmoved", "notaccept"};
    if (status.n ? status.p[0] == '4' : code.n && code.p[0] == '4')
        return false;
    for (size_t i = 0; i < COUNT(hard); i++)
        if (!strcmp(reason, hard[i]))
            return true;
    return false;
}

/* ---- which command ---- */

/* In a transcript the first refusal counts, by the command above it. */
static enum bounce_command of_transcript(struct str words) {
    static const char *const refusals[] = {"\n<<< 5", "\n<<< 4"};
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const char *at = memmem(words.p, words.n, refusals[i], strlen(refusals[i]));
        if (!at)
            continue;
        struct str before = str_make(words.p, (size_t)(at - words.p));
        const char *line = memrchr(before.p, '\n', before.n);
        struct str command = line ? str_from(before, (size_t)(line - before.p) + 1) : before;
        if (has(command, ">>> RCPT"))
            return BOUNCE_COMMAND_RCPT;
        if (has(command, ">>> DATA") || has(command, ">>> ."))
            return BOUNCE_COMMAND_DATA;
        if (has(command, ">>> MAIL"))
            return BOUNCE_COMMAND_MAIL;
    }
    return BOUNCE_COMMAND_UNKNOWN;
}

enum bounce_command bounce_command(struct str words) {
    static const struct {
        const char *text; /* small letters */
        enum bounce_command command;
    } signs[] = {
        {"in reply to rcpt", BOUNCE_COMMAND_RCPT},
        {"after rcpt", BOUNCE_COMMAND_RCPT},
        {"to rcpt to command", BOUNCE_COMMAND_RCPT},
        {"smtp:rcpt", BOUNCE_COMMAND_RCPT},
        {"(rcpt to)", BOUNCE_COMMAND_RCPT},
        {"(rcpt)", BOUNCE_COMMAND_RCPT},
        {"our final rcpt", BOUNCE_COMMAND_RCPT},
        {"did not like our rcpt", BOUNCE_COMMAND_RCPT},
        {"smtp command rcpt", BOUNCE_COMMAND_RCPT},
        {"while sending rcpt", BOUNCE_COMMAND_RCPT},
        {"does not like recipient", BOUNCE_COMMAND_RCPT},
        {"(state 9)", BOUNCE_COMMAND_RCPT},
        {"(state 12)", BOUNCE_COMMAND_RCPT},
        {"(state 14)", BOUNCE_COMMAND_RCPT},
        {"(state 17)", BOUNCE_COMMAND_RCPT},
        {"(state 18)", BOUNCE_COMMAND_DATA},
        {"in reply to end of data", BOUNCE_COMMAND_DATA},
        {"in reply to data", BOUNCE_COMMAND_DATA},
        {"after data", BOUNCE_COMMAND_DATA},
        {"after end of data", BOUNCE_COMMAND_DATA},
        {"after end-of-data", BOUNCE_COMMAND_DATA},
        {"end of data", BOUNCE_COMMAND_DATA},
        {"(data)", BOUNCE_COMMAND_DATA},
        {"our final data", BOUNCE_COMMAND_DATA},
        {"smtp command data", BOUNCE_COMMAND_DATA},
        {"after initial data", BOUNCE_COMMAND_DATA},
        {"failed after i sent the message", BOUNCE_COMMAND_DATA},
        {"in reply to mail", BOUNCE_COMMAND_MAIL},
        {"after mail from", BOUNCE_COMMAND_MAIL},
        {"(mail from)", BOUNCE_COMMAND_MAIL},
        {"in reply to ehlo", BOUNCE_COMMAND_CONNECT},
        {"in reply to helo", BOUNCE_COMMAND_CONNECT},
        {"after initial connection", BOUNCE_COMMAND_CONNECT},
        {"-smtp command rcpt", BOUNCE_COMMAND_RCPT},
        {"-smtp command data", BOUNCE_COMMAND_DATA},
    };
    char lower[WORDS_MAX_BYTES];
    enum bounce_command command = of_transcript(words);
    struct str text = bounce_folded(lower, sizeof lower, words);
    for (size_t i = 0; i < COUNT(signs) && command == BOUNCE_COMMAND_UNKNOWN; i++)
        if (has(text, signs[i].text))
            command = signs[i].command;
    return command;
}
