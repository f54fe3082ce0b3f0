#ifndef WILCO_BROKER_CORE_SERVICE_ANSWER_H
#define WILCO_BROKER_CORE_SERVICE_ANSWER_H

#include "broker/core/service_question.h"
#include "broker/core/session.h"
#include "wire/publish.h"

/* The broker's answers to a question about services (service_question.h): a response for each
 * instance of a service, and one for each filter and group at which others have been asked, each
 * but the last with `rr-more`=`1`. Like any response they go to whoever has subscribed
 * to the Response Topic, or into the asker's inbox; shard_settle() sends them. Whoever
 * asks is answered: where there is nobody to tell of, with a status response. */

/* How long an answer waits for an asker that is away. */
#define SERVICE_ANSWER_EXPIRY_S 60U

/* `p` is a request that the asker may make. false: there is nobody to tell of. */
bool service_answer(struct session *asker, const struct wire_publish *p,
                    const struct service_question *q);

#endif
