/* social/telegram.h - what a Telegram message says and carries. Pure. */
#ifndef SOCIAL_TELEGRAM_H
#define SOCIAL_TELEGRAM_H

#include "provider.h"

/* Its words, or what stands for them; absent where there are none. */
struct str telegram_text(struct arena *a, const json_t *message);
/* The text with the addresses of its hidden links. */
struct str telegram_linked(struct arena *a, struct str text, const json_t *entities);
/* false: a notice of the chat itself (who joined, what was pinned). */
bool telegram_has_content(const json_t *message);
/* Adds what is to be fetched: "id:" and the file's id. */
void telegram_files(struct arena *a, const json_t *message, json_t *tp);

#endif
