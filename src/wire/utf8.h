#ifndef WILCO_WIRE_UTF8_H
#define WILCO_WIRE_UTF8_H

#include "base/span.h"

#include <stdbool.h>

/* Well-formed UTF-8 (shortest forms, no surrogates, at most U+10FFFF) without U+0000: what MQTT 5.0
 * section 1.5.4 demands of every string. Control and non-characters, which it merely discourages,
 * are accepted. */
bool utf8_is_valid(struct span text);

#endif
