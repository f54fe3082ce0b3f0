#ifndef WILCO_MUTATE_VANDAL_H
#define WILCO_MUTATE_VANDAL_H

#include "dice.h"
#include "wire/any.h"

#define VANDAL_BYTES_MAX 2048U

/* Spoils packets, knowing how they are made: what is wrong with them is one thing or a few, and the
 * rest is right, so that it is found late. */

/* Puts other texts and numbers in place of some of `packet`, which it may borrow for ever. */
void vandal_spoil_fields(struct dice *d, struct wire_any *packet);
/* Takes the properties of a whole packet apart and puts them together wrongly: twice, in another
 * order, cut short, with others among them, or with a length that is a lie. Lengths outside are
 * right. `bytes` has room for VANDAL_BYTES_MAX. */
void vandal_spoil_properties(struct dice *d, enum wire_version version, uint8_t *bytes,
                             size_t *len);
/* Spoils lengths, flags and single bytes. */
void vandal_spoil_bytes(struct dice *d, uint8_t *bytes, size_t *len);
/* A packet that clients do not send. */
size_t vandal_write_foreign(struct dice *d, uint8_t *bytes);

#endif
