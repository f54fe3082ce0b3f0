#ifndef WILCO_CLIENT_STATUS_RESPONSE_H
#define WILCO_CLIENT_STATUS_RESPONSE_H

#include "client/message.h"
#include "wilco/wilco.h"

/* What the broker publishes to a request's Response Topic when it knows that no answer will come:
 * User Properties `rr-src`=`broker`, `__stat` of 400 or more, `__stMsg`, `rr-stage` and `rr-exec`.
 * With another `__stat` the broker answers a question about itself. Anybody may write these: it is
 * believed only in the inbox that the server assigned, where nobody publishes but the broker and
 * the responder that was asked. Elsewhere it is passed over. */
bool status_response_is(const struct wilco_message *m);

/* How the request has ended, by `__stat`; WILCO_EREMOTE when that says nothing we know. */
enum wilco_status status_response_outcome(const struct wilco_message *m);
enum wilco_stage status_response_stage(const struct wilco_message *m);
enum wilco_executed status_response_executed(const struct wilco_message *m);

#endif
