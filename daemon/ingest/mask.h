/* ingest/mask.h - what must never reach the disk: masked before the spool's commit.
 *
 *   mask:
 *     - { channels: all, find: card, with: mask }
 *     - { channels: [email], find: { matches: "KD-[0-9]{8}" }, with: hash }
 *     - { channels: [form], fields: [data.birthday], with: drop }
 *     - { channels: [email], attachments: [application/x-msdownload, image/png], with: drop }
 *
 * What is judged already (pushes, forms, finished calls) is masked as it stands. What would be kept
 * as bytes and read later (mails, hooks) is read first, and its masked touchpoints are kept instead
 * of the bytes (early.c); of what cannot be read the bytes are kept in quarantine, masked as far as
 * they are text. Ids are derived before, so the same again is still the same. Addresses by which a
 * person is known, and ids, are never touched.
 */
#ifndef INGEST_MASK_H
#define INGEST_MASK_H

#include <stdbool.h>

#include <touchline/kit/buf.h>
#include <touchline/plugin.h>

struct config_check;
struct config_node;
struct id_maker;
struct mask;
struct touchpoint;

/* One entry of the section. */
struct mask_config {
    struct tl_strs channels;
    const struct config_node *find;
    struct str matches;
    struct tl_strs fields, attachments;
    int64_t with; /* enum mask_with */
};
enum mask_with { MASK_MASK, MASK_DROP, MASK_HASH };
extern const struct tl_key mask_keys[];
void mask_check(const void *section, struct config_check *c);

/* NULL: there is nothing to mask. The section must outlive it. */
struct mask *mask_new(const struct tl_items *section, struct id_maker *ids);
void mask_free(struct mask *m);

/* Whether bytes of this plugin must be read before they are kept. */
bool mask_reads(const struct mask *m, struct str plugin);
/* Masks what is stored of it: texts, data, names, attachments. Counts by rule and channel. */
void mask_touchpoint(const struct mask *m, struct touchpoint *tp);
/* Bytes of no known form, of a plugin: cards, IBANs and patterns in them. */
void mask_bytes(const struct mask *m, struct str plugin, struct str bytes, struct buf *out);
/* The bytes of an attachment that came by itself; false: they stay as they are. */
bool mask_attachment(const struct mask *m, struct str channel, struct str source, struct str type,
                     struct str bytes, struct buf *out);
/* An attachment of this type is not kept. */
bool mask_drops(const struct mask *m, struct str channel, struct str source, struct str type);

#endif
