#include "client/core_private.h"

#include "wire/utf8.h"

#include <stdio.h>

#define KEEP_ALIVE_S 60

/* For how long the server keeps the session of a client that connects again by itself, if the
 * options do not say. */
#define SESSION_EXPIRY_S 60U

#define SERVER_PACKET_BYTES_MAX (WIRE_VARINT_MAX + 5U)

/* We understand an inbox that needs no SUBSCRIBE, and the broker's word in the place of an answer.
 */
static const struct wire_user_property opt_in = {SPAN_INIT("rr"), SPAN_INIT("1")};

static enum wilco_status
refuse(struct wilco_error *why, const char *text)
{
    (void)snprintf(why->text, sizeof(why->text), "%s", text);
    return WILCO_EINVAL;
}

static void
set_properties(const struct core *c, struct wire_properties *p, const struct wilco_options *o)
{
    if (o->session_expiry_s != 0 || c->again.ends_session) {
        p->session_expiry_interval = c->again.ends_session ? SESSION_EXPIRY_S : o->session_expiry_s;
        wire_properties_set(p, WIRE_SESSION_EXPIRY_INTERVAL);
    }
    if (c->receive_maximum != UINT16_MAX) {
        p->receive_maximum = c->receive_maximum;
        wire_properties_set(p, WIRE_RECEIVE_MAXIMUM);
    }
    p->maximum_packet_size = c->framer.packet_bytes_max;
    wire_properties_set(p, WIRE_MAXIMUM_PACKET_SIZE);
    p->topic_alias_maximum = ALIAS_MAXIMUM;
    wire_properties_set(p, WIRE_TOPIC_ALIAS_MAXIMUM);
    p->request_response_information = 1;
    wire_properties_set(p, WIRE_REQUEST_RESPONSE_INFORMATION);
    p->users = &opt_in;
    p->user_count = 1;
}

static void
set_credentials(struct wire_connect *connect, const struct core_config *config)
{
    connect->has_user_name = config->user_name.data != NULL;
    connect->user_name = config->user_name;
    connect->has_password = config->password.data != NULL;
    connect->password = config->password;
}

/* The Will; its User Properties stay in `users`. */
static enum wilco_status
set_will(struct wire_connect *connect, const struct wilco_options *o, const struct draft *d)
{
    struct wire_will *will = &connect->will;

    connect->has_will = true; /* [MQTT-3.1.2-9] */
    will->qos = d->packet.qos;
    will->retain = d->packet.retain;
    will->topic = d->packet.topic;
    will->payload = d->packet.payload;
    will->properties = d->packet.properties;
    if (o->will_delay_s != 0) {
        will->properties.will_delay_interval = o->will_delay_s;
        wire_properties_set(&will->properties, WIRE_WILL_DELAY_INTERVAL);
    }
    return d->packet.payload.len > UINT16_MAX ? WILCO_EINVAL : WILCO_OK;
}

static enum wilco_status
encode_with_will(struct core *c, struct wire_connect *connect, const struct wilco_options *o,
                 struct wilco_error *why)
{
    struct draft d;
    struct draft_users users;
    enum wilco_status st;

    if (draft_publish(&d, o->will) != WILCO_OK || set_will(connect, o, &d) != WILCO_OK) {
        return refuse(why, "the Will has an invalid topic, string, QoS or payload");
    }
    st = draft_users_init(&users, c->alloc, &d, &connect->will.properties);
    if (st == WILCO_OK) {
        st = connect_packet_encode(&c->connect, connect);
        draft_users_fini(&users);
    }
    return st;
}

static enum wilco_status
copy_client_id(struct core *c, struct span id)
{
    if (id.len == 0) {
        return WILCO_OK;
    }
    c->client_id = mem_zalloc(c->alloc, id.len + 1);
    if (c->client_id == NULL) {
        return WILCO_ENOMEM;
    }
    memcpy(c->client_id, id.data, id.len);
    return WILCO_OK;
}

