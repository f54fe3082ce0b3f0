#ifndef WILCO_SCENARIO_H
#define WILCO_SCENARIO_H

#include "broker/server/server.h"
#include "support/gate.h"
#include "wilco/wilco.h"

/* A broker with some shards, and the URL to reach it. */
struct scenario {
    struct server *server;
    char url[ADDRESS_TEXT_BYTES + 16];
};

void scenario_open(struct scenario *s, unsigned shards);
void scenario_open_with(struct scenario *s, unsigned shards, const struct settings *settings);
void scenario_close(struct scenario *s); /* harmless twice */

/* A connected client; a failure fails the test. */
struct wilco *scenario_client(const struct scenario *s, const char *client_id);
/* A responder of the client's on `filter`, in `group` or alone. */
void scenario_respond(struct wilco *client, const char *filter, const char *group,
                      wilco_request_fn *on_request, void *context);

#endif
