#include "fuzz.h"

#include "support/asking.h"
#include "support/referee.h"

#include <assert.h>
#include <stdio.h>

/* A script of what four clients do to a broker of two shards, in any of the three versions: each
 * step is a byte that names the client (the low two bits) and the action, and what that action
 * reads from the script. Clients know their inboxes, and what they were asked last. A referee looks
 * at everything that the broker sends, and a witness must be served to the end. The broker is made
 * anew only when messages are retained; all sessions end in between. */
enum {
    CLIENTS = 4,
    SHARDS = 2,
    SESSION_S_MAX = 60,
};

enum action {
    SEND_BYTES,  /* so many bytes as the next one says */
    SEND_CANNED, /* a packet of `canned`, with the next byte as its identifier */
    OPEN,        /* with a CONNECT made from the next byte */
    OPEN_RAW,    /* and the script sends the CONNECT */
    DROP,
    STICK, /* does not read, or reads again */
    WAIT,  /* the next byte squared, in milliseconds */
    ANSWER,
    ASK,        /* a request made from the next byte */
    RESPOND,    /* to what it was asked last, or nearly, as the next byte says */
    OPEN_ASKER, /* a client that says something of requests, made from the next byte */
    SAY,        /* a request, or a word about one, made from the next two bytes */
    OBSERVE,    /* subscribes to watch, as the next byte says */
    ACTIONS,
};

struct script {
    struct span left;
};

/* What a client remembers of requests. */
struct memory {
    char inbox[INBOX_TEXT_BYTES];
    char response_topic[INBOX_TEXT_BYTES];
    char correlation[INBOX_TEXT_BYTES];
};

struct stage {
    struct rig r;
    struct rig_client witness;
    struct rig_client c[CLIENTS];
    struct referee referee;
    struct referee_line lines[CLIENTS];
    struct memory memory[CLIENTS];
    bool is_open;
};

static struct stage stage;

static unsigned
next(struct script *s)
{
    unsigned byte = 0;

    if (s->left.len > 0) {
        byte = s->left.data[0];
        s->left = span_skip(s->left, 1);
    }
    return byte;
}

static void
open_stage(void)
{
    struct settings settings = settings_default();

    settings.session_expiry_max_s = SESSION_S_MAX;
    settings.output_bytes_max = 1024;
    settings.queued_messages_max = 8;
    settings.inflight_max = 4;
    settings.receive_maximum = 4;
    settings.packet_bytes_max = 512;
    settings.retained_messages_max = 8;
    settings.subscriptions_max = 8;
    settings.requests_held_max = 3;
    settings.requests_in_flight_max = 4;
    settings.request_deadline_ms = 5000;
    settings.request_filters_max = 2;
    settings.outlier_deadlines = 1;
    rig_open(&stage.r, SHARDS, &settings);
    stage.is_open = true;
}

