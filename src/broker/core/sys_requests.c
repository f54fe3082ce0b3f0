#include "broker/core/sys_requests.h"

#include "broker/core/sys.h"
#include "wire/topic.h"

#include <inttypes.h>
#include <stdio.h>

#define ROOT       "$SYS/rr/"
#define TEXT_BYTES 768U

bool
sys_requests_init(struct sys_requests *r, const struct wilco_alloc *a, uint32_t capacity)
{
    *r = (struct sys_requests){.alloc = a, .capacity = capacity};
    r->published = mem_zalloc(a, capacity * sizeof(*r->published));
    return r->published != NULL;
}

void
sys_requests_fini(struct sys_requests *r)
{
    if (r->published != NULL) {
        mem_free(r->alloc, r->published);
        r->published = NULL;
    }
}

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t
sum_of(const struct request_stats *stats)
{
    return get(&stats->requests) + get(&stats->answered) + get(&stats->errors) +
           get(&stats->failed) + get(&stats->queue.count) + get(&stats->service.count) +
           get(&stats->back.count);
}

void
sys_requests_add_up(struct request_stats *sum, const struct broker *b, uint32_t service)
{
    *sum = (struct request_stats){.requests = 0};
    for (unsigned i = 0; i < b->shard_count; i++) {
        const struct request_stats *part =
            request_stats_read(&b->shards[i]->request_stats, service);

        if (part != NULL) {
            request_stats_add(sum, part);
        }
    }
}

static size_t
write_histogram(char *out, size_t room, const char *name, const struct histogram *h)
{
    int len = snprintf(out, room,
                       ",\"%s\":{\"count\":%" PRIu64 ",\"sum\":%" PRIu64 ",\"p50\":%" PRIu64
                       ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64
                       ",\"max\":%" PRIu64 "}",
                       name, get(&h->count), get(&h->sum), histogram_percentile(h, 500),
                       histogram_percentile(h, 900), histogram_percentile(h, 990),
                       histogram_percentile(h, 999), get(&h->max));

    return len < 0 || (size_t)len >= room ? 0 : (size_t)len;
}

/* At most 4 + 3 * 7 numbers of 20 digits and their names: it fits. */
static struct span
write_figures(char out[TEXT_BYTES], const struct request_stats *stats)
{
    int len = snprintf(out, TEXT_BYTES,
                       "{\"requests\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"errors\":%" PRIu64
                       ",\"failed\":%" PRIu64,
                       get(&stats->requests), get(&stats->answered), get(&stats->errors),
                       get(&stats->failed));
    size_t at = len < 0 ? 0 : (size_t)len;

    at += write_histogram(out + at, TEXT_BYTES - at, "queue_us", &stats->queue);
    at += write_histogram(out + at, TEXT_BYTES - at, "service_us", &stats->service);
    at += write_histogram(out + at, TEXT_BYTES - at, "return_us", &stats->back);
    out[at++] = '}';
    return span_of(out, at);
}

/* Topics have no wildcards, so those of a filter are written as in a URL. */
static enum wilco_status
append_escaped(struct buffer *out, struct span text)
{
    enum wilco_status status = WILCO_OK;

    for (size_t i = 0; i < text.len && status == WILCO_OK; i++) {
        switch (text.data[i]) {
        case '+': status = buffer_append(out, SPAN_LITERAL("%2B")); break;
        case '#': status = buffer_append(out, SPAN_LITERAL("%23")); break;
        case '%': status = buffer_append(out, SPAN_LITERAL("%25")); break;
        default: status = buffer_append(out, span_of(text.data + i, 1)); break;
        }
    }
    return status;
}

static enum wilco_status
write_topic(struct buffer *out, const struct service_name *name)
{
    enum wilco_status status = WILCO_OK;

    if (name->filter.len == 0) {
        return buffer_append(out, SPAN_LITERAL(ROOT "other"));
    }
    status = buffer_append(out, name->group.len > 0 ? SPAN_LITERAL(ROOT "groups/")
                                                    : SPAN_LITERAL(ROOT "filters/"));
    if (status == WILCO_OK && name->group.len > 0) {
        status = append_escaped(out, name->group);
    }
    if (status == WILCO_OK && name->group.len > 0) {
        status = buffer_append(out, SPAN_LITERAL("/"));
    }
    return status == WILCO_OK ? append_escaped(out, name->filter) : status;
}

/* Of a filter too long for a topic nothing is published. */
static void
publish(struct sys_requests *r, struct shard *s, uint32_t service,
        const struct request_stats *stats)
{
    struct service_name name = service_table_name(s->broker->services, service);
    char text[TEXT_BYTES];
    struct buffer topic;
    enum wilco_status status = WILCO_OK;

    buffer_init(&topic, r->alloc, TOPIC_BYTES_MAX);
    status = write_topic(&topic, &name);
    if (status == WILCO_ELIMIT ||
        (status == WILCO_OK && sys_publish(s, buffer_span(&topic), write_figures(text, stats)))) {
        r->published[service] = sum_of(stats);
    }
    buffer_fini(&topic);
}

void
sys_requests_sample(struct sys_requests *r, struct shard *s)
{
    uint32_t end = service_table_end(s->broker->services);
    struct request_stats sum;

    for (uint32_t i = SERVICE_OTHER; i < end; i++) {
        sys_requests_add_up(&sum, s->broker, i);
        if (sum_of(&sum) != r->published[i]) {
            publish(r, s, i, &sum);
        }
    }
}
