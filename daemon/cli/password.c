/* cli/password.c - makes what stands in a file of `agents: password:`. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PASSWORD_MIN = 1, PASSWORD_MAX = 1024 };

/* One line without its end; not shown where a person types it. false: nothing came, or too much. */
static bool line_read(char out[PASSWORD_MAX + 2]) {
    struct termios was, quiet;
    bool person = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    if (person) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Password: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool got = fgets(out, PASSWORD_MAX + 2, stdin) != NULL;
    if (person) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    }
    if (!got)
        return false;
    size_t n = strcspn(out, "\r\n");
    bool whole = n <= PASSWORD_MAX;
    out[n] = '\0';
    return whole;
}

enum cli_exit cli_password(struct cli *c) {
    char password[PASSWORD_MAX + 2] = "", phc[crypto_pwhash_STRBYTES];
    if (c->args_n)
        return cli_usage(c, "the password is read from standard input");
    if (sodium_init() < 0 || !line_read(password) || strlen(password) < PASSWORD_MIN) {
        explicit_bzero(password, sizeof password);
        return cli_usage(c, "a password has %d to %d bytes", PASSWORD_MIN, PASSWORD_MAX);
    }
    int failed =
        crypto_pwhash_str(phc, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE);
    explicit_bzero(password, sizeof password);
    if (failed) {
        fputs("touchline: not enough memory to hash a password\n", stderr);
        return CLI_REFUSED;
    }
    if (c->json)
        printf("{\"password\":\"%s\"}\n", phc);
    else
        puts(phc);
    return CLI_OK;
}
