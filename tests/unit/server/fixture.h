#ifndef WILCO_TEST_SERVER_FIXTURE_H
#define WILCO_TEST_SERVER_FIXTURE_H

#include "broker/server/server.h"

/* What fixture_start() starts with, to be changed. */
struct server_config fixture_config(unsigned shards);
struct server *fixture_start_with(const struct server_config *config);

/* Starts a server on 127.0.0.1 with a port that the system chooses, and these settings (ended by
 * NULL, NULL: none). */
struct server *fixture_start(unsigned shards, const char *const *settings);
const struct address *fixture_address(const struct server *s);

/* A row for cmocka: `test` gets the number of shards as *(unsigned *)*state. */
#define ON_SHARDS(test, count)                                                                     \
    {                                                                                              \
        .name = #test " on " #count, .test_func = (test), .initial_state = &(unsigned)             \
        {                                                                                          \
            count                                                                                  \
        }                                                                                          \
    }

#endif
