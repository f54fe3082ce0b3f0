#ifndef WILCO_BROKER_CORE_SERVICE_REPORT_H
#define WILCO_BROKER_CORE_SERVICE_REPORT_H

#include "broker/core/request_stats.h"
#include "broker/core/service_question.h"
#include "broker/core/service_registry.h"
#include "broker/core/service_table.h"

/* What is said of a service to those who ask: JSON objects with the names that NATS' micro services
 * have given everything. docs/services.md describes them. */

/* An instance, between service_registry_open() and service_registry_close(). WILCO_ELIMIT: the
 * ceiling of the buffer; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status service_report(struct buffer *out,
                                                  enum service_question_kind kind,
                                                  const struct service_instance *i);

/* Those who subscribe with one filter, in one group or none, have been sent requests, and have not
 * said what they are. */
struct service_strangers {
    struct service_name at;
    uint64_t members;
    uint64_t online;                   /* of the members */
    const struct request_stats *stats; /* all who subscribe so; for SERVICE_STATS */
};
WILCO_MUST_CHECK enum wilco_status service_report_strangers(struct buffer *out,
                                                            enum service_question_kind kind,
                                                            const struct service_strangers *s);

#endif
