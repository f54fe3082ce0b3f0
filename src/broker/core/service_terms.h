#ifndef WILCO_BROKER_CORE_SERVICE_TERMS_H
#define WILCO_BROKER_CORE_SERVICE_TERMS_H

#include "base/buffer.h"
#include "wire/property.h"

/* What the User Properties of a SUBSCRIBE say of the service that its filters are for: `rr-service`
 * (a name), `rr-version`, `rr-description`, and up to SERVICE_META_MAX
 * `rr-meta`, each `key=value`. Unknown ones mean nothing, and without `rr-service` none of them
 * does. Spans are borrowed from the packet. */
struct service_terms {
    struct span name; /* empty: it is for none */
    struct span version;
    struct span description;
    size_t meta_count;
};

#define SERVICE_NAME_BYTES_MAX    64U /* letters, digits, "-" and "_" */
#define SERVICE_VERSION_BYTES_MAX 64U /* printable ASCII */
#define SERVICE_META_MAX          100U

/* WILCO_EPROTOCOL: a value that makes no sense; `*why` (static storage) says which. */
WILCO_MUST_CHECK enum wilco_status
service_terms_read(struct service_terms *out, const struct wire_properties *p, const char **why);

/* Appends the `rr-meta` of the same properties as one JSON object. WILCO_ELIMIT (the ceiling of
 * `out`), WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status service_terms_write_meta(const struct wire_properties *p,
                                                            struct buffer *out);

#endif
