/* Each step one of the people writes some packets, of which about half are spoiled, and sends all
 * of them or a part; or something befalls its connection; or time goes by. Then everything that
 * moves is moved, and the referee looks at all of it. */
#include "stage.h"

#include "broker/core/retained.h"
#include "broker/core/topic_index.h"

#include <assert.h>
#include <stdio.h>

enum {
    SESSION_S_MAX = 60,
    SPOILED_PERCENT = 50,
};

static struct settings
choose_settings(struct dice *d)
{
    struct settings settings = settings_default();

    settings.session_expiry_max_s = SESSION_S_MAX;
    settings.output_bytes_max = 1024 + dice_below(d, 4096);
    settings.queued_messages_max = 8;
    settings.inflight_max = 1 + dice_below(d, 6);
    settings.receive_maximum = 1 + dice_below(d, 6);
    settings.packet_bytes_max = 512 + dice_below(d, 1024);
    settings.retained_messages_max = 8;
    settings.subscriptions_max = 8;
    settings.requests_held_max = 16;
    settings.requests_in_flight_max = 16;
    settings.request_deadline_ms = 5000;
    settings.request_filters_max = 2;
    settings.user_properties_max = 8;
    settings.topic_levels_max = 32;
    settings.outlier_deadlines = dice_below(d, 3);
    settings.group_strategy = dice_below(d, 3);
    settings.shared_subscriptions = dice_percent(d, 90);
    settings.subscription_identifiers = dice_percent(d, 90);
    settings.retain_available = dice_percent(d, 90);
    settings.request_tracking = dice_percent(d, 85);
    settings.no_matching_subscribers = dice_percent(d, 80);
    settings.keep_alive_max_s = dice_percent(d, 20) ? 15 : 0;
    return settings;
}

/* ---- Looking at what the broker says ---- */

static void
hear(struct stage *s)
{
    struct wire_any packet;

    for (size_t i = 0; i < STAGE_PEOPLE; i++) {
        struct person *p = &s->people[i];

        while (p->line.client != NULL && referee_next(&p->line, &packet)) {
            author_read(&p->author, &packet);
        }
    }
    for (size_t i = 0; i < STAGE_PEOPLE; i++) {
        if (s->people[i].line.client != NULL) {
            referee_settled(&s->people[i].line);
        }
    }
}

/* ---- Those who stick to the rules ---- */

static void
probe_send(struct rig_client *c, const struct wire_any *packet)
{
    uint8_t bytes[512];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len = 0;

    wire_any_encode(&w, packet, WIRE_V5);
    assert(wire_writer_finish(&w, &len) == WILCO_OK);
    assert(c->is_open && conn_wants_input(&c->conn));
    rig_send_bytes(c, bytes, len);
}

static void
probe_connect(struct stage *s, struct rig_client *c, struct referee_line *l, const char *client_id,
              struct wire_any *connack)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct wire_properties *v = &packet.as.connect.properties;
    bool is_there = false;

    rig_client_open(&s->r, c, client_id, WIRE_V5);
    referee_open(l, &s->referee, c);
    packet.as.connect.version = WIRE_V5;
    packet.as.connect.client_id = span_of_text(client_id);
    packet.as.connect.clean_start = true;
    v->request_response_information = 1;
    wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
    v->users = &rr;
    v->user_count = 1;
    wire_properties_set(v, WIRE_USER_PROPERTY);
    probe_send(c, &packet);
    is_there = referee_next(l, connack);
    assert(is_there && connack->as.connack.reason_code == 0);
}

static void
probe_subscribe(struct rig_client *c, struct referee_line *l, const char *filter)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = 1};
    const struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };
    struct wire_any answer;

    probe_send(c, &packet);
    while (referee_next(l, &answer)) {
    }
}

