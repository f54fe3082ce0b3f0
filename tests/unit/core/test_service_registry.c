#include "broker/core/service_registry.h"

#include "support/failing_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS  2000
#define THREADS 2

static struct service_instance *
make(const struct wilco_alloc *a, const char *name)
{
    const struct service_labels labels = {.name = span_of_text(name),
                                          .version = SPAN_LITERAL("1.0"),
                                          .client_id = SPAN_LITERAL("client")};
    struct service_instance *i = NULL;
    struct service_endpoint *e = service_endpoint_new(a, SPAN_LITERAL("g"), SPAN_LITERAL("f/+"));

    assert_non_null(e);
    assert_int_equal(service_instance_new(&i, a, random_system(), &labels), WILCO_OK);
    list_push_back(&i->endpoints, &e->of_instance);
    i->endpoint_count = 1;
    return i;
}

static void
names_are_kept(void **state)
{
    struct service_instance *i = make(alloc_system(), "name");
    struct service_instance *other = make(alloc_system(), "name");
    struct service_endpoint *e =
        CONTAINER_OF(i->endpoints.next, struct service_endpoint, of_instance);
    struct service_labels labels = service_instance_labels(i);

    (void)state;
    assert_true(span_equal(labels.name, SPAN_LITERAL("name")));
    assert_true(span_equal(labels.version, SPAN_LITERAL("1.0")));
    assert_true(span_equal(labels.client_id, SPAN_LITERAL("client")));
    assert_true(span_equal(service_endpoint_group(e), SPAN_LITERAL("g")));
    assert_true(span_equal(service_endpoint_filter(e), SPAN_LITERAL("f/+")));
    assert_int_equal(strlen(i->id), SERVICE_ID_CHARS);
    assert_string_not_equal(i->id, other->id);
    service_instance_free(i, alloc_system());
    service_instance_free(other, alloc_system());
}

static void
it_takes_so_many(void **state)
{
    struct service_registry *r = service_registry_new(alloc_system());
    struct service_instance *i[3];
    const struct list *all = NULL;

    (void)state;
    for (size_t n = 0; n < 3; n++) {
        i[n] = make(alloc_system(), "name");
        assert_int_equal(service_registry_add(r, i[n], 2), n < 2 ? WILCO_OK : WILCO_ELIMIT);
    }
    service_registry_remove(r, i[0]);
    assert_int_equal(service_registry_add(r, i[2], 2), WILCO_OK);
    all = service_registry_open(r);
    assert_ptr_equal(all->next, &i[1]->of_registry);
    assert_ptr_equal(all->prev, &i[2]->of_registry);
    service_registry_close(r);
    service_registry_remove(r, i[1]);
    service_registry_remove(r, i[2]);
    service_registry_free(r);
    for (size_t n = 0; n < 3; n++) {
        service_instance_free(i[n], alloc_system());
    }
}

struct changing {
    struct service_registry *registry;
    atomic_uint ended;
};

/* What a shard does all the time, while another one reads. */
static void *
change(void *context)
{
    struct changing *c = context;
    struct service_registry *r = c->registry;

    for (int round = 0; round < ROUNDS; round++) {
        struct service_instance *i = make(alloc_system(), "name");
        struct service_endpoint *e = NULL;
        struct buffer description;
        struct buffer metadata;

        buffer_init(&description, alloc_system(), 100);
        buffer_init(&metadata, alloc_system(), 100);
        assert_int_equal(buffer_append(&metadata, SPAN_LITERAL("{}")), WILCO_OK);
        assert_int_equal(service_registry_add(r, i, 10), WILCO_OK);
        e = service_endpoint_new(alloc_system(), SPAN_EMPTY, SPAN_LITERAL("another"));
        service_registry_add_endpoint(r, i, e);
        service_registry_set_online(r, i, true);
        service_registry_note_error(r, e, SPAN_LITERAL("500:broken"));
        service_registry_describe(r, i, &description, &metadata);
        service_registry_remove_endpoint(r, i, e);
        service_registry_remove(r, i);
        service_instance_free(i, alloc_system());
        buffer_fini(&description);
        buffer_fini(&metadata);
    }
    (void)atomic_fetch_add(&c->ended, 1);
    return NULL;
}

static size_t
look(struct service_registry *r)
{
    const struct list *all = service_registry_open(r);
    size_t seen = 0;

    LIST_EACH(link, all)
    {
        const struct service_instance *i = CONTAINER_OF(link, struct service_instance, of_registry);

        seen += i->is_online + i->metadata.len;
        LIST_EACH(at, &i->endpoints)
        {
            seen += strlen(CONTAINER_OF(at, struct service_endpoint, of_instance)->last_error);
        }
    }
    service_registry_close(r);
    return seen;
}

static void
any_thread_may_read(void **state)
{
    struct changing c = {.registry = service_registry_new(alloc_system())};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, change, &c), 0);
    }
    while (atomic_load(&c.ended) < THREADS) {
        (void)look(c.registry);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(look(c.registry), 0);
    service_registry_free(c.registry);
}

static void
without_memory_nothing_is_made(void **state)
{
    struct failing_alloc f;
    struct service_instance *i = NULL;
    const struct service_labels labels = {.name = SPAN_LITERAL("name")};

    (void)state;
    failing_alloc_init(&f, 1);
    assert_null(service_registry_new(&f.alloc));
    failing_alloc_init(&f, 1);
    assert_null(service_endpoint_new(&f.alloc, SPAN_EMPTY, SPAN_LITERAL("x")));
    failing_alloc_init(&f, 1);
    assert_int_equal(service_instance_new(&i, &f.alloc, random_system(), &labels), WILCO_ENOMEM);
    assert_int_equal(f.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_kept),
        cmocka_unit_test(it_takes_so_many),
        cmocka_unit_test(any_thread_may_read),
        cmocka_unit_test(without_memory_nothing_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
