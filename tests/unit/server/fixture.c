#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct server_config
fixture_config(unsigned shards)
{
    static const char *const listen[] = {"mqtt://127.0.0.1:0"};

    return (struct server_config){
        .listen = listen,
        .listen_count = 1,
        .shard_count = shards,
        .settings = settings_default(),
        .alloc = alloc_system(),
    };
}

struct server *
fixture_start_with(const struct server_config *config)
{
    struct server *s = NULL;
    char reason[SERVER_REASON_BYTES] = "";

    assert_int_equal(server_start(&s, config, reason), WILCO_OK);
    return s;
}

struct server *
fixture_start(unsigned shards, const char *const *settings)
{
    struct server_config config = fixture_config(shards);
    char reason[SETTINGS_REASON_BYTES] = "";

    for (; settings != NULL && *settings != NULL; settings++) {
        assert_int_equal(settings_apply(&config.settings, *settings, reason), WILCO_OK);
    }
    return fixture_start_with(&config);
}

const struct address *
fixture_address(const struct server *s)
{
    return server_address(s, 0);
}
