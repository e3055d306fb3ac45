/* worker/password.h - Argon2id in the child: slow on purpose, so never in the daemon itself. */
#ifndef WORKER_PASSWORD_H
#define WORKER_PASSWORD_H

#include <stdbool.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { PASSWORD_PHC_MAX = 128, PASSWORD_MAX = 1024 };

/* false: not this password, or no PHC string that is understood. */
bool password_verify(struct str phc, struct str password) must_check;
/* Writes the PHC string with a NUL. false: out of memory, or longer than PASSWORD_MAX. */
bool password_hash(struct str password, char out[PASSWORD_PHC_MAX]) must_check;

#endif
