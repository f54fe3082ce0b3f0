#include "broker/core/service_figures.h"

#include "broker/core/message.h"
#include "broker/core/request.h"
#include "broker/core/service_registry.h"
#include "wire/topic.h"

#include <stdio.h>

#define DIGITS_BYTES 12U

static struct service_endpoint *
at(struct list *link)
{
    return CONTAINER_OF(link, struct service_endpoint, of_instance);
}

/* Whether the request came by this subscription. Where several filters of others match as well the
 * figures of the request may be kept under one of these, so they do not tell. */
static bool
has_served(const struct service_endpoint *e, const struct request *r)
{
    bool is_shared = e->group_bytes > 0;

    return is_shared == (r->group != 0) && (!is_shared || e->service == r->service) &&
           topic_matches(service_endpoint_filter(e), message_topic(r->message));
}

/* NULL: it is part of no service. */
static struct service_endpoint *
endpoint_of(const struct request *r)
{
    for (struct service_instance *i = r->holder->services; i != NULL; i = i->next) {
        LIST_EACH(link, &i->endpoints)
        {
            if (has_served(at(link), r)) {
                return at(link);
            }
        }
    }
    return NULL;
}

static void
add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

void
service_figures_answered(const struct request *r, uint64_t took_us)
{
    struct service_endpoint *e = endpoint_of(r);

    if (e != NULL) {
        add(&e->answered, 1);
        add(&e->took_us, took_us);
    }
}

/* In NATS' form: the number, a colon, and the words. */
static void
note_error(const struct request *r, struct service_endpoint *e, struct span status,
           struct span words)
{
    char text[SERVICE_ERROR_BYTES_MAX + 8]; /* it is cut where characters are looked at */
    int len = snprintf(text, sizeof(text), "%.*s:%.*s", (int)status.len, (const char *)status.data,
                       (int)words.len, (const char *)words.data);

    service_registry_note_error(r->holder->shard->broker->registry, e,
                                span_of(text, len < 0 ? 0 : strlen(text)));
}

void
service_figures_failed(const struct request *r, enum request_failure why)
{
    struct service_endpoint *e = endpoint_of(r);
    char digits[DIGITS_BYTES];

    if (e != NULL) {
        (void)snprintf(digits, sizeof(digits), "%u", request_failure_status(why));
        add(&e->failed, 1);
        note_error(r, e, span_of_text(digits), span_of_text(request_failure_words(why)));
    }
}

void
service_figures_error(const struct request *r, const struct wire_properties *p)
{
    struct service_endpoint *e = endpoint_of(r);
    struct span status = SPAN_EMPTY;
    struct span words = SPAN_EMPTY;

    if (e != NULL) {
        (void)wire_properties_user(p, SPAN_LITERAL("__stat"), &status);
        (void)wire_properties_user(p, SPAN_LITERAL("__stMsg"), &words);
        add(&e->errors, 1);
        note_error(r, e, status, words);
    }
}