static void
keep_text(char out[INBOX_TEXT_BYTES], struct span text)
{
    size_t len = text.len < INBOX_TEXT_BYTES ? text.len : INBOX_TEXT_BYTES - 1;

    if (len > 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
}

static void
remember(struct memory *m, const struct wire_any *packet)
{
    const struct wire_properties *v = &packet->as.publish.properties;

    if (packet->type == WIRE_CONNACK) {
        keep_text(m->inbox, packet->as.connack.properties.response_information);
    } else if (packet->type == WIRE_PUBLISH && wire_properties_has(v, WIRE_RESPONSE_TOPIC)) {
        keep_text(m->response_topic, v->response_topic);
        keep_text(m->correlation, v->correlation_data);
    }
}

/* The version that the broker takes the client for. */
static void
look(struct rig_client *c, struct wire_any *answers, size_t *count, size_t max)
{
    struct wire_any packet;

    c->version = c->conn.version == 0 ? WIRE_V5 : (enum wire_version)c->conn.version;
    while (referee_next(c->line, &packet)) {
        remember(&stage.memory[c - stage.c], &packet);
        if (count != NULL && *count < max) {
            answers[(*count)++] = packet;
        }
    }
}

static void
answer_one(struct rig_client *c, const struct wire_any *packet)
{
    if (packet->type == WIRE_PUBLISH && packet->as.publish.qos > 0) {
        rig_ack(c, packet->as.publish.qos == 1 ? WIRE_PUBACK : WIRE_PUBREC,
                packet->as.publish.packet_id);
    } else if (packet->type == WIRE_PUBREC) {
        rig_ack(c, WIRE_PUBREL, packet->as.ack.packet_id);
    } else if (packet->type == WIRE_PUBREL) {
        rig_ack(c, WIRE_PUBCOMP, packet->as.ack.packet_id);
    }
}

static void
answer(struct rig_client *c)
{
    struct wire_any packets[8];
    size_t count = 0;

    look(c, packets, &count, 8);
    for (size_t i = 0; i < count; i++) { /* only what the spans do not matter for */
        answer_one(c, &packets[i]);
    }
}

static void
open_client(unsigned index)
{
    struct rig_client *c = &stage.c[index];

    rig_client_close(c);
    *c = (struct rig_client){.rig = &stage.r, .is_open = true, .version = WIRE_V5};
    conn_init(&c->conn, stage.r.broker.shards[index % SHARDS]);
    referee_open(&stage.lines[index], &stage.referee, c);
}

static void
set_limits(struct wire_properties *v, unsigned choice)
{
    if ((choice & 0x10U) != 0) {
        v->receive_maximum = 1;
        wire_properties_set(v, WIRE_RECEIVE_MAXIMUM);
        v->topic_alias_maximum = 2;
        wire_properties_set(v, WIRE_TOPIC_ALIAS_MAXIMUM);
    }
    if ((choice & 0x20U) != 0) {
        v->maximum_packet_size = 40;
        wire_properties_set(v, WIRE_MAXIMUM_PACKET_SIZE);
    }
    if ((choice & 0x08U) != 0) {
        v->session_expiry_interval = 30;
        wire_properties_set(v, WIRE_SESSION_EXPIRY_INTERVAL);
    }
}

/* Bits of `choice`: version, Clean Start, a session that lasts, limits, a will, whose name. */
static void
connect_client(unsigned index, unsigned choice)
{
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V311, WIRE_V31, WIRE_V5};
    static const char *const names[] = {"a", "b", "c", "d"};
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct wire_connect *how = &packet.as.connect;

    open_client(index);
    stage.c[index].version = versions[choice & 3U];
    how->version = versions[choice & 3U];
    how->clean_start = (choice & 0x04U) != 0;
    how->keep_alive = 10;
    how->client_id = span_of_text(names[(choice & 0x80U) != 0 ? index % SHARDS : index]);
    how->has_will = (choice & 0x40U) != 0;
    how->will.topic = SPAN_LITERAL("t/will");
    how->will.qos = 1;
    how->will.properties.will_delay_interval = choice & 0x08U;
    wire_properties_set(&how->will.properties, WIRE_WILL_DELAY_INTERVAL);
    set_limits(&how->properties, choice);
    rig_send(&stage.c[index], &packet);
}

static void
send_canned(struct rig_client *c, unsigned choice)
{
    static const char *const filters[] = {"t/#", "t/+", "$share/g/t/#", "t/a"};
    const struct wire_subscription w = {.filter = span_of_text(filters[choice >> 4 & 3U]),
                                        .qos = choice >> 2 & 1U ? 2 : 1,
                                        .retain_handling = choice >> 3 & 1U};
    const struct span filter = w.filter;
    struct wire_any packet = rig_publish_packet("t/a", "a payload", choice >> 2 & 1U ? 2 : 1,
                                                (uint16_t)(choice >> 5 | 1U));

    switch (choice & 3U) {
    case 0: packet.as.publish.retain = (choice & 0x10U) != 0; break;
    case 1:
        packet =
            (struct wire_any){.type = WIRE_SUBSCRIBE,
                              .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w}};
        break;
    case 2:
        packet =
            (struct wire_any){.type = WIRE_UNSUBSCRIBE,
                              .as.unsubscribe = {.packet_id = 1, .count = 1, .filters = &filter}};
        break;
    default:
        packet = (struct wire_any){.type = WIRE_DISCONNECT,
                                   .as.disconnect = {.reason_code = choice >> 2 & 4U}};
        break;
    }
    rig_send(c, &packet);
}