static void
probe_open(struct stage *s)
{
    struct probe *p = &s->probe;
    struct wire_any packet;

    probe_connect(s, &p->answerer, &p->answerer_line, "the one who answers", &packet);
    probe_subscribe(&p->answerer, &p->answerer_line, "probe/ask");
    probe_connect(s, &p->asker, &p->asker_line, "the one who asks", &packet);
    (void)snprintf(p->response_topic, sizeof(p->response_topic), "%.*s/probe",
                   (int)packet.as.connack.properties.response_information.len,
                   (const char *)packet.as.connack.properties.response_information.data);
    if (s->r.broker.settings.request_tracking == 0) {
        (void)snprintf(p->response_topic, sizeof(p->response_topic), "probe/answer");
        probe_subscribe(&p->asker, &p->asker_line, p->response_topic);
    }
    p->last_id = 1;
}

static void
probe_ack(struct rig_client *c, enum wire_type type, uint16_t packet_id)
{
    const struct wire_any ack = {.type = type, .as.ack.packet_id = packet_id};

    probe_send(c, &ack);
}

/* Whether a PUBLISH with this payload and Correlation Data has come. Everything is acknowledged. */
static bool
probe_hears(struct rig_client *c, struct referee_line *l, const char *payload,
            struct span correlation)
{
    struct wire_any packet;
    bool is_there = false;

    while (referee_next(l, &packet)) {
        const struct wire_publish *p = &packet.as.publish;

        if (packet.type == WIRE_PUBREL) {
            probe_ack(c, WIRE_PUBCOMP, packet.as.ack.packet_id);
        }
        if (packet.type != WIRE_PUBLISH) {
            continue;
        }
        is_there = is_there || (span_equal(p->payload, span_of_text(payload)) &&
                                span_equal(p->properties.correlation_data, correlation));
        if (p->qos > 0) {
            probe_ack(c, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id);
        }
    }
    referee_settled(l);
    return is_there;
}

/* A request, and its answer, whatever the others do. */
static void
probe_run(struct stage *s)
{
    struct probe *p = &s->probe;
    struct wire_any request = rig_publish_packet("probe/ask", "asked", 1, 0);
    struct wire_any answer = rig_publish_packet(p->response_topic, "answered", 1, 0);
    struct wire_properties *v = &request.as.publish.properties;
    char correlation[16];
    bool is_there = false;

    /* What others have sent them meanwhile might have filled their queues. */
    (void)probe_hears(&p->answerer, &p->answerer_line, "", SPAN_EMPTY);
    (void)probe_hears(&p->asker, &p->asker_line, "", SPAN_EMPTY);
    p->last_id = (uint16_t)(p->last_id % 60000 + 1);
    request.as.publish.packet_id = p->last_id;
    answer.as.publish.packet_id = p->last_id;
    (void)snprintf(correlation, sizeof(correlation), "%u", p->last_id);
    v->response_topic = span_of_text(p->response_topic);
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    v->correlation_data = span_of_text(correlation);
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    answer.as.publish.properties.correlation_data = v->correlation_data;
    wire_properties_set(&answer.as.publish.properties, WIRE_CORRELATION_DATA);
    probe_send(&p->asker, &request);
    is_there = probe_hears(&p->answerer, &p->answerer_line, "asked", v->correlation_data);
    assert(is_there);
    probe_send(&p->answerer, &answer);
    is_there = probe_hears(&p->asker, &p->asker_line, "answered", v->correlation_data);
    assert(is_there);
    s->probes++;
    hear(s); /* what others have heard of it */
}

/* ---- Those who do not ---- */

static void
leave(struct stage *s, struct person *p)
{
    rig_client_close(&p->client);
    s->packets += p->line.packets;
    referee_close(&p->line);
    p->line.client = NULL;
    p->pending_len = 0;
    p->has_begun = false;
    p->is_silent = false;
    author_begin(&p->author);
}

