#ifndef WILCO_CLI_PAIR_MAP_H
#define WILCO_CLI_PAIR_MAP_H

#include "wilco/wilco.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers by two strings of bytes, which are copied: what a request is found by. */
struct pair_map;

/* `max`: when there are more, the one that was put first makes room; 0: no bound. */
struct pair_map *pair_map_new(size_t max);
void pair_map_free(struct pair_map *m);

/* What was there for the pair is no longer found. */
void pair_map_put(struct pair_map *m, struct wilco_bytes a, struct wilco_bytes b, uint64_t value);
bool pair_map_get(const struct pair_map *m, struct wilco_bytes a, struct wilco_bytes b,
                  uint64_t *value);

#endif
