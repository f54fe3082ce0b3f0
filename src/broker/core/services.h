#ifndef WILCO_BROKER_CORE_SERVICES_H
#define WILCO_BROKER_CORE_SERVICES_H

#include "broker/core/service_terms.h"
#include "broker/core/session.h"

/* The services of one session: what it says of its subscriptions (service_terms.h) is put into the
 * registry (service_registry.h) and taken out with them, whoever waits for events hears of it
 * (service_event.h). In the shard of the session. */

/* What one SUBSCRIBE says, for each of its filters. */
struct enrolment {
    struct service_terms terms;
    struct buffer description;
    struct buffer metadata;
    bool is_described; /* there is something to tell that an instance does not have */
};

/* WIRE_REASON_SUCCESS, or the reason code for all filters; then `*why` says why. Finish it in
 * either case. */
uint8_t services_enrol(struct enrolment *e, const struct session *s,
                       const struct wire_properties *p, const char **why);
void services_enrolled(struct enrolment *e);

/* The session has subscribed to the filter, as the enrolment says; if it had it for another
 * service, or now for none, that is over. WILCO_ELIMIT: it has too many, or all have;
 * WILCO_ENOMEM, WILCO_EIO: then it must not have the subscription either. */
WILCO_MUST_CHECK enum wilco_status services_join(struct session *s, struct enrolment *e,
                                                 struct span filter);
/* It no longer subscribes to this. */
void services_leave(struct session *s, struct span filter);

/* Its client has come, or gone. */
void services_set_online(struct session *s, bool is_online);
/* The session ends. */
void services_end(struct session *s);

#endif
