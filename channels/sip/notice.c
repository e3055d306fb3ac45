/* sip/notice.c - see notice.h. */
#include "notice.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <touchline/kit/own.h>

enum { NOTICE_BYTES = 16 * 1024 };

struct notice {
    int fd;
    struct event *event;
    void (*changed)(void *arg);
    void *arg;
};

static void on_event(evutil_socket_t fd, short what, void *arg) {
    struct notice *n = arg;
    char bytes[NOTICE_BYTES];
    (void)what;
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
    n->changed(n->arg);
}

struct notice *notice_new(struct event_base *base, void (*changed)(void *arg), void *arg) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct notice *n = NEW(struct notice);
    *n = (struct notice){.fd = fd, .changed = changed, .arg = arg};
    n->event = event_new(base, fd, EV_READ | EV_PERSIST, on_event, n);
    event_add(n->event, NULL);
    return n;
}

void notice_free(struct notice *n) {
    if (!n)
        return;
    event_free(n->event);
    close(n->fd);
    free(n);
}

void notice_file(struct notice *n, struct str path) {
    size_t slash = path.n;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    if (!n)
        return;
    cleanup(mem_freep) char *folder = slash ? mem_dup(path.p, slash) : mem_dup(".", 1);
    (void)inotify_add_watch(n->fd, folder, IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY);
}
