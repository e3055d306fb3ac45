/* lmtp_words.c - the grammar of what follows a verb. */
#include "lmtp_words.h"

bool lmtp_path_read(struct str args, const char *keyword, struct str *out_path, struct str *rest) {
    size_t n = strlen(keyword);
    if (args.n < n || !str_is_nocase(str_upto(args, n), keyword))
        return false;
    args = str_from(args, n);
    while (args.n && args.p[0] == ' ')
        args = str_from(args, 1);
    if (!args.n || args.p[0] != '<')
        return false;
    bool quote = false;
    for (size_t i = 1; i < args.n; i++) {
        if (args.p[i] == '\\' && quote)
            i++;
        else if (args.p[i] == '"')
            quote = !quote;
        else if (args.p[i] == '>' && !quote) {
            *out_path = str_make(args.p + 1, i - 1);
            *rest = str_from(args, i + 1);
            if (out_path->n && out_path->p[0] == '@' && str_find(*out_path, ':') > 0)
                *out_path = str_from(*out_path, (size_t)str_find(*out_path, ':') + 1);
            return !rest->n || rest->p[0] == ' ';
        }
    }
    return false;
}

bool lmtp_size_fits(struct str value, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || n > max)
            break;
        n = n * 10 + (size_t)(value.p[i] - '0');
    }
    return n <= max;
}

bool lmtp_is_number(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n <= 20;
}

bool lmtp_is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 128)
            return false;
    return true;
}

bool lmtp_has_control(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] < 32 || line.p[i] == 127)
            return true;
    return false;
}
