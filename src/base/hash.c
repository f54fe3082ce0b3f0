#include "base/hash.h"

#define XXH_INLINE_ALL /* compiled in, so that nothing has to link to the library */
#include <xxhash.h>

uint64_t
hash_bytes(struct span bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}
