/* social/meta.h - what Messenger, Instagram and WhatsApp have in common: handshake and signature.
 */
#ifndef SOCIAL_META_H
#define SOCIAL_META_H

#include "provider.h"

/* GET: hub.challenge for who knows the verify token. POST: X-Hub-Signature-256 over the raw body.
 */
struct hook_verdict meta_judge(struct hook_call *call);

#endif
