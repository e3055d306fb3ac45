/* sip/listen.h - packets that come in by UDP and TCP, for a format that has `packet`. */
#ifndef SIP_LISTEN_H
#define SIP_LISTEN_H

struct input;
struct listen;

/* Binds where the configuration says; logs where it cannot (NULL). */
struct listen *listen_new(struct input *input);
void listen_free(struct listen *l);

#endif