/* Adds a packet to what is to be sent, spoiled in one way or another if `is_spoiled`. */
static void
add(struct stage *s, struct person *p, struct wire_any *packet, bool is_spoiled)
{
    static uint8_t bytes[VANDAL_BYTES_MAX];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t way = is_spoiled ? dice_below(&s->dice, 100) : 100;
    size_t len = 0;

    if (way < 30 || (way < 60 && dice_percent(&s->dice, 20))) {
        vandal_spoil_fields(&s->dice, packet);
    }
    wire_any_encode(&w, packet, p->author.version);
    if (wire_writer_finish(&w, &len) != WILCO_OK) {
        return;
    }
    if (way >= 30 && way < 60) {
        vandal_spoil_properties(&s->dice, p->author.version, bytes, &len);
    } else if (way >= 60 && way < 90) {
        vandal_spoil_bytes(&s->dice, bytes, &len);
    } else if (way >= 90 && way < 94) {
        len = vandal_write_foreign(&s->dice, bytes);
    }
    /* From 94 on: in the wrong place, or again; the caller has seen to that. */
    if (p->pending_len + len <= STAGE_PENDING_BYTES) {
        memcpy(p->pending + p->pending_len, bytes, len);
        p->pending_len += len;
        s->spoiled += is_spoiled;
    }
}

static void
write_packets(struct stage *s, unsigned index)
{
    struct person *p = &s->people[index];
    const struct author *neighbour = &s->people[(index + 1) % STAGE_PEOPLE].author;
    struct wire_any packet;

    for (size_t count = 1 + dice_below(&s->dice, 4); count > 0; count--) {
        bool is_spoiled = dice_percent(&s->dice, SPOILED_PERCENT);

        if (is_spoiled && dice_percent(&s->dice, 2)) {
            author_connect(&p->author, &s->dice, index, &packet); /* a second one */
        } else {
            author_write(&p->author, &s->dice, neighbour, &packet);
        }
        add(s, p, &packet, is_spoiled);
        if (is_spoiled && dice_percent(&s->dice, 5)) {
            add(s, p, &packet, true); /* again */
        }
    }
}

static void
write_connect(struct stage *s, unsigned index)
{
    struct person *p = &s->people[index];
    struct wire_any packet;

    if (dice_percent(&s->dice, 2)) {
        write_packets(s, index); /* before CONNECT */
    }
    author_connect(&p->author, &s->dice, index, &packet);
    add(s, p, &packet, dice_percent(&s->dice, SPOILED_PERCENT / 2));
}

/* Opens a connection in this shard, and forgets what there was. */
static void
open_in(struct stage *s, struct person *p, struct shard *shard)
{
    rig_client_close(&p->client);
    p->client = (struct rig_client){.rig = &s->r, .is_open = true, .version = WIRE_V5};
    conn_init(&p->client.conn, shard);
    referee_open(&p->line, &s->referee, &p->client);
}

/* For a CONNECT that is written but not yet sent. */
static void
come(struct stage *s, unsigned index)
{
    leave(s, &s->people[index]);
    open_in(s, &s->people[index], s->r.broker.shards[0]);
    write_connect(s, index);
    s->connections++;
}

/* As a driver does: the first packet is looked at when it is whole, and then the connection goes to
 * the shard that its client belongs to. Who never makes it whole may send, but is not known.
 * WILCO_AGAIN: it is not whole. */
static enum wilco_status
begin(struct stage *s, struct person *p)
{
    struct span bytes = span_of(p->pending, p->pending_len);
    struct wire_header h;
    struct wire_any packet;
    enum wilco_status status = wire_header_decode(&h, bytes);
    size_t len = status == WILCO_OK ? h.header_bytes + h.remaining : 0;

    if (status == WILCO_AGAIN || (status == WILCO_OK && len > bytes.len)) {
        return WILCO_AGAIN;
    }
    p->has_begun = true;
    if (status == WILCO_OK && h.type == WIRE_CONNECT &&
        wire_any_decode(&packet, span_first(bytes, len), WIRE_V5) == WILCO_OK &&
        packet.as.connect.client_id.len > 0) {
        open_in(s, p, broker_shard_of(&s->r.broker, packet.as.connect.client_id));
    }
    return WILCO_OK;
}

