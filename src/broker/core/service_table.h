#ifndef WILCO_BROKER_CORE_SERVICE_TABLE_H
#define WILCO_BROKER_CORE_SERVICE_TABLE_H

#include "base/alloc.h"
#include "base/span.h"

#include <stdint.h>

/* The filters at which requests have arrived, with their groups, by number: what figures are kept
 * of (request_stats.h). A number stays with its name as long as the table. Bounded: those that come
 * when it is full share the number SERVICE_OTHER. Safe from any thread; each call takes the table's
 * lock. */
struct service_table;

#define SERVICE_NONE  0U
#define SERVICE_OTHER 1U

/* NULL: out of memory. */
struct service_table *service_table_new(const struct wilco_alloc *a, uint64_t hash_seed,
                                        uint32_t max);
void service_table_free(struct service_table *t); /* NULL is allowed */

/* The number of this filter (`group` empty), or of this group at it; never SERVICE_NONE. */
uint32_t service_table_number(struct service_table *t, struct span group, struct span filter);
/* One more than the highest number there can be. */
uint32_t service_table_capacity(const struct service_table *t);
/* One more than the highest number there is. */
uint32_t service_table_end(struct service_table *t);

struct service_name {
    struct span group;  /* empty: none */
    struct span filter; /* empty: SERVICE_OTHER */
};
/* Of a number below the end and above SERVICE_NONE; lives as long as the table. */
struct service_name service_table_name(struct service_table *t, uint32_t number);

#endif
