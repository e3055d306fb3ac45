/* social/meta.h - what Messenger, Instagram and WhatsApp have in common: handshake and signature.
 */
#ifndef SOCIAL_META_H
#define SOCIAL_META_H

#include "provider.h"

/* GET: hub.challenge for who knows the verify token. POST: X-Hub-Signature-256 over the raw body.
 */
struct hook_verdict meta_judge(struct hook_call *call);
/* The error of the Graph API's answer: code and words; limits ask for another try. */
void meta_error(struct arena *a, const json_t *answer, struct tl_sent_result *out);
/* Whether the token may go to this address: one of Meta's own, or of the configured base. */
bool meta_media_host_ok(const struct hook_config *c, struct str url);
/* Reads entry[] of a page or an Instagram account (meta_event.c). */
bool meta_read(const char *network, const json_t *root, const struct tl_read *in,
               const struct tl_emit *out);

#endif