/* All that is written, or a part. */
static void
send_pending(struct stage *s, struct person *p)
{
    size_t len = p->pending_len;

    if (len == 0 || p->is_silent || !p->client.is_open || !conn_wants_input(&p->client.conn)) {
        return;
    }
    if (!p->has_begun && begin(s, p) == WILCO_AGAIN) {
        if (dice_percent(&s->dice, 80)) {
            return; /* perhaps what comes next makes it whole */
        }
        p->is_silent = true;
    }
    if (dice_percent(&s->dice, 20)) {
        len = 1 + dice_below(&s->dice, len);
    }
    if (p->line.stage == REFEREE_AWAITS_CONNECT && !p->is_silent) {
        len = p->pending_len;
    }
    rig_send_bytes(&p->client, p->pending, len);
    p->pending_len -= len;
    memmove(p->pending, p->pending + len, p->pending_len);
}

static void
befall(struct stage *s, struct person *p)
{
    switch (dice_below(&s->dice, 4)) {
    case 0: rig_client_drop(&p->client); break;
    case 1:
        p->client.is_stuck = !p->client.is_stuck;
        if (p->client.is_open) {
            conn_touch(&p->client.conn);
        }
        rig_settle(&s->r);
        break;
    case 2: rig_advance(&s->r, dice_below(&s->dice, 3000)); break;
    default: rig_advance(&s->r, dice_below(&s->dice, 50)); break;
    }
}

static void
step(struct stage *s)
{
    unsigned index = (unsigned)dice_below(&s->dice, STAGE_PEOPLE);
    struct person *p = &s->people[index];

    if (!p->client.is_open) {
        come(s, index);
    } else if (dice_percent(&s->dice, 4)) {
        befall(s, p);
    } else if (p->pending_len < STAGE_PENDING_BYTES / 2) {
        write_packets(s, index);
    }
    send_pending(s, p);
    hear(s);
}

static void
close_all(struct stage *s)
{
    struct probe *p = &s->probe;

    for (unsigned i = 0; i < STAGE_PEOPLE; i++) {
        leave(s, &s->people[i]);
    }
    s->packets += p->asker_line.packets + p->answerer_line.packets;
    rig_client_close(&p->asker);
    rig_client_close(&p->answerer);
    referee_close(&p->asker_line);
    referee_close(&p->answerer_line);
    rig_advance(&s->r, UINT64_C(1000) * SESSION_S_MAX + 1);
    assert(atomic_load(&s->r.broker.session_count) == 0);
    assert(atomic_load(&s->r.broker.connection_count) == 0);
    assert(rig_stats(&s->r).rr_in_flight == 0 && rig_stats(&s->r).rr_in_flight_bytes == 0);
    assert(rig_stats(&s->r).held == 0 && rig_stats(&s->r).held_bytes == 0);
    assert(topic_index_count(s->r.broker.index) == 0);
    rig_close(&s->r);
}

void
stage_run(struct stage *s, uint64_t seed)
{
    struct settings settings;
    uint64_t end = s->spoiled + STAGE_ROUND_PACKETS;
    uint64_t probe_at = s->spoiled;

    s->dice.state = seed;
    settings = choose_settings(&s->dice);
    rig_open(&s->r, 1 + (unsigned)dice_below(&s->dice, 3), &settings);
    referee_init(&s->referee);
    probe_open(s);
    for (unsigned i = 0; i < STAGE_PEOPLE; i++) {
        s->people[i] = (struct person){.pending_len = 0};
    }
    while (s->spoiled < end) {
        step(s);
        if (s->spoiled >= probe_at) {
            probe_run(s);
            probe_at = s->spoiled + STAGE_PROBE_PACKETS;
        }
    }
    probe_run(s);
    close_all(s);
}
