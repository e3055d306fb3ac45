/* Any bytes as the token of a link: none of ours, since nobody has the key. And what is written of
 * any names is read again as the same.
 */
#include "fuzz.h"

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>

#include "delivery/offer_link.h"

static struct str without_lines(struct arena *a, struct str s) {
    struct str copy = arena_str(a, s);
    for (size_t i = 0; i < copy.n; i++)
        if (copy.p[i] == '\n')
            ((char *)(uintptr_t)copy.p)[i] = ' ';
    return copy;
}

static void written_is_read(const struct offer_link_key *key, struct arena *a, struct str bytes) {
    cleanup(buf_clear) struct buf token;
    struct str task = str_upto(bytes, bytes.n / 2), agent = str_from(bytes, bytes.n / 2);
    struct offer_link got, link = {.agent = without_lines(a, agent),
                                   .task = without_lines(a, task),
                                   .offer = (int64_t)bytes.n,
                                   .accept = bytes.n % 2,
                                   .expires_s = 2000000000};
    buf_init(&token, 2048);
    if (!link.task.n || !link.agent.n || bytes.n > 300)
        return;
    must(offer_link_write(key, &link, &token));
    must(offer_link_read(key, buf_str(&token), 0, a, &got) == OFFER_LINK_GOOD);
    must(str_eq(got.agent, link.agent) && str_eq(got.task, link.task));
    must(got.offer == link.offer && got.accept == link.accept && got.expires_s == link.expires_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str bytes = str_make((const char *)data, size);
    struct offer_link_key key;
    struct offer_link got;
    struct arena a;
    arena_init(&a);
    offer_link_key(str_c("a secret that no input knows"), &key);
    must(offer_link_read(&key, bytes, 0, &a, &got) == OFFER_LINK_WRONG);
    written_is_read(&key, &a, bytes);
    arena_clear(&a);
    return 0;
}
