#ifndef WILCO_SUPPORT_OFFERING_H
#define WILCO_SUPPORT_OFFERING_H

#include "support/asking.h"

/* Clients of a rig that say which services they offer, and who asks the broker about them. */

/* A SUBSCRIBE for one filter, at QoS 1. */
struct offer {
    const char *filter;
    const struct wire_user_property *users; /* USERS() */
    size_t user_count;
    uint8_t refusal; /* the reason code that SUBACK must have; 0: it is granted */
};
void offer(struct rig_client *c, const struct offer *o);
/* What an offer says most often. */
#define OFFERS(name_text, version_text)                                                            \
    USERS(USER("rr-service", name_text), USER("rr-version", version_text))
void withdraw(struct rig_client *c, const char *filter); /* UNSUBSCRIBE, which must be granted */

/* A text in which "@" stands for the id of an instance. */
bool offering_matches(struct span text, const char *pattern);

/* The client asks at `topic`, such as "$SRV/PING", to have the answers at `response_topic`. */
void question(struct rig_client *c, const char *topic, const char *response_topic);
/* The next packet is the answer at `place`, from 0, to that, with this text; acknowledges it. */
void expect_answer(struct rig_client *c, unsigned place, bool has_more, const char *pattern);
/* There is nobody to tell of. */
void expect_no_service(struct rig_client *c);
/* The next packet is an event like this, to a topic like that; acknowledges it. */
void expect_event(struct rig_client *c, const char *topic_pattern, const char *pattern);

#endif