static bool
authentication_is_valid(const struct wilco_options *o)
{
    if (o->authentication_method == NULL) { /* [U-3.1.2-13] */
        return o->authentication_data.data == NULL && o->authenticate == NULL;
    }
    return draft_text_is_valid(o->authentication_method) &&
           o->authentication_data.len <= UINT16_MAX;
}

enum wilco_status
core_make_connect(struct core *c, const struct core_config *config, struct wilco_error *why)
{
    const struct wilco_options *o = config->options;
    struct wire_connect connect = {.version = WIRE_V5};
    enum wilco_status st;

    if (o->client_id != NULL && !draft_text_is_valid(o->client_id)) {
        return refuse(why, "the client id is not UTF-8, or too long");
    }
    if (config->user_name.len > UINT16_MAX || !utf8_is_valid(config->user_name)) {
        return refuse(why, "the user name is not UTF-8, or too long");
    }
    if (config->password.len > UINT16_MAX) {
        return refuse(why, "the password is longer than 65535 bytes");
    }
    if (!authentication_is_valid(o)) {
        return refuse(why, "the authentication method or its data is invalid");
    }
    connect.clean_start = !o->keep_session;
    connect.keep_alive = o->keep_alive_s == 0 ? KEEP_ALIVE_S : o->keep_alive_s;
    if (o->keep_alive_off) {
        connect.keep_alive = 0;
    }
    c->keep_alive_s = connect.keep_alive;
    connect.client_id = span_of_text(o->client_id);
    set_properties(c, &connect.properties, o);
    if (copy_client_id(c, connect.client_id) != WILCO_OK) {
        return WILCO_ENOMEM;
    }
    st = core_auth_connect(c, &connect.properties, config, why);
    if (st != WILCO_OK) {
        return st;
    }
    if (c->authentication.scram == NULL) { /* which proves the password without telling it */
        set_credentials(&connect, config);
    }
    buffer_init(&c->connect, c->alloc, SERVER_PACKET_BYTES_MAX);
    return o->will == NULL ? connect_packet_encode(&c->connect, &connect)
                           : encode_with_will(c, &connect, o, why);
}

/* What belongs to a connection begins anew. */
enum wilco_status
core_connect(struct core *c)
{
    enum wilco_status st;

    c->connection++;
    c->state = CORE_CONNECTING;
    c->connect_deadline_ms = c->now_ms + c->connect_timeout_ms;
    c->pong_deadline_ms = UINT64_MAX;
    output_clear(&c->output, &c->pool);
    framer_fini(&c->framer);
    framer_init(&c->framer, c->alloc, c->packet_bytes_max);
    alias_in_fini(&c->aliases);
    alias_in_init(&c->aliases, c->alloc, ALIAS_MAXIMUM);
    st = core_auth_begin(c);
    if (st != WILCO_OK) {
        return st;
    }
    core_sent(c);
    return output_copy(&c->output, &c->pool, buffer_span(&c->connect));
}

/* A property of CONNACK that says no with 0; absent means yes. */
static bool
is_available(const struct wire_properties *p, enum wire_property_id id, uint8_t value)
{
    return !wire_properties_has(p, id) || value != 0;
}

static void
set_limits(struct core *c, const struct wire_properties *p)
{
    struct server_limits *s = &c->server;

    s->packet_bytes_max = wire_properties_has(p, WIRE_MAXIMUM_PACKET_SIZE)
                              ? p->maximum_packet_size
                              : SERVER_PACKET_BYTES_MAX;
    s->keep_alive_s = wire_properties_has(p, WIRE_SERVER_KEEP_ALIVE)
                          ? p->server_keep_alive /* [MQTT-3.2.2-21] */
                          : c->keep_alive_s;
    s->maximum_qos = wire_properties_has(p, WIRE_MAXIMUM_QOS) ? p->maximum_qos : 2;
    s->has_retain = is_available(p, WIRE_RETAIN_AVAILABLE, p->retain_available);
    s->has_wildcards =
        is_available(p, WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE, p->wildcard_subscription_available);
    s->has_identifiers = is_available(p, WIRE_SUBSCRIPTION_IDENTIFIER_AVAILABLE,
                                      p->subscription_identifier_available);
    s->has_shared =
        is_available(p, WIRE_SHARED_SUBSCRIPTION_AVAILABLE, p->shared_subscription_available);
    send_window_connect(&c->sent, wire_properties_has(p, WIRE_RECEIVE_MAXIMUM) ? p->receive_maximum
                                                                               : UINT16_MAX);
}