/* Bits of `choice`: an inbox, status responses, Clean Start, a session that lasts, a will that is a
 * request, limits. */
static void
connect_asker(unsigned index, unsigned choice)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct wire_connect *how = &packet.as.connect;

    open_client(index);
    how->version = WIRE_V5;
    how->client_id = span_of_text(names[index]);
    how->clean_start = (choice & 0x04U) != 0;
    how->properties.request_response_information = choice & 1U;
    wire_properties_set(&how->properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    if ((choice & 2U) != 0) {
        how->properties.users = &rr;
        how->properties.user_count = 1;
        wire_properties_set(&how->properties, WIRE_USER_PROPERTY);
    }
    how->has_will = (choice & 0x10U) != 0;
    how->will.topic = SPAN_LITERAL("t/will");
    how->will.properties.response_topic = stage.memory[index].inbox[0] == '\0'
                                              ? SPAN_LITERAL("t/answer")
                                              : span_of_text(stage.memory[index].inbox);
    wire_properties_set(&how->will.properties, WIRE_RESPONSE_TOPIC);
    set_limits(&how->properties, choice & 0x28U);
    rig_send(&stage.c[index], &packet);
}

static void
send_request_saying(unsigned index, unsigned choice, const struct wire_user_property *says)
{
    static const char *const correlations[] = {NULL, "1"};
    const char *inboxes[] = {stage.memory[index].inbox, "t/answer",
                             stage.memory[(index + 1) % CLIENTS].inbox, "t/a"};
    const char *inbox = inboxes[choice >> 2 & 3U];

    ask(&stage.c[index], &(struct ask){.topic = (choice & 0x40U) != 0 ? "nowhere" : "t/a",
                                       .response_topic = inbox[0] == '\0' ? "t/b" : inbox,
                                       .correlation = correlations[choice >> 7 & 1U],
                                       .qos = (uint8_t)(choice % 3),
                                       .packet_id = (uint16_t)(choice % 3 == 0 ? 0 : choice),
                                       .users = says,
                                       .user_count = says != NULL});
}

/* Bits of `choice`: QoS, to whom, where to answer (the own inbox, a topic, somebody's inbox), what
 * it says, its correlation. */
static void
send_request(unsigned index, unsigned choice)
{
    static const struct wire_user_property says[] = {USER("rr-ttl", "100"), USER("rr-idem", "1"),
                                                     USER("rr-more", "2"),
                                                     USER("rr-if-offline", "fail")};

    send_request_saying(index, choice, &says[choice >> 4 & 3U]);
}

/* The same, of what has to do with other requests, or with who hears of it; the next byte chooses.
 */
static void
send_word(unsigned index, unsigned choice, unsigned what)
{
    char topic[INBOX_TEXT_BYTES + 2];
    const struct wire_user_property says[] = {
        USER("rr-op", "cancel"), USER("rr-op", "data"),        USER("rr-op", "credit"),
        USER("rr-fan", "1"),     USER("rr-on-loss", "cancel"), {.name = SPAN_LITERAL("rr-trace")},
    };
    struct wire_user_property user = says[what % (sizeof(says) / sizeof(says[0]))];

    (void)snprintf(topic, sizeof(topic), "%s/t", stage.memory[index].inbox);
    if (user.value.data == NULL) {
        user.value = span_of_text(topic);
    }
    send_request_saying(index, choice, &user);
}

static void
observe(struct rig_client *c, unsigned choice)
{
    static const char *const filters[] = {"t/#", "t/a", "$share/g/t/#", "#"};
    static const struct wire_user_property says[] = {USER("rr-observe", "1"),
                                                     USER("rr-observe", "0")};
    const struct wire_subscription w = {.filter = span_of_text(filters[choice & 3U]),
                                        .qos = choice >> 2 & 1U};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };

    packet.as.subscribe.properties.users = &says[choice >> 3 & 1U];
    packet.as.subscribe.properties.user_count = 1;
    wire_properties_set(&packet.as.subscribe.properties, WIRE_USER_PROPERTY);
    rig_send(c, &packet);
}

/* Bits of `choice`: QoS, RETAIN, with another correlation, elsewhere, more to come, a request
 * itself. */
