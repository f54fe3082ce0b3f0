#ifndef WILCO_BROKER_CORE_SERVICE_FIGURES_H
#define WILCO_BROKER_CORE_SERVICE_FIGURES_H

#include "broker/core/request_failure.h"
#include "wire/property.h"

struct request;

/* Counts for a session that has services (services.h) what became of the requests that it was sent:
 * at the endpoint that each came by. In the shard of the session. */

/* Its last response has come, so long after the request was sent. */
void service_figures_answered(const struct request *r, uint64_t took_us);
/* That response says that it is an error: `p` are its properties. */
void service_figures_error(const struct request *r, const struct wire_properties *p);
/* There was none. */
void service_figures_failed(const struct request *r, enum request_failure why);

#endif
