/* forms/captcha.h - asks a maker of captchas whether somebody solved it.
 *
 * A token is good once. Who clicks twice sends it twice: what passed, or is being asked, is
 * remembered by the submission for ten minutes, so the second one is not called a robot.
 */
#ifndef FORMS_CAPTCHA_H
#define FORMS_CAPTCHA_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/plugin.h>

enum captcha_provider { CAPTCHA_TURNSTILE, CAPTCHA_HCAPTCHA, CAPTCHA_RECAPTCHA };

struct captcha_config {
    int64_t provider;
    struct str secret;  /* absent: no check */
    struct str sitekey; /* hCaptcha's, where it is to be checked */
    struct str address; /* another one than the maker's: a test's */
    struct tl_strs hostnames;
    struct str action;
    int64_t score;       /* reCAPTCHA v3: percent at least */
    int64_t unreachable; /* index in "keep|refuse" */
};

enum captcha_verdict {
    CAPTCHA_PASSED,
    CAPTCHA_REFUSED,
    CAPTCHA_UNKNOWN /* the maker cannot be asked */
};
typedef void captcha_fn(void *arg, enum captcha_verdict verdict);

struct captcha;
struct captcha *captcha_new(const struct tl_host *host, struct tl_channel *channel);
void captcha_free(struct captcha *c);
/* The field in which its token comes. */
const char *captcha_field(const struct captcha_config *config);
/* What a hidden field of any maker is called: no field of the form. */
bool captcha_is_field(struct str name);
/* same: what makes two submissions one. done once, at once or later, not after captcha_free. */
void captcha_check(struct captcha *c, const struct captcha_config *config, struct str token,
                   struct str peer, struct str same, captcha_fn *done, void *arg);
/* Judges a maker's answer. Pure. */
enum captcha_verdict captcha_judge(const struct captcha_config *config, struct str answer);

#endif
