/* http/address.h - who is at the other end, and where we listen: IP addresses, networks, sockets.
 *
 * Every IP address is held in its 16-byte form (IPv4 mapped), so one comparison serves both.
 */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <touchline/kit/fault.h>
#include <touchline/str.h>

enum { ADDRESS_TEXT = 48 };

struct address {
    uint8_t ip[16];
    bool local; /* came through a unix socket; ip means nothing */
};
struct network {
    struct address base;
    unsigned bits; /* of 128 */
};

void address_of(const struct sockaddr_storage *from, struct address *out);
/* An IP address and nothing else; false for anything more. */
bool address_parse(struct str text, struct address *out) must_check;
/* "192.0.2.1", "2001:db8::1", "local". */
void address_text(const struct address *a, char out[ADDRESS_TEXT]);
/* The network for logs: /24 or /48. */
void address_text_masked(const struct address *a, char out[ADDRESS_TEXT]);
bool address_is_loopback(const struct address *a);
/* What counts as one client: the IPv4 address, or the /64 of an IPv6 one. */
void address_client(const struct address *a, uint8_t out[16]);

/* "10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "local" for unix sockets. */
bool network_parse(struct str text, struct network *out) must_check;
bool network_has(const struct network *n, const struct address *a);

/* Opens a listening socket at HOST:PORT, [V6]:PORT or unix:PATH. A unix socket left behind by a
 * dead daemon is replaced, one in use is a fault. Blocks on name resolution: start and reload only.
 */
bool address_listen(struct str where, int *out_fd, struct fault *f) must_check;
/* Only looks whether `where` has one of the forms. */
bool address_form(struct str where) must_check;

#endif
