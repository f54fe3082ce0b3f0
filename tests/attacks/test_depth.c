/* Topics of as many levels as fit into one, on a stack of 64 KiB: nothing recurses as deep as its
 * input. */
#include "support/rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEVELS      32768U
#define STACK_BYTES 65536U

/* "a/a/a...", or with wildcards in it. */
static char *
topic_of(char level)
{
    char *topic = malloc((size_t)2 * LEVELS);

    assert_non_null(topic);
    for (size_t i = 0; i < LEVELS; i++) {
        topic[2 * i] = level;
        topic[2 * i + 1] = '/';
    }
    topic[2 * LEVELS - 1] = '\0';
    return topic;
}

/* Subscribed to, published, retained, sent as a will and ended, all with all levels allowed. */
static void
play(struct rig *r, char *plain, char *wild)
{
    struct rig_client c;
    struct rig_client dying;
    struct wire_any packet;
    struct wire_connect how = rig_lasting("dying", 0);

    rig_client_connect(r, &c, "c");
    rig_subscribe(&c, plain, 0);
    rig_subscribe(&c, wild, 0);
    rig_publish(&c, plain, "x");
    rig_expect_publish(&c, "x", &packet);
    packet = rig_publish_packet(plain, "kept", 0, 0);
    packet.as.publish.retain = true;
    rig_send(&c, &packet);
    rig_expect_publish(&c, "kept", &packet);
    how.has_will = true;
    how.will.topic = span_of_text(plain);
    how.will.payload = SPAN_LITERAL("gone");
    rig_connect(r, &dying, &how, &packet);
    rig_client_close(&dying);
    rig_expect_publish(&c, "gone", &packet);
    rig_client_close(&c);
    rig_client_connect(r, &c, "c");
    rig_subscribe(&c, wild, 0);
    rig_expect_publish(&c, "kept", &packet);
    rig_client_close(&c);
}

static void *
run(void *unused)
{
    struct settings settings = settings_default();
    struct rig *r = malloc(sizeof(*r));
    char *plain = topic_of('a');
    char *wild = topic_of('+');

    (void)unused;
    assert_non_null(r);
    settings.topic_levels_max = 65535;
    settings.connect_bytes_max = 200000; /* for the will */
    rig_open(r, 1, &settings);
    play(r, plain, wild);
    rig_close(r);
    rig_thread_leave();
    free(plain);
    free(wild);
    free(r);
    return NULL;
}

/* The address sanitizer makes frames many times as large. */
#if defined(__SANITIZE_ADDRESS__)
#    define STACK_FACTOR 8U
#else
#    define STACK_FACTOR 1U
#endif

static void
deep_topics_on_a_small_stack(void **state)
{
    pthread_attr_t small;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, (size_t)STACK_FACTOR * STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &small, run, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_attr_destroy(&small), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(deep_topics_on_a_small_stack)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
