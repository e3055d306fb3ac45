/* bounce_phrases.h - tables of what servers write when they refuse a mail; each ends with NULL. */
#ifndef EMAIL_BOUNCE_PHRASES_H
#define EMAIL_BOUNCE_PHRASES_H

struct bounce_phrase {
    const char *text, *reason;
};
extern const struct bounce_phrase bounce_phrases[];

/* Servers whose own words mean what others' do not; `server` is part of their name. */
struct bounce_own_phrase {
    const char *server;
    struct bounce_phrase phrase;
};
extern const struct bounce_own_phrase bounce_own_phrases[];

/* All of them say that there is no such user. */
extern const char *const bounce_unknown_user[];

#endif
