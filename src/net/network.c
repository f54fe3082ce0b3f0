#define _POSIX_C_SOURCE 200809L

#include "net/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define MAPPED_BYTES 12U /* what is in front of an IPv4 address mapped into IPv6 */
#define MAPPED_BITS  96U

static void
map_v4(uint8_t out[16], const struct in_addr *in)
{
    memset(out, 0, 16);
    out[10] = 0xFF;
    out[11] = 0xFF;
    memcpy(out + MAPPED_BYTES, in, sizeof(*in));
}

/* "0" to "128", no sign and no zero in front. */
static bool
parse_bits(struct span text, unsigned bits_max, unsigned *out)
{
    *out = 0;
    if (text.len == 0 || text.len > 3 || (text.len > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return *out <= bits_max;
}

static void
clear_behind(struct network *n)
{
    for (unsigned i = n->bits; i < 128; i++) {
        n->bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
    }
}

bool
network_parse(struct network *out, struct span text)
{
    const uint8_t *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
    size_t len = slash == NULL ? text.len : (size_t)(slash - text.data);
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    bool is_v4 = false;
    unsigned bits = 0;

    *out = (struct network){.bits = 128};
    if (len == 0 || len >= sizeof(host)) {
        return false;
    }
    memcpy(host, text.data, len);
    host[len] = '\0';
    is_v4 = inet_pton(AF_INET, host, &v4) == 1;
    if (is_v4) {
        map_v4(out->bytes, &v4);
    } else if (inet_pton(AF_INET6, host, out->bytes) != 1) {
        return false;
    }
    if (slash != NULL) {
        if (!parse_bits(span_skip(text, len + 1), is_v4 ? 32 : 128, &bits)) {
            return false;
        }
        out->bits = (uint8_t)(bits + (is_v4 ? MAPPED_BITS : 0));
    }
    clear_behind(out);
    return true;
}

static bool
bytes_of(const struct address *a, uint8_t out[16])
{
    if (a->storage.ss_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &a->storage, sizeof(in));
        map_v4(out, &in.sin_addr);
        return true;
    }
    if (a->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, &a->storage, sizeof(in6));
        memcpy(out, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool
network_has(const struct network *n, const struct address *a)
{
    struct network other = {.bits = n->bits};

    if (!bytes_of(a, other.bytes)) {
        return false;
    }
    clear_behind(&other);
    return memcmp(other.bytes, n->bytes, sizeof(other.bytes)) == 0;
}
