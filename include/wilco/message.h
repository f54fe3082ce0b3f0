#ifndef WILCO_MESSAGE_H
#define WILCO_MESSAGE_H

#include "wilco/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, errors, and messages that arrived. */

#if defined(WILCO_BUILD)
#    define WILCO_API __attribute__((visibility("default")))
#else
#    define WILCO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes, with no zero behind them. */
struct wilco_bytes {
    const void *data;
    size_t len;
};

/* The bytes of a string literal, without the zero behind it. */
#ifdef __cplusplus
#    define WILCO_TEXT(literal) (wilco_bytes{("" literal), sizeof(literal) - 1})
#else
#    define WILCO_TEXT(literal) ((struct wilco_bytes){("" literal), sizeof(literal) - 1})
#endif
/* Two arguments of printf() for "%.*s". */
#define WILCO_PRINTF_BYTES(bytes) (int)(bytes).len, (const char *)(bytes).data

/* A short phrase without a full stop, such as "no responder". Static storage. */
WILCO_API const char *wilco_status_text(enum wilco_status status);
/* The name of an MQTT 5.0 Reason Code (2.4), such as "Not authorized". Static storage. */
WILCO_API const char *wilco_reason_text(uint8_t reason_code);
/* The version of the library that runs, such as "0.1.0". Static storage. */
WILCO_API const char *wilco_version(void);

/* How far a request that failed had come, as far as we know. */
enum wilco_stage {
    WILCO_STAGE_UNKNOWN,   /* it was no request */
    WILCO_STAGE_UNSENT,    /* it did not leave */
    WILCO_STAGE_SENT,      /* it left; whether the server has it is not known */
    WILCO_STAGE_ACCEPTED,  /* the server has acknowledged it. What follows is the server's word: */
    WILCO_STAGE_REJECTED,  /* the server did not take it, or had nobody to give it to */
    WILCO_STAGE_QUEUED,    /* it waited for a responder */
    WILCO_STAGE_DELIVERED, /* it had been sent to a responder ... */
    WILCO_STAGE_ACKED,     /* ... and the responder had acknowledged it */
    WILCO_STAGE_ANSWERED,  /* the responder answered, with an error */
};

/* Whether anybody executed it. */
enum wilco_executed {
    WILCO_EXECUTED_UNKNOWN, /* it was no request */
    /* Nobody did: it does no harm to ask again. After an answer 429 that is the word of the one
     * responder who gave it: he does not know of others that have got the request, or had it and
     * were lost. */
    WILCO_EXECUTED_NO,
    WILCO_EXECUTED_MAYBE,
    WILCO_EXECUTED_YES, /* the responder answered */
};

/* What happened, for people and programs: filled when a call that was given one fails. */
struct wilco_error {
    uint8_t reason_code;          /* MQTT 5.0 Reason Code that decided, or 0 */
    enum wilco_stage stage;       /* of a request */
    enum wilco_executed executed; /* likewise */
    char text[280];               /* one line: what happened, where, and what to do */
};

/* A User Property (MQTT 5.0, 3.3.2.3.7). */
struct wilco_user_property {
    const char *name;
    const char *value;
};

/* ---- Messages ---- */

/* A message that arrived: a PUBLISH packet (MQTT 5.0, 3.3), immutable and counted. Callbacks borrow
 * theirs; keep one with wilco_message_ref(). What the accessors return is borrowed from it and
 * lives as long as a reference does. They may be called from any thread and cannot fail. */
struct wilco_message;

/* One more reference, which is the caller's, to be given back with wilco_message_unref(). */
WILCO_API struct wilco_message *wilco_message_ref(const struct wilco_message *m);
/* Gives a reference back; the last one frees. NULL is allowed. */
WILCO_API void wilco_message_unref(struct wilco_message *m);

/* The Topic Name (3.3.2.1), also when it came as a Topic Alias. */
WILCO_API struct wilco_bytes wilco_message_topic(const struct wilco_message *m);
/* The Payload (3.3.3), which may be empty. */
WILCO_API struct wilco_bytes wilco_message_payload(const struct wilco_message *m);
/* These four have data == NULL when the message does not carry the property: Content Type
 * (3.3.2.3.9), Response Topic (3.3.2.3.5), Correlation Data (3.3.2.3.6) ... */
WILCO_API struct wilco_bytes wilco_message_content_type(const struct wilco_message *m);
WILCO_API struct wilco_bytes wilco_message_response_topic(const struct wilco_message *m);
WILCO_API struct wilco_bytes wilco_message_correlation_data(const struct wilco_message *m);
/* ... and the value of the first User Property (3.3.2.3.7) of this name. */
WILCO_API struct wilco_bytes wilco_message_user_property(const struct wilco_message *m,
                                                         const char *name);
/* The User Property at `index`, from 0, in wire order; false behind the last: then neither is
 * touched. */
WILCO_API bool wilco_message_user_property_at(const struct wilco_message *m, size_t index,
                                              struct wilco_bytes *name, struct wilco_bytes *value);
/* The QoS it was delivered with (3.3.1.2): 0, 1 or 2. */
WILCO_API uint8_t wilco_message_qos(const struct wilco_message *m);
/* The RETAIN flag (3.3.1.3): it was stored before the subscription was made, unless that asked for
 * Retain As Published. */
WILCO_API bool wilco_message_retain(const struct wilco_message *m);
/* Payload Format Indicator 1 (3.3.2.3.2): its sender says that the payload is UTF-8. */
WILCO_API bool wilco_message_is_utf8(const struct wilco_message *m);
/* Message Expiry Interval (3.3.2.3.3) in seconds, as it was when the message arrived; false: the
 * message never expires, and `*seconds` is 0. */
WILCO_API bool wilco_message_expiry_s(const struct wilco_message *m, uint32_t *seconds);
/* A response's status: its User Property `__stat`, 200 when it has none, and 500 when that is not a
 * number from 100 to 999. */
WILCO_API int wilco_message_status(const struct wilco_message *m);
/* Whether an error status is the application's (`__apErr`), and not that of its library, a broker
 * or the protocol. */
WILCO_API bool wilco_message_is_application_error(const struct wilco_message *m);
/* Whether it says that other responses follow it (`rr-more`, `rr-prog`). */
WILCO_API bool wilco_message_is_part(const struct wilco_message *m);
/* How much is done, from 0 to 1 (`rr-prog`); false: it does not say, and `*done` is not touched. */
WILCO_API bool wilco_message_progress(const struct wilco_message *m, double *done);

#ifdef __cplusplus
}
#endif

#endif
