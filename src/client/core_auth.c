#include "client/core_private.h"

#include "link/scram_keys.h"

#include <stdio.h>

/* Enhanced authentication (MQTT 5.0, 4.12) of CONNECT: the server's AUTH becomes a challenge, which
 * whoever drives the core answers; so does the CONNACK that accepts us, for its data may prove who
 * the server is. Until then nothing but AUTH is sent [MQTT-3.1.2-30]. */

#define GIVEN_UP    "the client gave the authentication up"
#define SCRAM_NEEDS "SCRAM-SHA-256 needs a password, and a user name of at most 512 bytes"

static bool
has_method(const struct core *c, const struct wire_properties *p)
{
    const struct buffer *method = &c->authentication.method;

    return wire_properties_has(p, WIRE_AUTHENTICATION_METHOD) &&
           span_equal(p->authentication_method, buffer_span(method));
}

/* Whether we do it ourselves, with User Name and Password. */
static bool
is_ours(const struct wilco_options *o)
{
    return strcmp(o->authentication_method, SCRAM_METHOD) == 0 && o->authenticate == NULL &&
           o->authentication_data.data == NULL;
}

/* The client's first message; those of later connections are as long. */
static enum wilco_status
begin_scram(struct core *c, const struct core_config *config, struct span *first,
            struct wilco_error *why)
{
    struct authentication *a = &c->authentication;
    enum wilco_status st = WILCO_EINVAL;

    if (config->user_name.data != NULL && config->password.data != NULL) {
        st = scram_client_new(&a->scram, c->alloc, c->random, config->user_name, config->password);
    }
    if (st == WILCO_EINVAL) {
        (void)snprintf(why->text, sizeof(why->text), "%s", SCRAM_NEEDS);
    }
    if (st != WILCO_OK) {
        return st;
    }
    a->authenticate = scram_client_answer;
    a->context = a->scram;
    return scram_client_begin(a->scram, first);
}

enum wilco_status
core_auth_connect(struct core *c, struct wire_properties *p, const struct core_config *config,
                  struct wilco_error *why)
{
    const struct wilco_options *o = config->options;
    struct authentication *a = &c->authentication;
    struct span method = span_of_text(o->authentication_method);
    struct span data = span_of(o->authentication_data.data, o->authentication_data.len);
    enum wilco_status st = WILCO_OK;

    a->authenticate = o->authenticate;
    a->context = o->context;
    if (o->authentication_method == NULL) {
        return WILCO_OK;
    }
    st = buffer_append(&a->method, method);
    if (st == WILCO_OK && is_ours(o)) {
        st = begin_scram(c, config, &data, why);
    }
    if (st != WILCO_OK) {
        return st;
    }
    a->is_named = true;
    p->authentication_method = method;
    wire_properties_set(p, WIRE_AUTHENTICATION_METHOD);
    if (data.data != NULL) { /* [U-4.12-1] */
        p->authentication_data = data;
        wire_properties_set(p, WIRE_AUTHENTICATION_DATA);
    }
    return WILCO_OK;
}

enum wilco_status
core_auth_begin(struct core *c)
{
    struct authentication *a = &c->authentication;
    struct span first = SPAN_EMPTY;
    enum wilco_status st = WILCO_OK;

    a->is_first = a->is_named;
    a->is_asked = false;
    if (a->scram != NULL) {
        st = scram_client_begin(a->scram, &first);
        if (st == WILCO_OK) {
            connect_packet_authenticate(&c->connect, first);
        }
    }
    return st;
}

void
core_auth_fini(struct core *c)
{
    buffer_fini(&c->authentication.method);
    buffer_fini(&c->authentication.data);
    scram_client_free(c->authentication.scram);
}

/* Keeps what the server said, for whoever answers. */
static enum wilco_status
challenge(struct core *c, const struct wire_properties *p, bool is_last)
{
    struct authentication *a = &c->authentication;
    enum wilco_status st = WILCO_OK;

    if (a->is_asked) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server does not wait for our AUTH");
    }
    buffer_consume(&a->data, a->data.len);
    a->has_data = wire_properties_has(p, WIRE_AUTHENTICATION_DATA);
    if (a->has_data) {
        st = buffer_append(&a->data, p->authentication_data);
    }
    a->is_asked = st == WILCO_OK;
    a->is_last = is_last;
    return st;
}

