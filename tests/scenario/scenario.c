#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void
scenario_open(struct scenario *s, unsigned shards)
{
    const struct settings defaults = settings_default();

    scenario_open_with(s, shards, &defaults);
}

void
scenario_open_with(struct scenario *s, unsigned shards, const struct settings *settings)
{
    static const char *const listen[] = {"mqtt://127.0.0.1:0"};
    const struct server_config config = {
        .listen = listen,
        .listen_count = 1,
        .shard_count = shards,
        .settings = *settings,
        .alloc = alloc_system(),
    };
    char reason[SERVER_REASON_BYTES] = "";
    char address[ADDRESS_TEXT_BYTES];

    if (server_start(&s->server, &config, reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    address_text(server_address(s->server, 0), address);
    (void)snprintf(s->url, sizeof(s->url), "mqtt://%s", address);
}

void
scenario_close(struct scenario *s)
{
    server_stop(s->server);
    s->server = NULL;
}

struct wilco *
scenario_client(const struct scenario *s, const char *client_id)
{
    struct wilco *client = NULL;
    struct wilco_error error = {.text = ""};
    const struct wilco_options options = {.url = s->url, .client_id = client_id, .error = &error};

    if (wilco_open(&client, &options) != WILCO_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

void
scenario_respond(struct wilco *client, const char *filter, const char *group,
                 wilco_request_fn *on_request, void *context)
{
    const struct wilco_responder responder = {.filter = filter, .group = group};

    assert_int_equal(wilco_respond(client, &responder, on_request, context, NULL), WILCO_OK);
}
