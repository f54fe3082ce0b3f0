#include "broker/server/reloadable.h"
#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Two kinds whose objects are numbers. `config->shards` is the number that the first is to have, 0
 * for none at all; `config->listen_count` says whether the second can be made. */
static int alive;
static void *first_in_place;
static void *second_in_place;

static void *
new_number(unsigned number)
{
    unsigned *object = mem_alloc(alloc_system(), sizeof(*object));

    assert_non_null(object);
    *object = number;
    alive++;
    return object;
}

static bool
prepare_first(void **out, const struct config *config, struct problems *problems)
{
    (void)problems;
    *out = config->shards == 0 ? NULL : new_number(config->shards);
    return true;
}

static void *
commit_first(struct crew *crew, void *object)
{
    void *old = first_in_place;

    assert_non_null(crew);
    first_in_place = object;
    return old;
}

static bool
prepare_second(void **out, const struct config *config, struct problems *problems)
{
    if (config->listen_count > 0) {
        problems_add(problems, "second: there is no such file");
        return false;
    }
    *out = new_number(1);
    return true;
}

static void *
commit_second(struct crew *crew, void *object)
{
    void *old = second_in_place;

    assert_non_null(crew);
    second_in_place = object;
    return old;
}

static void
discard(void *object)
{
    assert_ptr_not_equal(object, first_in_place);
    assert_ptr_not_equal(object, second_in_place);
    mem_free(alloc_system(), object);
    alive--;
}

static const struct reloadable first = {"first", prepare_first, commit_first, discard};
static const struct reloadable second = {"second", prepare_second, commit_second, discard};
static const struct reloadable *const rows[] = {&first, &second, NULL};

static bool
prepare(struct reloadable_set *set, unsigned number, bool is_second_wrong)
{
    static struct config config;
    struct problems problems = {.count = 0};
    bool is_made = false;

    config_init(&config);
    config.shards = number;
    config.listen_count = is_second_wrong;
    is_made = reloadable_prepare(set, rows, &config, &problems);
    assert_int_equal(problems.count, is_second_wrong);
    return is_made;
}

static void
all_or_nothing(void **state)
{
    struct reloadable_set set;

    (void)state;
    assert_true(prepare(&set, 7, false));
    assert_int_equal(alive, 2);
    assert_null(first_in_place); /* beside what is in use */
    reloadable_discard(&set);
    assert_int_equal(alive, 0);
    assert_false(prepare(&set, 7, true));
    assert_int_equal(alive, 0);
    assert_null(set.objects[0]);
    assert_true(prepare(&set, 0, false)); /* none is wanted of the first */
    assert_int_equal(alive, 1);
    reloadable_discard(&set);
    reloadable_discard(&set);
    assert_int_equal(alive, 0);
    set = (struct reloadable_set){.rows = NULL};
    reloadable_discard(&set);
}

static void
change(void *context, struct settings *settings)
{
    settings->topic_levels_max = *(const uint64_t *)context;
}

static void
a_server_has_them_until_it_ends(void **state)
{
    struct server_config config = fixture_config(*(unsigned *)*state);
    struct reloadable_set set;
    struct server *s = NULL;
    uint64_t levels = 3;

    assert_true(prepare(&set, 1, false));
    config.prepared = &set;
    s = fixture_start_with(&config);
    assert_non_null(first_in_place);
    assert_int_equal(*(unsigned *)first_in_place, 1);
    assert_null(set.objects[0]); /* there was none before */
    reloadable_discard(&set);
    assert_int_equal(alive, 2);

    assert_true(prepare(&set, 2, false));
    assert_int_equal(alive, 4);
    server_change(s, change, &levels, &set);
    assert_int_equal(*(unsigned *)first_in_place, 2);
    assert_int_equal(*(unsigned *)set.objects[0], 1);
    reloadable_discard(&set);
    assert_int_equal(alive, 2);

    assert_true(prepare(&set, 0, false)); /* the first is not wanted any more */
    server_change(s, change, &levels, &set);
    assert_null(first_in_place);
    reloadable_discard(&set);
    assert_int_equal(alive, 1);
    server_stop(s);
    assert_null(second_in_place);
    assert_int_equal(alive, 0);
}

static void
a_server_that_cannot_start_has_none(void **state)
{
    static const char *const taken[] = {"unix:/no/such/folder/s"};
    struct server_config config = fixture_config(1);
    struct reloadable_set set;
    struct server *s = NULL;
    char reason[SERVER_REASON_BYTES] = "";

    (void)state;
    assert_true(prepare(&set, 1, false));
    config.prepared = &set;
    config.listen = taken;
    assert_int_equal(server_start(&s, &config, reason), WILCO_EIO);
    assert_null(first_in_place);
    reloadable_discard(&set);
    assert_int_equal(alive, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_or_nothing),
        ON_SHARDS(a_server_has_them_until_it_ends, 1),
        ON_SHARDS(a_server_has_them_until_it_ends, 2),
        cmocka_unit_test(a_server_that_cannot_start_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
