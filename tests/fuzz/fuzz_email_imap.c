/* Any bytes as an IMAP server's, at once and in pieces: both give the same responses, literals lie
 * within the ceiling, and whatever stands in a response is walked to its end. */
#include "fuzz.h"

#include "email/imap_cursor.h"
#include "email/imap_name.h"
#include "email/imap_value.h"

enum { LITERAL_MAX = 4096, ALL_MAX = 1 << 22 };

static void add(struct buf *all, struct str s) {
    must(buf_add(all, s) && buf_add_byte(all, '\n'));
}

static void walk(const struct imap_reader *r, const struct imap_response *response,
                 struct buf *all) {
    struct imap_walk w;
    struct imap_value v;
    struct imap_fetch f;
    struct imap_uids uids = {0};
    imap_walk_begin(&w, r, response->args);
    while (imap_walk_next(&w, &v) != IMAP_END && v.token != IMAP_BAD)
        add(all, v.bytes);
    if (imap_fetch_read(r, response->args, &f)) {
        must(f.size >= -1 && f.body.bytes.n <= ALL_MAX);
        touch(f.header.bytes);
    }
    if (imap_search_read(r, response, &uids, 1000)) {
        cleanup(buf_clear) struct buf set;
        buf_init(&set, 65536);
        imap_uids_sort(&uids);
        must(imap_uids_write(uids.items, uids.n, &set, 65536) == uids.n);
    }
    imap_uids_clear(&uids);
}

static void play(struct str in, size_t most, struct buf *all) {
    struct imap_reader r;
    imap_reader_init(&r, LITERAL_MAX);
    while (in.n && r.state != IMAP_BROKEN) {
        struct str piece = exact(str_upto(in, most));
        size_t eaten = imap_reader_feed(&r, piece);
        free((char *)piece.p);
        must(eaten <= in.n && (eaten || r.state == IMAP_BROKEN));
        must(r.store.n <= LITERAL_MAX);
        in = str_from(in, eaten);
        if (r.state != IMAP_READY)
            continue;
        struct imap_response response;
        imap_reader_response(&r, &response);
        add(all, response.tag);
        add(all, response.word);
        add(all, response.code);
        add(all, response.text);
        walk(&r, &response, all);
    }
    imap_reader_clear(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_make((const char *)data, size);
    cleanup(buf_clear) struct buf whole, pieces, name;
    struct imap_cursor c;
    struct imap_place place;
    char text[IMAP_CURSOR_MAX];
    buf_init(&whole, ALL_MAX);
    buf_init(&pieces, ALL_MAX);
    buf_init(&name, ALL_MAX);
    play(in, SIZE_MAX, &whole);
    play(in, 1 + size % 7, &pieces);
    must(str_eq(buf_str(&whole), buf_str(&pieces)));
    if (imap_cursor_read(in, &c))
        touch(imap_cursor_write(&c, text));
    if (imap_url_read(in, &place) && imap_folder_write(&name, place.folder))
        touch(buf_str(&name));
    return 0;
}
