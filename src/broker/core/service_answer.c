/* Whether an answer is the last one is known when the next one is there, or none is left. So each
 * waits, as text, until then. */
#include "broker/core/service_answer.h"

#include "broker/core/message.h"
#include "broker/core/service_report.h"
#include "broker/core/status_response.h"
#include "broker/core/sys_requests.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGITS_BYTES 21U
#define USERS_MAX    5U

/* Of those who subscribe so, how many have said what they are. */
struct enlisted {
    uint32_t all;
    uint32_t online;
};

struct answering {
    struct session *asker;
    const struct wire_publish *p;
    const struct service_question *q;
    struct buffer text;       /* of the answer that is not sent yet */
    enum wilco_status status; /* of its writing */
    uint64_t count;           /* of answers, that one included */
};

/* `__stat`, and `__stMsg` where it is no success. */
static size_t
write_status(struct wire_user_property *users, enum wilco_status status)
{
    bool is_large = status == WILCO_ELIMIT;

    users[0].name = SPAN_LITERAL("__stat");
    users[1].name = SPAN_LITERAL("__stMsg");
    if (status == WILCO_OK) {
        users[0].value = SPAN_LITERAL("200");
        return 1;
    }
    users[0].value = is_large ? SPAN_LITERAL("413") : SPAN_LITERAL("503");
    users[1].value = is_large ? SPAN_LITERAL("there is more to say than the broker sends")
                              : span_of_text(request_failure_words(REQUEST_NO_MEMORY));
    return 2;
}

static size_t
write_users(struct wire_user_property users[USERS_MAX], const struct answering *a, bool has_more,
            char digits[DIGITS_BYTES])
{
    size_t count = write_status(users, a->status);

    (void)snprintf(digits, DIGITS_BYTES, "%" PRIu64, a->count);
    users[count++] = (struct wire_user_property){SPAN_LITERAL("rr-src"), SPAN_LITERAL("broker")};
    users[count++] = (struct wire_user_property){SPAN_LITERAL("rr-seq"), span_of_text(digits)};
    if (has_more) {
        users[count++] = (struct wire_user_property){SPAN_LITERAL("rr-more"), SPAN_LITERAL("1")};
    }
    return count;
}

static struct message *
make_answer(const struct answering *a, bool has_more)
{
    const struct shard *s = a->asker->shard;
    struct wire_user_property users[USERS_MAX];
    char digits[DIGITS_BYTES];
    struct wire_publish p = {
        .qos = s->broker->settings.maximum_qos > 0,
        .topic = a->p->properties.response_topic,
        .payload = a->status == WILCO_OK ? buffer_span(&a->text) : SPAN_EMPTY,
        .properties = {.payload_format_indicator = 1,
                       .message_expiry_interval = SERVICE_ANSWER_EXPIRY_S,
                       .content_type = SPAN_LITERAL("application/json"),
                       .correlation_data = a->p->properties.correlation_data,
                       .users = users},
    };

    p.properties.user_count = write_users(users, a, has_more, digits);
    wire_properties_set(&p.properties, WIRE_PAYLOAD_FORMAT_INDICATOR);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_CONTENT_TYPE);
    wire_properties_set(&p.properties, WIRE_USER_PROPERTY);
    if (wire_properties_has(&a->p->properties, WIRE_CORRELATION_DATA)) {
        wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    }
    return message_new(s->broker->alloc, &p, SESSION_ID_NONE, s->now_ms);
}

/* Sends the one that waits, if one does. */
static void
send(struct answering *a, bool has_more)
{
    struct shard *s = a->asker->shard;
    struct message *m = a->count == 0 ? NULL : make_answer(a, has_more);

    if (m != NULL) {
        shard_defer(s, m, permission_reach(a->asker, message_topic(m)));
    } else if (a->count > 0) {
        s->stats.dropped_no_memory++;
    }
}

/* Another one follows, for which the text is free. */
static struct buffer *
next(struct answering *a)
{
    send(a, true);
    a->text.len = 0;
    a->count++;
    return &a->text;
}

/* ---- Those who have said what they are ---- */

static bool
is_meant(const struct service_question *q, const struct service_instance *i)
{
    return (q->kind != SERVICE_PING || i->is_online) &&
           (q->name.len == 0 || span_equal(service_instance_labels(i).name, q->name)) &&
           (q->id.len == 0 || span_equal(span_of_text(i->id), q->id));
}

