#include "broker/core/services.h"

#include "broker/core/service_event.h"
#include "broker/core/service_registry.h"
#include "wire/reason.h"
#include "wire/topic.h"

/* ---- What a SUBSCRIBE says ---- */

static enum wilco_status
describe(struct enrolment *e, const struct wire_properties *p, uint64_t bytes_max)
{
    enum wilco_status status = WILCO_OK;

    e->description.bytes_max = (size_t)bytes_max;
    status = buffer_append(&e->description, e->terms.description);
    if (status == WILCO_OK) {
        e->metadata.bytes_max = (size_t)bytes_max - e->description.len;
        status = service_terms_write_meta(p, &e->metadata);
    }
    return status;
}

uint8_t
services_enrol(struct enrolment *e, const struct session *s, const struct wire_properties *p,
               const char **why)
{
    const struct broker *b = s->shard->broker;
    enum wilco_status status = WILCO_OK;

    *e = (struct enrolment){.is_described = false};
    buffer_init(&e->description, b->alloc, SIZE_MAX);
    buffer_init(&e->metadata, b->alloc, SIZE_MAX);
    if (b->settings.request_tracking == 0) {
        return WIRE_REASON_SUCCESS;
    }
    if (service_terms_read(&e->terms, p, why) != WILCO_OK) {
        return WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    }
    if (e->terms.name.len == 0) {
        return WIRE_REASON_SUCCESS;
    }
    e->is_described = e->terms.description.len > 0 || e->terms.meta_count > 0;
    status = describe(e, p, b->settings.service_metadata_bytes_max);
    if (status != WILCO_OK) {
        *why = status == WILCO_ELIMIT
                   ? "rr-description and rr-meta are longer than the broker keeps"
                   : NULL;
        return WIRE_REASON_QUOTA_EXCEEDED;
    }
    return WIRE_REASON_SUCCESS;
}

void
services_enrolled(struct enrolment *e)
{
    buffer_fini(&e->description);
    buffer_fini(&e->metadata);
}

/* ---- What the session has ---- */

static struct service_registry *
registry_of(const struct session *s)
{
    return s->shard->broker->registry;
}

static bool
is_called(const struct service_instance *i, const struct service_terms *t)
{
    struct service_labels labels = service_instance_labels(i);

    return span_equal(labels.name, t->name) && span_equal(labels.version, t->version);
}

/* NULL: it has none of this name and version. `*count`: how many it has, if there is none. */
static struct service_instance *
find_instance(const struct session *s, const struct service_terms *t, uint64_t *count)
{
    struct service_instance *i = s->services;

    for (*count = 0; i != NULL && !is_called(i, t); i = i->next) {
        *count += 1;
    }
    return i;
}

static struct service_endpoint *
endpoint_at(struct list *link)
{
    return CONTAINER_OF(link, struct service_endpoint, of_instance);
}

static struct service_endpoint *
find_endpoint(struct service_instance *i, struct span group, struct span filter)
{
    LIST_EACH(link, &i->endpoints)
    {
        struct service_endpoint *e = endpoint_at(link);

        if (span_equal(service_endpoint_filter(e), filter) &&
            span_equal(service_endpoint_group(e), group)) {
            return e;
        }
    }
    return NULL;
}

/* Takes the instance out, tells of it, and forgets it. */
static void
close_instance(struct session *s, struct service_instance *i, bool is_told)
{
    struct service_instance **link = &s->services;

    while (*link != i) {
        link = &(*link)->next;
    }
    *link = i->next;
    service_registry_remove(registry_of(s), i);
    if (is_told && i->is_online) {
        i->is_online = false;
        service_event_publish(s->shard, i);
    }
    service_instance_free(i, s->shard->broker->alloc);
}

/* Takes the subscription out of all instances but one. */
static void
leave_others(struct session *s, const struct service_instance *kept, struct span group,
             struct span filter)
{
    struct service_instance *next = NULL;

    for (struct service_instance *i = s->services; i != NULL; i = next) {
        struct service_endpoint *e = i == kept ? NULL : find_endpoint(i, group, filter);

        next = i->next;
        if (e != NULL && i->endpoint_count == 1) {
            close_instance(s, i, true);
        } else if (e != NULL) {
            service_registry_remove_endpoint(registry_of(s), i, e);
        }
    }
}

void
services_leave(struct session *s, struct span filter)
{
    struct span group = SPAN_EMPTY;
    struct span inner = filter;

    if (s->services != NULL) {
        (void)topic_share_split(filter, &group, &inner);
        leave_others(s, NULL, group, inner);
    }
}

/* ---- One more subscription ---- */

static enum wilco_status
copy_description(const struct enrolment *e, struct buffer *description, struct buffer *metadata)
{
    enum wilco_status status = buffer_append(description, buffer_span(&e->description));

    return status == WILCO_OK ? buffer_append(metadata, buffer_span(&e->metadata)) : status;
}

