#define _POSIX_C_SOURCE 200809L

#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#    include <sys/random.h>
#endif

/* How a source of bytes is read: like read(2). */
typedef ssize_t read_function(int fd, void *out, size_t len);

static enum wilco_status
read_fully(read_function *read_some, int fd, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = read_some(fd, out, len);

        if (n > 0) {
            out += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            return WILCO_EIO;
        }
    }
    return WILCO_OK;
}

static enum wilco_status
fill_from_device(uint8_t *out, size_t len)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    enum wilco_status st;

    if (fd < 0) {
        return WILCO_EIO;
    }
    st = read_fully(read, fd, out, len);
    (void)close(fd);
    return st;
}

#ifdef __linux__
static ssize_t
read_kernel(int fd, void *out, size_t len)
{
    (void)fd;
    return getrandom(out, len, 0);
}
#endif

static enum wilco_status
fill_from_system(void *context, void *out, size_t len)
{
    (void)context;
#ifdef __linux__
    if (read_fully(read_kernel, -1, out, len) == WILCO_OK) {
        return WILCO_OK;
    }
#endif
    return fill_from_device(out, len);
}

const struct random_source *
random_system(void)
{
    static const struct random_source system = {.fill = fill_from_system};

    return &system;
}

static uint64_t
splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static enum wilco_status
fill_from_seed(void *context, void *out, size_t len)
{
    struct random_seeded *r = context;
    uint8_t *bytes = out;
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++) {
        word = i % 8 == 0 ? splitmix64(&r->state) : word >> 8;
        bytes[i] = (uint8_t)(word & 0xff);
    }
    return WILCO_OK;
}

void
random_seeded_init(struct random_seeded *r, uint64_t seed)
{
    *r = (struct random_seeded){.source = {fill_from_seed, r}, .state = seed};
}

enum wilco_status
random_bytes(const struct random_source *r, void *out, size_t len)
{
    return r->fill(r->context, out, len);
}

enum wilco_status
random_u64(const struct random_source *r, uint64_t *out)
{
    return random_bytes(r, out, sizeof *out);
}

enum wilco_status
random_uuid7(const struct random_source *r, uint64_t unix_ms, uint8_t out[16])
{
    enum wilco_status st = random_bytes(r, out + 6, 10);

    for (unsigned i = 0; i < 6; i++) {
        out[i] = (uint8_t)(unix_ms >> (40 - 8 * i) & 0xff);
    }
    out[6] = (uint8_t)(0x70 | (out[6] & 0x0f)); /* the version */
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f)); /* the variant */
    return st;
}

enum wilco_status
random_token(const struct random_source *r, char *out, size_t chars)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bits[RANDOM_TOKEN_MAX];
    enum wilco_status st;

    assert(chars <= sizeof bits);
    out[0] = '\0';
    st = random_bytes(r, bits, chars);
    if (st != WILCO_OK) {
        return st;
    }
    for (size_t i = 0; i < chars; i++) {
        out[i] = alphabet[bits[i] & 63];
    }
    out[chars] = '\0';
    return WILCO_OK;
}
