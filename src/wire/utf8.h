#ifndef WILCO_WIRE_UTF8_H
#define WILCO_WIRE_UTF8_H

#include "base/span.h"

#include <stdbool.h>

/* Well-formed UTF-8 (shortest forms, no surrogates, at most U+10FFFF) without U+0000: what MQTT 5.0
 * section 1.5.4 demands of every string: of topics [MQTT-4.7.3-2], Response Topic [MQTT-3.3.2-13],
 * Content Type [MQTT-3.3.2-19] and all others. A byte order mark is a character like others
 * [MQTT-1.5.4-3]. Control and non-characters, which the standard merely discourages, are accepted
 * [U-1.5.4-2]. */
bool utf8_is_valid(struct span text);

#endif
