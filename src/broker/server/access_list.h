#ifndef WILCO_BROKER_SERVER_ACCESS_LIST_H
#define WILCO_BROKER_SERVER_ACCESS_LIST_H

#include "broker/server/reloadable.h"

/* What the file of acl_file says (broker/auth/acl.h), as the policy of the broker. */
extern const struct reloadable access_list_reloadable;

#endif
