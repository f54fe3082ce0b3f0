#include "base/hash.h"

#define XXH_INLINE_ALL /* compiled in, so that nothing has to link to the library */
#include <xxhash.h>

uint64_t
hash_bytes(struct span bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}

struct span
hash_check(struct span bytes, char out[HASH_CHECK_CHARS])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data, bytes.len));
    for (size_t i = 0; i < sizeof(canonical.digest); i++) {
        out[2 * i] = digits[canonical.digest[i] >> 4];
        out[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    return span_of(out, HASH_CHECK_CHARS);
}
