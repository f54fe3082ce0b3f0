#include "cli/connection.h"

#include "cli/exit_code.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdint.h>
#include <string.h>

/* Once for the connection, and then for each attempt that fails. */
static void
say_lost(struct connection *c, const struct wilco_state *state)
{
    uint32_t tenths = (state->retry_ms + 99) / 100;

    say("%s%s; trying again in %u.%us", c->is_away ? "" : "connection lost: ", state->why->text,
        tenths / 10, tenths % 10);
    c->is_away = true;
}

static void
note_end(struct connection *c, const struct wilco_state *state)
{
    if (!atomic_load(&c->is_lost)) {
        c->why = *state->why;
        c->is_refused = state->kind == WILCO_UNSUBSCRIBED;
        atomic_store(&c->is_lost, true);
        wake_up();
    }
}

static void
on_state(void *context, const struct wilco_state *state)
{
    struct connection *c = context;

    switch (state->kind) {
    case WILCO_CONNECTED:
        if (c->is_away) {
            say("connected again");
        }
        c->is_away = false;
        break;
    case WILCO_DISCONNECTED: say_lost(c, state); break;
    case WILCO_UNSUBSCRIBED: /* there is nothing to be done any more */
    case WILCO_CLOSED: note_end(c, state); break;
    }
}

static void
on_message(void *context, const struct wilco_message *message)
{
    const struct connection *c = context;

    c->rest.on_message(c->rest.context, message);
}

static void
on_request(void *context, struct wilco_call *call)
{
    const struct connection *c = context;

    c->rest.on_request(c->rest.context, call);
}

static struct wilco_publish
will_of(const struct connection_options *o)
{
    const char *payload = o->will_payload == NULL ? "" : o->will_payload;

    return (struct wilco_publish){
        .topic = o->will_topic,
        .payload = {payload, strlen(payload)},
        .qos = (uint8_t)o->will_qos.value,
        .retain = o->will_retain,
    };
}

const char *
connection_server(const struct connection_options *o)
{
    const char *at = strrchr(o->address, '@');

    return at == NULL ? o->address : at + 1;
}

int
connection_open(struct connection *c, const struct connection_options *o,
                const struct connection_rest *rest)
{
    struct wilco_error error = {0};
    struct wilco_publish will = will_of(o);
    struct wilco_options options = {
        .url = o->address,
        .client_id = o->id,
        .user_name = o->username,
        .password = {o->secret, o->secret_len},
        .authentication_method = o->auth_method,
        .tls = {.ca_file = o->cafile,
                .ca_path = o->capath,
                .certificate_file = o->cert,
                .key_file = o->key,
                .crl_file = o->crl,
                .insecure = o->insecure},
        .connect_timeout_ms = o->connect_timeout_ms.value,
        .keep_alive_s = (uint16_t)o->keep_alive_s.value,
        .keep_alive_off = o->keep_alive_s.is_set && o->keep_alive_s.value == 0,
        .keep_session = o->keep_session,
        .receive_maximum = (uint16_t)o->receive_maximum,
        .session_expiry_s = o->session_expiry_s.value,
        .will = o->will_topic == NULL ? NULL : &will,
        .reconnect_off = !o->reconnects || o->no_reconnect,
        .state_changed = on_state,
        .context = c,
        .error = &error,
    };
    enum wilco_status status;

    *c = (struct connection){0};
    if (rest != NULL && o->keep_session) {
        c->rest = *rest;
        options.unmatched = rest->on_message == NULL ? NULL : on_message;
        options.unmatched_request = rest->on_request == NULL ? NULL : on_request;
    }
    say_debug("connecting to %s", connection_server(o));
    status = wilco_open(&c->client, &options);
    if (status == WILCO_OK) {
        say_debug("connected as %s", wilco_client_id(c->client));
        return EXIT_CODE_OK;
    }
    say("%s", error.text[0] != '\0' ? error.text : wilco_status_text(status));
    /* Here the time that is up is the server's, which is to say that it cannot be reached. */
    return exit_code_of(status == WILCO_ETIMEDOUT ? WILCO_ECONNECT : status, error.reason_code);
}

int
connection_close(struct connection *c, int exit_code)
{
    wilco_close(c->client);
    c->client = NULL;
    if (exit_code != EXIT_CODE_OK || !atomic_load(&c->is_lost)) {
        return exit_code;
    }
    say("%s", c->why.text);
    if (c->is_refused) {
        return exit_code_of(WILCO_EREFUSED, c->why.reason_code);
    }
    return EXIT_CODE_CONNECTION; /* whatever the server gave as its reason: it refused nothing */
}

int
connection_failed(const char *what, const char *where, enum wilco_status status,
                  uint8_t reason_code)
{
    if (reason_code >= EXIT_CODE_REFUSED) {
        say("%s %s: %s (0x%02X %s)", what, where, wilco_status_text(status), reason_code,
            wilco_reason_text(reason_code));
    } else if (status == WILCO_ELIMIT) {
        say("%s %s: the message is larger than the server takes", what, where);
    } else {
        say("%s %s: %s", what, where, wilco_status_text(status));
    }
    return exit_code_of(status, reason_code);
}

int
connection_not_subscribed(const char *what, const char *filter, enum wilco_status status,
                          uint8_t reason_code)
{
    if (status == WILCO_EINVAL) {
        say("\"%s\" is no topic filter: + and # stand alone between slashes, and # at the end",
            filter);
        return EXIT_CODE_USAGE;
    }
    return connection_failed(what, filter, status, reason_code);
}