static void
count_enlisted(struct enlisted *enlisted, const struct service_instance *i)
{
    LIST_EACH(link, &i->endpoints)
    {
        const struct service_endpoint *e = CONTAINER_OF(link, struct service_endpoint, of_instance);

        enlisted[e->service].all++;
        enlisted[e->service].online += i->is_online;
    }
}

/* `enlisted` (NULL: not wanted) by number of service. */
static void
answer_for_instances(struct answering *a, struct enlisted *enlisted)
{
    struct service_registry *registry = a->asker->shard->broker->registry;
    const struct list *instances = service_registry_open(registry);

    LIST_EACH(link, instances)
    {
        const struct service_instance *i = CONTAINER_OF(link, struct service_instance, of_registry);

        if (enlisted != NULL) {
            count_enlisted(enlisted, i);
        }
        if (is_meant(a->q, i)) {
            a->status = service_report(next(a), a->q->kind, i);
        }
    }
    service_registry_close(registry);
}

/* ---- Those who have not ---- */

/* Counts the members. */
static enum wilco_status
count_members(struct shard *s, struct service_strangers *out)
{
    const struct broker *b = s->broker;
    enum wilco_status status =
        topic_index_list(b->index, out->at.filter, out->at.group, &s->matches);

    out->members = s->matches.count;
    out->online = 0;
    for (size_t i = 0; i < s->matches.count; i++) {
        uint64_t id = s->matches.items[i].session_id;

        out->online += session_table_presence(&b->shards[session_id_shard(id)]->sessions, id) >
                       SESSION_OFFLINE;
    }
    return status;
}

static bool
were_asked(const struct broker *b, uint32_t service)
{
    for (unsigned i = 0; i < b->shard_count; i++) {
        const struct request_stats *s = request_stats_read(&b->shards[i]->request_stats, service);

        if (s != NULL && atomic_load_explicit(&s->requests, memory_order_relaxed) > 0) {
            return true;
        }
    }
    return false;
}

static uint64_t
without(uint64_t all, uint64_t some)
{
    return all > some ? all - some : 0;
}

static void
answer_for_strangers(struct answering *a, uint32_t service, const struct enlisted *enlisted)
{
    struct shard *s = a->asker->shard;
    struct request_stats stats;
    struct service_strangers them = {.at = service_table_name(s->broker->services, service),
                                     .stats = &stats};

    if (count_members(s, &them) != WILCO_OK) {
        s->stats.dropped_no_memory++;
        return;
    }
    them.members = without(them.members, enlisted->all);
    them.online = without(them.online, enlisted->online);
    if (them.members > 0 && (them.online > 0 || a->q->kind != SERVICE_PING)) {
        sys_requests_add_up(&stats, s->broker, service);
        a->status = service_report_strangers(next(a), a->q->kind, &them);
    }
}

static void
answer_for_all(struct answering *a)
{
    struct shard *s = a->asker->shard;
    struct service_table *services = s->broker->services;
    struct enlisted *enlisted =
        mem_zalloc(s->broker->alloc, service_table_capacity(services) * sizeof(*enlisted));
    uint32_t end = 0;

    answer_for_instances(a, enlisted);
    if (enlisted == NULL) {
        s->stats.dropped_no_memory++;
        return;
    }
    end = service_table_end(services);
    for (uint32_t i = SERVICE_OTHER + 1; i < end; i++) {
        if (were_asked(s->broker, i)) {
            answer_for_strangers(a, i, &enlisted[i]);
        }
    }
    mem_free(s->broker->alloc, enlisted);
}

bool
service_answer(struct session *asker, const struct wire_publish *p,
               const struct service_question *q)
{
    const struct broker *b = asker->shard->broker;
    const struct status_facts facts = {.why = REQUEST_NO_SERVICE, .stage = REQUEST_REJECTED};
    struct answering a = {.asker = asker, .p = p, .q = q, .status = WILCO_OK};

    buffer_init(&a.text, b->alloc, (size_t)b->settings.service_answer_bytes_max);
    if (q->name.len == 0) {
        answer_for_all(&a);
    } else {
        answer_for_instances(&a, NULL);
    }
    send(&a, false);
    buffer_fini(&a.text);
    if (a.count == 0) {
        status_answer(asker, p, &facts);
    }
    asker->shard->stats.rr_answered += a.count > 0;
    return a.count > 0;
}
