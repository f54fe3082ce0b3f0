#ifndef WILCO_BROKER_SERVER_CERTIFICATES_H
#define WILCO_BROKER_SERVER_CERTIFICATES_H

#include "broker/server/reloadable.h"

/* What listeners with TLS are made of: certificates, keys, CAs and lists of those revoked. Read
 * again, they are for new connections; those that there are go on with what they have. */
extern const struct reloadable certificates_reloadable;

#endif
