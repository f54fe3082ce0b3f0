#ifndef WILCO_PUBLISH_H
#define WILCO_PUBLISH_H

#include "wilco/message.h"

/* Plain MQTT 5.0: publishing and subscribing. */

#ifdef __cplusplus
extern "C" {
#endif

/* From wilco_open() to wilco_close(). */
struct wilco;

/* A message to publish (MQTT 5.0, 3.3); also a Will (3.1.2.5). */
struct wilco_publish {
    const char *topic; /* without wildcards */
    struct wilco_bytes payload;
    uint8_t qos; /* 0, 1 or 2 */
    bool retain;
    bool is_utf8;      /* Payload Format Indicator 1 */
    bool has_expiry;   /* use expiry_s */
    uint32_t expiry_s; /* Message Expiry Interval, seconds */
    const char *content_type;
    const char *response_topic;
    struct wilco_bytes correlation_data; /* data == NULL: none */
    const struct wilco_user_property *user_properties;
    size_t user_property_count;
};

/* Publishes (MQTT 5.0, 3.3). WILCO_OK: with QoS 1 and 2 the server has acknowledged it, with QoS 0
 * it is on its way, or queued behind at most queue_bytes_max. `*reason_code` (NULL is allowed) is
 * that of PUBACK or PUBREC (3.4, 3.5), such as 0x10 No matching subscribers, and 0 with QoS 0.
 * WILCO_EREFUSED: a reason code >= 0x80, or the one the server would answer with, for it has said
 * what it does not take (0x9A retained messages, 0x9B this QoS). WILCO_EINVAL (no Topic Name, not
 * UTF-8, QoS above 2), WILCO_ELIMIT (larger than the server takes), WILCO_ECLOSED (it may have
 * arrived or not), WILCO_ENOMEM. Waits, also for room in the queue, and while there is no
 * connection, as long as the client tries to make one. */
WILCO_API enum wilco_status wilco_publish(struct wilco *client, const struct wilco_publish *publish,
                                          uint8_t *reason_code);
/* The same without waiting. Publications leave in the order of these calls. Unless this returns an
 * error, `done` (NULL is allowed) runs exactly once, with what wilco_publish() would have returned
 * and its reason code. Errors as wilco_publish(); WILCO_ELIMIT also when too much is queued. */
typedef void wilco_published_fn(void *context, enum wilco_status status, uint8_t reason_code);
WILCO_API enum wilco_status wilco_publish_start(struct wilco *client,
                                                const struct wilco_publish *publish,
                                                wilco_published_fn *done, void *context);

/* Gets a message, borrowed. With QoS 1 and 2 it is acknowledged after this has returned. */
typedef void wilco_message_fn(void *context, const struct wilco_message *message);

/* A Topic Filter and the Subscription Options (MQTT 5.0, 3.8.3.1). */
struct wilco_subscription {
    const char *filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send retained messages, 1 only if new, 2 never */
    /* Of the SUBSCRIBE packet (3.8.2.1.3), such as `rr-observe`=`1`: whoever only watches says so
     * to a broker that knows requests, or it takes him for somebody who may answer. */
    const struct wilco_user_property *user_properties;
    size_t user_property_count;
};

/* Subscribes and waits for SUBACK (MQTT 5.0, 3.8 and 3.9); `on_message` runs for each matching
 * message, possibly before this returns. `*reason_code` (NULL is allowed) is SUBACK's: the QoS that
 * was granted, or why it was refused. Subscribing to the same filter again
 * replaces options and callback. WILCO_EREFUSED (by SUBACK, or before: the server has said that it
 * does not do such subscriptions), WILCO_EINVAL (no Topic Filter, No Local with a shared one, no
 * callback; also: requests use it as response topic, outside the inbox), WILCO_ELIMIT (65 536
 * subscriptions, or larger than the server takes), WILCO_ECLOSED, WILCO_ENOMEM. Waits. */
WILCO_API enum wilco_status wilco_subscribe(struct wilco *client,
                                            const struct wilco_subscription *subscription,
                                            wilco_message_fn *on_message, void *context,
                                            uint8_t *reason_code);
/* Ends a subscription or a responder (MQTT 5.0, 3.10) by its filter, with or without
 * `$share/<group>/`; its callback does not run afterwards. WILCO_ENOTFOUND: there was none.
 * WILCO_EREFUSED: the server goes on sending, so the callback does, too. WILCO_EINVAL (from a
 * callback), WILCO_ELIMIT (65 535 packets wait for their acknowledgements), WILCO_ECLOSED,
 * WILCO_ENOMEM. Waits. */
WILCO_API enum wilco_status wilco_unsubscribe(struct wilco *client, const char *filter);

/* The same two without waiting. Unless these return an error, `done` (NULL is allowed) runs exactly
 * once, with what the ones that wait would have returned, and the reason code. */
typedef void wilco_subscribed_fn(void *context, enum wilco_status status, uint8_t reason_code);
WILCO_API enum wilco_status wilco_subscribe_start(struct wilco *client,
                                                  const struct wilco_subscription *subscription,
                                                  wilco_message_fn *on_message, void *context,
                                                  wilco_subscribed_fn *done, void *done_context);
WILCO_API enum wilco_status wilco_unsubscribe_start(struct wilco *client, const char *filter,
                                                    wilco_subscribed_fn *done, void *done_context);

#ifdef __cplusplus
}
#endif

#endif
