#include "support/audit.h"

#include "broker/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

uint64_t
audit_count(const struct rig *r, size_t counter)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        uint64_t words[STATS_WORDS];

        memcpy(words, &r->broker.shards[i]->stats, sizeof(words));
        sum += words[counter];
    }
    return sum;
}

static void
audit_session(const struct session *s)
{
    assert_int_equal(s->request_count, 0);
    assert_int_equal(s->request_bytes, 0);
    assert_true(list_is_empty(&s->requests));
    assert_int_equal(session_asks_in_flight(s), 0);
    assert_int_equal(standing_load(s->standing), 0);
}

void
audit_requests_ended(const struct rig *r)
{
    assert_int_equal(audit_count(r, COUNTER(rr_in_flight)), 0);
    assert_int_equal(audit_count(r, COUNTER(rr_in_flight_bytes)), 0);
    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        const struct map *sessions = &r->broker.shards[i]->sessions.by_client_id;

        for (size_t bucket = 0; bucket < sessions->bucket_count; bucket++) {
            for (struct map_node *n = sessions->buckets[bucket]; n != NULL; n = n->next) {
                audit_session(CONTAINER_OF(n, struct session, by_client_id));
            }
        }
    }
}
