#ifndef WILCO_BROKER_SERVER_CONFIG_QUANTITY_H
#define WILCO_BROKER_SERVER_CONFIG_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers as people write them: "65536", "64 KiB", "90s". What units a setting takes follows from
 * its name, which says what it counts: ..._ms, ..._s, ..._bytes_max. */

/* False: no whole number, a unit that `setting` does not have, or more than 64 bits hold. */
bool quantity_parse(const char *text, const char *setting, uint64_t *out);

/* The units of `setting`, for complaints: "KiB, MiB, GiB"; NULL: it has none. */
const char *quantity_units(const char *setting);

#endif
