#ifndef WILCO_BROKER_SERVER_ADMISSION_H
#define WILCO_BROKER_SERVER_ADMISSION_H

#include "broker/server/reloadable.h"

/* Who is let in: the broker's authority (broker/auth/authority.h), made of the configuration and
 * the password files it names. Where it names none, and nobody is kept out for want of a name,
 * there is no authority, and authentication costs nothing. */
extern const struct reloadable admission;

#endif