void
core_init_limits(struct core *c)
{
    static const struct wire_properties none = {.present = 0};

    set_limits(c, &none);
}

static enum wilco_status
take_assigned_id(struct core *c, const struct wire_properties *p)
{
    if (!wire_properties_has(p, WIRE_ASSIGNED_CLIENT_IDENTIFIER)) {
        return WILCO_OK;
    }
    if (c->client_id != NULL) {
        return core_fault(c, WILCO_EPROTOCOL, 0,
                          "the server assigned a client id that was not asked for");
    }
    return copy_client_id(c, p->assigned_client_identifier);
}

/* A server that speaks only MQTT 3.1.1 answers with two bytes, which are not a CONNACK of MQTT 5.0.
 */
static bool
is_older_server(struct span body)
{
    struct wire_connack connack;

    return wire_connack_decode(&connack, body, WIRE_V311) == WILCO_OK && connack.reason_code != 0;
}

/* Whether the server goes on with the session that we know. Where it has forgotten that, it says so
 * once, in a CONNACK that may be lost; what is present then on the next connection is the new one,
 * as its inbox shows. */
static bool
is_ours(const struct core *c, const struct wire_connack *connack)
{
    return connack->session_present && !(c->again.was_open && core_inbox_is_another(c));
}

static enum wilco_status
on_accepted(struct core *c, const struct wire_connack *connack)
{
    bool has_session = c->keep_session || c->again.was_open;
    enum wilco_status st = WILCO_OK;

    if (connack->session_present && !has_session) { /* [MQTT-3.2.2-2], [MQTT-3.2.2-4] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server kept a session it was to drop");
    }
    set_limits(c, &connack->properties);
    st = take_assigned_id(c, &connack->properties);
    if (st == WILCO_OK) {
        st = core_take_inbox(c, &connack->properties);
    }
    if (st == WILCO_OK) {
        st = connect_packet_resume(&c->connect, span_of_text(c->client_id));
    }
    if (st != WILCO_OK) {
        return st;
    }
    if (connack->session_present && !c->again.was_open) {
        core_park(c);
    }
    c->session_present = is_ours(c, connack);
    c->again.is_lost |= c->again.was_open && !c->session_present;
    c->again.was_open = true;
    c->again.connected_ms = c->now_ms;
    c->state = CORE_OPEN;
    return core_is_ready(c) ? core_resume(c) : WILCO_OK;
}

enum wilco_status
core_on_connack(struct core *c, struct span body)
{
    struct wire_connack connack;
    enum wilco_status st = wire_connack_decode(&connack, body, WIRE_V5);

    if (c->state != CORE_CONNECTING) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a second CONNACK");
    }
    if (st != WILCO_OK) {
        return core_fault(c, st, 0,
                          is_older_server(body) ? "the server does not speak MQTT 5.0"
                                                : "the server's CONNACK is wrong");
    }
    if (wire_reason_is_error(connack.reason_code)) {
        core_break(c, WILCO_ECONNECT, connack.reason_code, "the server refused the connection",
                   connack.properties.reason_string);
        return WILCO_OK;
    }
    st = core_auth_connack(c, &connack.properties);
    return st == WILCO_OK ? on_accepted(c, &connack) : st;
}
