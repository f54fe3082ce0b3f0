#include "broker/core/service_registry.h"

#include <assert.h>
#include <pthread.h>

struct service_registry {
    pthread_mutex_t lock;
    const struct wilco_alloc *alloc;
    struct list instances;
    size_t count;
};

struct service_registry *
service_registry_new(const struct wilco_alloc *a)
{
    struct service_registry *r = mem_zalloc(a, sizeof(*r));

    if (r != NULL) {
        (void)pthread_mutex_init(&r->lock, NULL); /* cannot fail for a default mutex */
        r->alloc = a;
        list_init(&r->instances);
    }
    return r;
}

void
service_registry_free(struct service_registry *r)
{
    if (r != NULL) {
        assert(r->count == 0);
        (void)pthread_mutex_destroy(&r->lock);
        mem_free(r->alloc, r);
    }
}

static void
lock(struct service_registry *r)
{
    (void)pthread_mutex_lock(&r->lock);
}

static void
unlock(struct service_registry *r)
{
    (void)pthread_mutex_unlock(&r->lock);
}

static uint8_t *
append(uint8_t *at, struct span text)
{
    if (text.len > 0) {
        memcpy(at, text.data, text.len);
    }
    return at + text.len;
}

enum wilco_status
service_instance_new(struct service_instance **out, const struct wilco_alloc *a,
                     const struct random_source *random, const struct service_labels *labels)
{
    size_t text_bytes = labels->name.len + labels->version.len + labels->client_id.len;
    struct service_instance *i = mem_zalloc(a, sizeof(*i) + text_bytes);
    enum wilco_status status = WILCO_ENOMEM;

    if (i != NULL) {
        status = random_token(random, i->id, SERVICE_ID_CHARS);
    }
    if (status != WILCO_OK) {
        mem_free(a, i);
        return status;
    }
    list_init(&i->endpoints);
    buffer_init(&i->description, a, SIZE_MAX);
    buffer_init(&i->metadata, a, SIZE_MAX);
    i->name_bytes = (uint16_t)labels->name.len;
    i->version_bytes = (uint16_t)labels->version.len;
    i->client_id_bytes = (uint16_t)labels->client_id.len;
    (void)append(append(append(i->text, labels->name), labels->version), labels->client_id);
    *out = i;
    return WILCO_OK;
}

static struct service_endpoint *
endpoint_at(struct list *link)
{
    return CONTAINER_OF(link, struct service_endpoint, of_instance);
}

void
service_instance_free(struct service_instance *i, const struct wilco_alloc *a)
{
    struct list *link = list_pop_front(&i->endpoints);

    while (link != NULL) {
        mem_free(a, endpoint_at(link));
        link = list_pop_front(&i->endpoints);
    }
    buffer_fini(&i->description);
    buffer_fini(&i->metadata);
    mem_free(a, i);
}

struct service_labels
service_instance_labels(const struct service_instance *i)
{
    const uint8_t *version = i->text + i->name_bytes;

    return (struct service_labels){
        .name = span_of(i->text, i->name_bytes),
        .version = span_of(version, i->version_bytes),
        .client_id = span_of(version + i->version_bytes, i->client_id_bytes),
    };
}

struct service_endpoint *
service_endpoint_new(const struct wilco_alloc *a, struct span group, struct span filter)
{
    struct service_endpoint *e = mem_zalloc(a, sizeof(*e) + group.len + filter.len);

    if (e != NULL) {
        list_init(&e->of_instance);
        e->group_bytes = (uint16_t)group.len;
        e->filter_bytes = (uint16_t)filter.len;
        (void)append(append(e->text, group), filter);
    }
    return e;
}

struct span
service_endpoint_group(const struct service_endpoint *e)
{
    return span_of(e->text, e->group_bytes);
}

struct span
service_endpoint_filter(const struct service_endpoint *e)
{
    return span_of(e->text + e->group_bytes, e->filter_bytes);
}

enum wilco_status
service_registry_add(struct service_registry *r, struct service_instance *i, uint64_t max)
{
    enum wilco_status status = WILCO_ELIMIT;

    lock(r);
    if (r->count < max) {
        list_push_back(&r->instances, &i->of_registry);
        r->count++;
        status = WILCO_OK;
    }
    unlock(r);
    return status;
}

void
service_registry_remove(struct service_registry *r, struct service_instance *i)
{
    lock(r);
    list_remove(&i->of_registry);
    r->count--;
    unlock(r);
}

void
service_registry_add_endpoint(struct service_registry *r, struct service_instance *i,
                              struct service_endpoint *e)
{
    lock(r);
    list_push_back(&i->endpoints, &e->of_instance);
    i->endpoint_count++;
    unlock(r);
}

void
service_registry_remove_endpoint(struct service_registry *r, struct service_instance *i,
                                 struct service_endpoint *e)
{
    lock(r);
    list_remove(&e->of_instance);
    i->endpoint_count--;
    unlock(r);
    mem_free(r->alloc, e);
}

void
service_registry_set_online(struct service_registry *r, struct service_instance *i, bool is_online)
{
    lock(r);
    i->is_online = is_online;
    unlock(r);
}

static void
exchange(struct buffer *a, struct buffer *b)
{
    struct buffer held = *a;

    *a = *b;
    *b = held;
}

void
service_registry_describe(struct service_registry *r, struct service_instance *i,
                          struct buffer *description, struct buffer *metadata)
{
    lock(r);
    exchange(&i->description, description);
    exchange(&i->metadata, metadata);
    unlock(r);
}

void
service_registry_note_error(struct service_registry *r, struct service_endpoint *e,
                            struct span text)
{
    size_t len = text.len < SERVICE_ERROR_BYTES_MAX ? text.len : SERVICE_ERROR_BYTES_MAX;

    while (len > 0 && len < text.len && (text.data[len] & 0xC0U) == 0x80U) {
        len--; /* no character is cut in two */
    }
    lock(r);
    (void)append((uint8_t *)e->last_error, span_first(text, len));
    e->last_error[len] = '\0';
    unlock(r);
}

const struct list *
service_registry_open(struct service_registry *r)
{
    lock(r);
    return &r->instances;
}

void
service_registry_close(struct service_registry *r)
{
    unlock(r);
}
