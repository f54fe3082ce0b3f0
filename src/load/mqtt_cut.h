#ifndef WILCO_LOAD_MQTT_CUT_H
#define WILCO_LOAD_MQTT_CUT_H

#include "load/dialect.h"

/* Takes the next packet of MQTT 5.0 off `*in`, as struct dialect has it. What comes often is read
 * by hand: of a PUBLISH only its identifier, Response Topic, Correlation Data and payload are
 * looked at. Everything else goes through wire/. */
enum wilco_status mqtt_cut(struct span *in, struct arrival *a);

#endif
