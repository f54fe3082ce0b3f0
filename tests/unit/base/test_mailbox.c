#define _POSIX_C_SOURCE 200809L

#include "base/compiler.h"
#include "base/mailbox.h"

#include <pthread.h>
#include <sched.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PRODUCERS 4
#define LETTERS   20000

struct letter {
    struct mailbox_node node;
    unsigned producer;
    unsigned number;
};

static struct mailbox box;
static struct letter letters[PRODUCERS][LETTERS];

static struct letter *
letter_of(struct mailbox_node *node)
{
    return CONTAINER_OF(node, struct letter, node);
}

static void
one_thread_gets_what_it_pushed_in_order(void **state)
{
    struct mailbox_node *node;

    (void)state;
    mailbox_init(&box);
    assert_true(mailbox_is_empty(&box));
    assert_null(mailbox_take(&box));
    for (unsigned i = 0; i < 10; i++) {
        letters[0][i].number = i;
        mailbox_push(&box, &letters[0][i].node);
    }
    assert_false(mailbox_is_empty(&box));
    node = mailbox_take(&box);
    assert_true(mailbox_is_empty(&box));
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(letter_of(node)->number, i);
        node = node->next;
    }
    assert_null(node);
}

static void *
produce(void *context)
{
    struct letter *mine = context;
    unsigned producer = (unsigned)((mine - letters[0]) / LETTERS);

    for (unsigned i = 0; i < LETTERS; i++) {
        mine[i].producer = producer; /* plain writes that the push has to publish */
        mine[i].number = i;
        mailbox_push(&box, &mine[i].node);
    }
    return NULL;
}

/* Counts what came and checks each producer's order; gives false at the first letter out of order.
 */
static bool
receive(struct mailbox_node *node, unsigned next[PRODUCERS], unsigned *received)
{
    while (node != NULL) {
        struct letter *l = letter_of(node);

        node = node->next;
        if (l->producer >= PRODUCERS || l->number != next[l->producer]) {
            return false;
        }
        next[l->producer]++;
        (*received)++;
    }
    return true;
}

static void
many_threads_lose_and_reorder_nothing(void **state)
{
    pthread_t threads[PRODUCERS];
    unsigned next[PRODUCERS] = {0};
    unsigned received = 0;
    bool in_order = true;

    (void)state;
    mailbox_init(&box);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, produce, letters[i]), 0);
    }
    while (in_order && received < PRODUCERS * LETTERS) {
        in_order = receive(mailbox_take(&box), next, &received);
        (void)sched_yield();
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(in_order);
    assert_int_equal(received, PRODUCERS * LETTERS);
    assert_true(mailbox_is_empty(&box));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_gets_what_it_pushed_in_order),
        cmocka_unit_test(many_threads_lose_and_reorder_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
