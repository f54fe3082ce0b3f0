#ifndef WILCO_NET_NETWORK_H
#define WILCO_NET_NETWORK_H

#include "base/span.h"
#include "net/address.h"

/* A set of IP addresses with the same first bits: "10.0.0.0/8", "2001:db8::/32", or one address. An
 * IPv4 address mapped into IPv6 is what it is mapped from. */
struct network {
    uint8_t bytes[16]; /* as IPv6, zeroes behind the bits */
    uint8_t bits;      /* 0 to 128 */
};

/* False: this is none. */
bool network_parse(struct network *out, struct span text);
/* Never true of an address that is no IP address. */
bool network_has(const struct network *n, const struct address *a);

#endif
