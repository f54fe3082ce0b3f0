#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/driver_loop.h"
#include "client/driver_thread.h"
#include "wire/reason.h"

#include <stdio.h>

#define URL_DEFAULT "mqtt://127.0.0.1:1883"

const char *
wilco_status_text(enum wilco_status status)
{
    return status_text(status);
}

const char *
wilco_reason_text(uint8_t reason_code)
{
    return wire_reason_text(reason_code);
}

const char *
wilco_version(void)
{
    return WILCO_VERSION;
}

/* Who we say we are: the options come before the URL. */
static void
set_credentials(struct core_config *config, const struct url *url)
{
    const struct wilco_options *o = config->options;

    if (o->user_name != NULL) {
        config->user_name = span_of_text(o->user_name);
    } else if (url->has_user) {
        config->user_name = span_of_text(url->user);
    }
    if (o->password.data != NULL) {
        config->password = span_of(o->password.data, o->password.len);
    } else if (url->has_password) {
        config->password = span_of_text(url->password);
    }
}

static enum wilco_status
fill_random(void *context, void *out, size_t len)
{
    const struct wilco *c = context;

    return c->random_numbers(c->context, out, len) ? WILCO_OK : WILCO_EIO;
}

static enum wilco_status
make_core(struct wilco *c, const struct wilco_options *o, struct wilco_error *why)
{
    struct core_config config = {
        .alloc = c->alloc,
        .random = c->random_numbers == NULL ? random_system() : &c->random,
        .options = o,
        .now_ms = client_now_ms(c),
        .unix_ms = clock_unix_ms(),
    };

    set_credentials(&config, &c->url);
    return core_new(&c->core, &config, why);
}

/* Waits for the server, unless it need not be there. */
static enum wilco_status
start_client(struct wilco *c, const struct wilco_options *o, struct wilco_error *why)
{
    enum wilco_status st = make_core(c, o, why);

    if (st != WILCO_OK) {
        return st;
    }
    if (c->io != WILCO_IO_THREAD) {
        return WILCO_OK;
    }
    if (!o->open_offline) {
        driver_handshake(c);
    }
    return core_state(c->core) == CORE_CLOSED ? core_why(c->core, why) : driver_start(c);
}

static bool
has_tls(const struct url *url)
{
    return url->scheme == URL_MQTTS || url->scheme == URL_WSS;
}

/* Whoever names certificates thinks that they are used. */
static enum wilco_status
check_no_tls(const struct wilco_tls *tls, struct wilco_error *why)
{
    if (tls->ca_file == NULL && tls->ca_path == NULL && tls->certificate_file == NULL &&
        tls->key_file == NULL && tls->crl_file == NULL && !tls->insecure && !tls->only_13) {
        return WILCO_OK;
    }
    (void)snprintf(
        why->text, sizeof(why->text),
        "there are options for TLS, but the URL begins with neither mqtts:// nor wss://");
    return WILCO_EINVAL;
}

static enum wilco_status
make_tls(struct wilco *c, const struct wilco_tls *tls, struct wilco_error *why)
{
    const struct tls_client_options options = {
        .cafile = tls->ca_file,
        .capath = tls->ca_path,
        .certfile = tls->certificate_file,
        .keyfile = tls->key_file,
        .crlfile = tls->crl_file,
        .versions = tls->only_13 ? TLS_13_ONLY : TLS_12_OR_13,
        .is_insecure = tls->insecure,
    };
    const char *alpn = c->url.scheme == URL_WSS ? "http/1.1" : "mqtt";
    char reason[TLS_REASON_BYTES] = "";
    enum wilco_status st = WILCO_OK;

    if (!has_tls(&c->url)) {
        return check_no_tls(tls, why);
    }
    if (c->io != WILCO_IO_NONE) {
        st = tls_client_new(&c->tls, &options, alpn, c->alloc, reason);
    }
    if (st != WILCO_OK) {
        (void)snprintf(why->text, sizeof(why->text), "%.*s", (int)sizeof(why->text) - 1, reason);
    }
    return st;
}

static enum wilco_status
open_client(struct wilco **out, const struct wilco_options *o, struct wilco_error *why)
{
    const char *reason = "";
    struct wilco *c = NULL;
    struct url url;
    enum wilco_status st = url_parse(&url, o->url == NULL ? URL_DEFAULT : o->url, &reason);

    if (st != WILCO_OK) {
        (void)snprintf(why->text, sizeof(why->text), "%s: %s", o->url, reason);
        return st;
    }
    c = client_new(alloc_system(), o->io);
    if (c == NULL) {
        return WILCO_ENOMEM;
    }
    c->url = url;
    c->state_changed = o->state_changed;
    c->wake_loop = o->wake;
    c->now_ms = o->io == WILCO_IO_NONE ? o->now_ms : NULL;
    c->random_numbers = o->random;
    c->random = (struct random_source){.fill = fill_random, .context = c};
    c->context = o->context;
    st = make_tls(c, &o->tls, why);
    if (st == WILCO_OK) {
        st = start_client(c, o, why);
    }
    if (st != WILCO_OK) {
        client_dismantle(c);
        client_unref(c);
        return st;
    }
    *out = c;
    return WILCO_OK;
}

enum wilco_status
wilco_open(struct wilco **out, const struct wilco_options *options)
{
    static const struct wilco_options defaults = {.url = NULL};
    const struct wilco_options *o = options == NULL ? &defaults : options;
    struct wilco_error why = {.reason_code = 0};
    enum wilco_status st = WILCO_OK;

    *out = NULL;
    st = open_client(out, o, &why);
    if (st != WILCO_OK && why.text[0] == '\0') {
        (void)snprintf(why.text, sizeof(why.text), "%s", status_text(st));
    }
    if (st != WILCO_OK && o->error != NULL) {
        *o->error = why;
    }
    return st;
}

void
wilco_close(struct wilco *client)
{
    bool is_own_thread = false;

    if (client == NULL) {
        return;
    }
    is_own_thread = client_enter(client, false) == WILCO_OK && client_is_own_thread(client);
    client_leave(client);
    if (is_own_thread) {
        return; /* it cannot wait for itself */
    }
    if (client->io == WILCO_IO_THREAD) {
        driver_stop(client);
    } else {
        driver_loop_stop(client);
    }
    client_dismantle(client);
    client_unref(client);
}

const char *
wilco_client_id(const struct wilco *client)
{
    /* The lock is not part of what "const" promises. */
    struct wilco *c = (struct wilco *)(uintptr_t)client;
    const char *id = "";

    if (client_enter(c, false) == WILCO_OK) {
        id = core_client_id(c->core);
    }
    client_leave(c);
    return id;
}

size_t
wilco_inbox(struct wilco *client, char *out, size_t size)
{
    size_t len = 0;

    if (size > 0) {
        out[0] = '\0';
    }
    if (client_enter(client, false) == WILCO_OK) {
        len = core_inbox(client->core, out, size);
    }
    client_leave(client);
    return len;
}

void
wilco_counters(struct wilco *client, struct wilco_counters *out)
{
    *out = (struct wilco_counters){.requests = 0};
    if (client_enter(client, false) == WILCO_OK) {
        core_counters(client->core, out);
    }
    client_leave(client);
}