/* Of an instance that is there: what was said last holds. */
static enum wilco_status
renew_description(struct session *s, struct service_instance *i, struct enrolment *e)
{
    struct buffer description;
    struct buffer metadata;
    enum wilco_status status = WILCO_OK;

    if (!e->is_described) {
        return WILCO_OK;
    }
    buffer_init(&description, s->shard->broker->alloc, SIZE_MAX);
    buffer_init(&metadata, s->shard->broker->alloc, SIZE_MAX);
    status = copy_description(e, &description, &metadata);
    if (status == WILCO_OK) {
        service_registry_describe(registry_of(s), i, &description, &metadata);
        e->is_described = false;
    }
    buffer_fini(&description);
    buffer_fini(&metadata);
    return status;
}

static enum wilco_status
make_instance(struct session *s, const struct enrolment *e, struct service_instance **out)
{
    const struct broker *b = s->shard->broker;
    const struct service_labels labels = {
        .name = e->terms.name,
        .version = e->terms.version,
        .client_id = session_client_id(s),
    };
    enum wilco_status status = service_instance_new(out, b->alloc, b->random, &labels);

    if (status != WILCO_OK) {
        return status;
    }
    (*out)->is_online = true;
    (*out)->started_ms = b->unix_offset_ms + s->shard->now_ms;
    status = copy_description(e, &(*out)->description, &(*out)->metadata);
    if (status != WILCO_OK) {
        service_instance_free(*out, b->alloc);
    }
    return status;
}

/* A new instance in the registry, of which everybody hears. The endpoint stays the caller's if it
 * fails. */
static enum wilco_status
open_instance(struct session *s, const struct enrolment *e, struct service_endpoint *first)
{
    const struct broker *b = s->shard->broker;
    struct service_instance *i = NULL;
    enum wilco_status status = make_instance(s, e, &i);

    if (status != WILCO_OK) {
        return status;
    }
    list_push_back(&i->endpoints, &first->of_instance);
    i->endpoint_count = 1;
    status = service_registry_add(b->registry, i, b->settings.services_max);
    if (status != WILCO_OK) {
        list_remove(&first->of_instance);
        service_instance_free(i, b->alloc);
        return status;
    }
    i->next = s->services;
    s->services = i;
    service_event_publish(s->shard, i);
    return WILCO_OK;
}

static struct service_endpoint *
make_endpoint(const struct broker *b, struct span group, struct span filter)
{
    struct service_endpoint *e = service_endpoint_new(b->alloc, group, filter);

    if (e != NULL) {
        e->service = service_table_number(b->services, group, filter);
    }
    return e;
}

static enum wilco_status
add_endpoint(struct session *s, struct service_instance *i, struct enrolment *e,
             struct service_endpoint *endpoint)
{
    enum wilco_status status = WILCO_OK;

    if (i == NULL) {
        return open_instance(s, e, endpoint);
    }
    status = renew_description(s, i, e);
    if (status == WILCO_OK) {
        service_registry_add_endpoint(registry_of(s), i, endpoint);
    }
    return status;
}

static enum wilco_status
join_new(struct session *s, struct service_instance *i, struct enrolment *e, struct span group,
         struct span filter)
{
    const struct broker *b = s->shard->broker;
    struct service_endpoint *endpoint = NULL;
    enum wilco_status status = WILCO_ENOMEM;

    if (i != NULL && i->endpoint_count >= b->settings.service_endpoints_max) {
        return WILCO_ELIMIT;
    }
    endpoint = make_endpoint(b, group, filter);
    if (endpoint != NULL) {
        status = add_endpoint(s, i, e, endpoint);
    }
    if (status != WILCO_OK) {
        mem_free(b->alloc, endpoint);
    }
    return status;
}

enum wilco_status
services_join(struct session *s, struct enrolment *e, struct span filter)
{
    struct span group = SPAN_EMPTY;
    struct span inner = filter;
    struct service_instance *i = NULL;
    uint64_t count = 0;

    if (e->terms.name.len == 0) {
        services_leave(s, filter);
        return WILCO_OK;
    }
    (void)topic_share_split(filter, &group, &inner);
    i = find_instance(s, &e->terms, &count);
    leave_others(s, i, group, inner);
    if (i == NULL && count >= s->shard->broker->settings.services_per_client_max) {
        return WILCO_ELIMIT;
    }
    if (i != NULL && find_endpoint(i, group, inner) != NULL) {
        return renew_description(s, i, e);
    }
    return join_new(s, i, e, group, inner);
}

/* ---- The client comes and goes ---- */

void
services_set_online(struct session *s, bool is_online)
{
    for (struct service_instance *i = s->services; i != NULL; i = i->next) {
        if (i->is_online != is_online) {
            service_registry_set_online(registry_of(s), i, is_online);
            service_event_publish(s->shard, i);
        }
    }
}

void
services_end(struct session *s)
{
    while (s->services != NULL) {
        close_instance(s, s->services, false);
    }
}