static void
send_response(unsigned index, unsigned choice)
{
    static const struct wire_user_property more = USER("rr-more", "1");
    const struct memory *m = &stage.memory[index];
    const char *topic =
        (choice & 0x10U) != 0 ? stage.memory[(index + 1) % CLIENTS].inbox : m->response_topic;

    ask(&stage.c[index], &(struct ask){.topic = topic[0] == '\0' ? "t/b" : topic,
                                       .response_topic = (choice & 0x40U) != 0 ? "t/answer" : NULL,
                                       .correlation = (choice & 8U) != 0          ? "wrong"
                                                      : m->correlation[0] == '\0' ? NULL
                                                                                  : m->correlation,
                                       .payload = "an answer",
                                       .retain = (choice & 4U) != 0,
                                       .qos = (uint8_t)(choice % 3),
                                       .packet_id = (uint16_t)(choice % 3 == 0 ? 0 : choice),
                                       .users = &more,
                                       .user_count = choice >> 5 & 1U});
}

static void
step(struct script *s, unsigned op)
{
    unsigned index = op & 3U;
    struct rig_client *c = &stage.c[index];
    size_t len = 0;

    switch ((enum action)((op >> 2) % ACTIONS)) {
    case SEND_BYTES:
        len = next(s);
        len = len < s->left.len ? len : s->left.len;
        rig_send_bytes(c, s->left.data, len);
        s->left = span_skip(s->left, len);
        break;
    case SEND_CANNED: send_canned(c, next(s)); break;
    case OPEN: connect_client(index, next(s)); break;
    case OPEN_RAW: open_client(index); break;
    case DROP: rig_client_drop(c); break;
    case STICK:
        c->is_stuck = !c->is_stuck;
        if (c->is_open) {
            conn_touch(&c->conn);
        }
        break;
    case WAIT:
        len = next(s);
        rig_advance(&stage.r, len * len);
        break;
    case ANSWER: answer(c); break;
    case ASK: send_request(index, next(s)); break;
    case RESPOND: send_response(index, next(s)); break;
    case OPEN_ASKER: connect_asker(index, next(s)); break;
    case SAY:
        len = next(s);
        send_word(index, (unsigned)len, next(s));
        break;
    case OBSERVE: observe(c, next(s)); break;
    case ACTIONS: break;
    }
    rig_settle(&stage.r);
    for (size_t i = 0; i < CLIENTS; i++) {
        look(&stage.c[i], NULL, NULL, 0);
        referee_settled(&stage.lines[i]);
    }
}

/* Unless a client of its name has come. */
static void
check_witness(void)
{
    struct wire_any packet;
    bool is_served = false;

    rig_publish(&stage.witness, "w", "alive");
    while (rig_next(&stage.witness, &packet)) {
        is_served = is_served || packet.type == WIRE_PUBLISH ||
                    (packet.type == WIRE_DISCONNECT &&
                     packet.as.disconnect.reason_code == WIRE_REASON_SESSION_TAKEN_OVER);
    }
    assert(is_served);
}

static void
close_stage(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        rig_client_close(&stage.c[i]);
        referee_close(&stage.lines[i]);
    }
    rig_client_close(&stage.witness);
    rig_advance(&stage.r, UINT64_C(1000) * SESSION_S_MAX + 1);
    assert(atomic_load(&stage.r.broker.session_count) == 0);
    assert(rig_stats(&stage.r).rr_in_flight == 0 && rig_stats(&stage.r).rr_in_flight_bytes == 0);
    assert(topic_index_count(stage.r.broker.index) == 0);
    if (retained_count(stage.r.broker.retained) > 0) {
        rig_close(&stage.r);
        stage.is_open = false;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {.left = span_of(data, size)};

    if (!stage.is_open) {
        open_stage();
    }
    rig_client_connect(&stage.r, &stage.witness, "witness");
    rig_subscribe(&stage.witness, "w", 0);
    referee_init(&stage.referee);
    for (unsigned i = 0; i < CLIENTS; i++) {
        open_client(i);
        stage.memory[i] = (struct memory){.inbox = ""};
    }
    while (s.left.len > 0) {
        step(&s, next(&s));
    }
    check_witness();
    close_stage();
    return 0;
}