enum wilco_status
core_on_auth(struct core *c, struct span body)
{
    struct wire_disconnect p;
    enum wilco_status st = wire_disconnect_decode(&p, WIRE_AUTH, body, WIRE_V5);

    if (st != WILCO_OK) {
        return st;
    }
    if (c->state != CORE_CONNECTING || !c->authentication.is_named) { /* [MQTT-4.12.0-6] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server wants to authenticate, unasked");
    }
    if (p.reason_code != WIRE_REASON_CONTINUE_AUTHENTICATION) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server's AUTH is out of order");
    }
    if (!has_method(c, &p.properties)) { /* [MQTT-4.12.0-5] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server changed the authentication method");
    }
    if (c->authentication.authenticate == NULL) {
        core_end(c, WILCO_ECONNECT, 0, "the server asks for more authentication data", SPAN_EMPTY);
        return WILCO_OK;
    }
    return challenge(c, &p.properties, false);
}

enum wilco_status
core_auth_connack(struct core *c, const struct wire_properties *p)
{
    struct authentication *a = &c->authentication;

    if (!a->is_named) {
        return wire_properties_has(p, WIRE_AUTHENTICATION_METHOD)
                   ? core_fault(c, WILCO_EPROTOCOL, 0, "the server wants to authenticate, unasked")
                   : WILCO_OK;
    }
    if (!has_method(c, p)) { /* [MQTT-4.12.0-5] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server changed the authentication method");
    }
    if (a->authenticate == NULL) {
        a->is_first = false;
        return WILCO_OK;
    }
    return challenge(c, p, true);
}

bool
core_next_challenge(struct core *c, struct core_challenge *out)
{
    struct authentication *a = &c->authentication;
    struct span data = buffer_span(&a->data);

    if (!a->is_asked || !core_is_connected(c)) {
        return false;
    }
    *out = (struct core_challenge){
        .authenticate = a->authenticate,
        .context = a->context,
        .challenge.is_last = a->is_last,
    };
    if (a->has_data) {
        out->challenge.data.data = data.data == NULL ? (const uint8_t *)"" : data.data;
        out->challenge.data.len = data.len;
    }
    return true;
}

static enum wilco_status
send_answer(struct core *c, struct span data)
{
    struct wire_any packet = {.type = WIRE_AUTH};
    struct wire_properties *p = &packet.as.disconnect.properties;

    packet.as.disconnect.reason_code = WIRE_REASON_CONTINUE_AUTHENTICATION; /* [MQTT-4.12.0-3] */
    p->authentication_method = buffer_span(&c->authentication.method);
    wire_properties_set(p, WIRE_AUTHENTICATION_METHOD);
    if (data.data != NULL) {
        p->authentication_data = data;
        wire_properties_set(p, WIRE_AUTHENTICATION_DATA);
    }
    return core_send(c, &packet);
}

static void
accept(struct core *c)
{
    enum wilco_status st;

    c->authentication.is_first = false;
    st = core_resume(c);
    if (st != WILCO_OK) {
        core_fail(c, st);
    }
}

void
core_answer_challenge(struct core *c, bool goes_on, struct span answer, uint64_t now_ms)
{
    struct authentication *a = &c->authentication;

    c->now_ms = now_ms;
    if (!a->is_asked || !core_is_connected(c)) {
        return; /* that connection is lost */
    }
    a->is_asked = false;
    if (!goes_on || answer.len > UINT16_MAX) {
        core_give_up(c, a->scram == NULL ? GIVEN_UP : scram_client_why(a->scram));
    } else if (a->is_last) {
        accept(c);
    } else if (send_answer(c, answer) != WILCO_OK) {
        core_fail(c, WILCO_ENOMEM);
    }
}
