/* imap_config.c - keys and checks of a mailbox that is fetched. */
#include "imap_config.h"

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>

#include "imap_name.h"

#define IMAP(member) offsetof(struct imap_config, member)
#define OAUTH(member) (IMAP(oauth.member) - IMAP(oauth))
static const struct tl_key oauth_keys[] = {
    {.name = "command",
     .type = TL_KEY_STRS,
     .offset = OAUTH(command),
     .max = 32,
     .help = "program and its arguments, which writes the token: bare, or a token endpoint's JSON"},
    {.name = "file",
     .type = TL_KEY_PATH,
     .offset = OAUTH(file),
     .help = "file that holds the token, kept fresh by somebody else"},
    {0},
};

const struct tl_key imap_keys[] = {
    {.name = "url",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = IMAP(url),
     .min = 8,
     .max = 1000,
     .help = "imaps://HOST[:PORT]/FOLDER, or imap:// with STARTTLS"},
    {.name = "user",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = IMAP(user),
     .min = 1,
     .max = 256,
     .help = "name to log in with"},
    {.name = "password",
     .type = TL_KEY_SECRET,
     .offset = IMAP(password),
     .help = "secret to log in with; or oauth"},
    {.name = "oauth",
     .type = TL_KEY_MAP,
     .offset = IMAP(oauth),
     .sub = oauth_keys,
     .sub_bytes = sizeof(((struct imap_config *)0)->oauth),
     .help = "token to log in with by XOAUTH2, asked for anew before it ends"},
    {.name = "ca",
     .type = TL_KEY_PATH,
     .offset = IMAP(ca),
     .help = "file of the certificates that vouch for the server; absent: the system's"},
    {.name = "tls",
     .type = TL_KEY_CHOICE,
     .offset = IMAP(tls),
     .preset = "required",
     .choices = "none|required",
     .help = "of imap://: STARTTLS or nothing; none is for this host only"},
    {.name = "after",
     .type = TL_KEY_STR,
     .offset = IMAP(after),
     .preset = "none",
     .max = 400,
     .help = "what is done with a mail once it is kept: none, seen or move:FOLDER"},
    {.name = "poll",
     .type = TL_KEY_DURATION,
     .offset = IMAP(poll_ms),
     .min = 1000,
     .max = 86400000,
     .preset = "5m",
     .help = "how often to look where the server tells of no news"},
    {.name = "since",
     .type = TL_KEY_DURATION,
     .offset = IMAP(since_ms),
     .min = 86400000,
     .max = INT64_C(3650) * 86400000,
     .help =
         "how old mails may be when a mailbox is read for the first time; absent: all are taken"},
    {0},
};

static bool is_loopback(struct str address) {
    return str_starts(address, str_c("127.")) || str_starts(address, str_c("localhost:")) ||
           str_is(address, "localhost");
}

const char *imap_config_fault(const struct imap_config *c, const char **out_key) {
    struct imap_place place;
    cleanup(buf_clear) struct buf name;
    buf_init(&name, 8192);
    *out_key = "url";
    if (!imap_url_read(c->url, &place) || !imap_folder_write(&name, place.folder))
        return "not a mailbox; write imaps://HOST/FOLDER, the user apart";
    *out_key = "tls";
    if (!place.tls && c->tls == IMAP_TLS_NONE && !is_loopback(str_from(place.server, 7)))
        return "the password would go out unprotected; write tls: required";
    *out_key = "oauth";
    if (c->oauth.command.n && c->oauth.file.n)
        return "a token comes from a command or from a file, not from both";
    bool token = c->oauth.command.n || c->oauth.file.n;
    *out_key = "password";
    if ((c->password.n > 0) == token)
        return "one of password and oauth is needed";
    *out_key = "after";
    if (!str_is(c->after, "none") && !str_is(c->after, "seen") &&
        !(str_starts(c->after, str_c("move:")) && imap_name_write(&name, str_from(c->after, 5))))
        return "not known; write none, seen or move:FOLDER";
    return NULL;
}
