/* forms/config.h - what an operator writes of a form, and what of it cannot be meant. */
#ifndef FORMS_CONFIG_H
#define FORMS_CONFIG_H

#include <touchline/plugin.h>

extern const struct tl_key form_keys[]; /* of struct form_config */

/* config: struct tl_items of struct form_config. Reports every fault; false: there was one. */
bool form_config_check(const void *config, tl_report_fn *report, void *ctx);

#endif
