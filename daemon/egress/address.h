/* egress/address.h - which addresses a request out may go to. Pure. */
#ifndef EGRESS_ADDRESS_H
#define EGRESS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Only addresses of the public Internet: not this host, this network or any range set apart by
 * RFC 6890; IPv6 forms that carry an IPv4 address are judged by that one. Other families: false. */
bool address_public(const struct sockaddr *addr);

#endif
