/* config/read_priv.h - one value on its way from the file into a struct: what read.c and its
 * converters share.
 *
 * A converter either writes the value and marks it, or adds a fault and leaves zero.
 */
#ifndef CONFIG_READ_PRIV_H
#define CONFIG_READ_PRIV_H

#include "config/config_priv.h"

struct reading {
    struct config_reader *r;
    const struct tl_key *key;
    size_t stride;
    const struct config_node *node; /* what was written, or the preset */
    const struct config_node *at; /* where a fault of a preset is told; NULL: at the file's head */
    void *out;
};

/* ---- convert.c ---- */
void config_refuse(struct reading *x, const struct config_node *at, const char *format, ...)
    printf_like(3, 4);
/* The text of a scalar, fit for any value. false: none; a fault has been added. */
bool config_text_take(struct reading *x, const struct config_node *n, struct str *out) must_check;
void config_store_str(struct reading *x, struct str s);
struct str config_path_read(struct reading *x, struct str s);
void config_convert_str(struct reading *x);
void config_convert_bool(struct reading *x);
void config_convert_number(struct reading *x); /* INT SIZE DURATION SHARE */
void config_convert_rate(struct reading *x);
void config_convert_address(struct reading *x);
void config_convert_path(struct reading *x);
void config_convert_secret(struct reading *x);

/* ---- names.c ---- */
/* false: not one that may stand here; a fault has been added. */
bool config_name_known(struct reading *x, const struct config_node *at, struct str s) must_check;
void config_convert_choice(struct reading *x);
void config_convert_ref(struct reading *x);

/* ---- many.c ---- */
void config_convert_strs(struct reading *x);
void config_convert_strmap(struct reading *x);
void config_convert_groups(struct reading *x);
void config_convert_intmap(struct reading *x);

#endif
