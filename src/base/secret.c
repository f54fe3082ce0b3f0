#define _DEFAULT_SOURCE /* explicit_bzero */

#include "base/secret.h"

#include <stdint.h>
#include <string.h>

void
secret_wipe(void *bytes, size_t len)
{
    if (len > 0) {
        explicit_bzero(bytes, len);
    }
}

bool
secret_equal(struct span a, struct span b)
{
    volatile uint8_t difference = 0;

    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        difference |= (uint8_t)(a.data[i] ^ b.data[i]);
    }
    return difference == 0;
}
