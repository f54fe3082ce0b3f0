#ifndef WILCO_BROKER_CORE_SESSION_ID_H
#define WILCO_BROKER_CORE_SESSION_ID_H

#include <stdint.h>

/* Names a session from anywhere, without keeping it alive: the shard that owns it, a slot in that
 * shard's table, and the generation of the slot, so that a name outliving its session finds nothing
 * rather than a stranger. 0 names no session. */
#define SESSION_ID_NONE UINT64_C(0)
#define SHARDS_MAX      64U

static inline uint64_t
session_id_make(unsigned shard, uint32_t generation, uint32_t slot)
{
    return (uint64_t)shard << 56 | (uint64_t)(generation & 0xFFFFFFU) << 32 | slot;
}

static inline unsigned
session_id_shard(uint64_t id)
{
    return (unsigned)(id >> 56);
}

static inline uint32_t
session_id_generation(uint64_t id) /* 1 to 0xFFFFFF */
{
    return (uint32_t)(id >> 32) & 0xFFFFFFU;
}

static inline uint32_t
session_id_slot(uint64_t id)
{
    return (uint32_t)id;
}

#endif
