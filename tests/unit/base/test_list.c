#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static void
assert_order(struct list *head, const char *want)
{
    LIST_EACH(node, head)
    {
        assert_int_equal(CONTAINER_OF(node, struct item, link)->number, *want - '0');
        want++;
    }
    assert_int_equal(*want, '\0');
}

static void
nodes_keep_their_order(void **state)
{
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_order(&head, "");
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[3].link);
    list_insert_before(&items[3].link, &items[2].link);
    list_insert_before(head.next, &items[0].link);
    assert_false(list_is_empty(&head));
    assert_order(&head, "0123");
    list_remove(&items[2].link);
    assert_order(&head, "013");
    list_remove(&items[0].link);
    list_remove(&items[3].link);
    assert_order(&head, "1");
    list_push_back(&head, &items[0].link);
    assert_order(&head, "10");
}

static void
appending_moves_all(void **state)
{
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list to;
    struct list from;

    (void)state;
    list_init(&to);
    list_init(&from);
    list_append(&to, &from);
    assert_order(&to, "");
    list_push_back(&from, &items[0].link);
    list_push_back(&from, &items[1].link);
    list_append(&to, &from);
    assert_order(&to, "01");
    assert_order(&from, "");
    list_push_back(&from, &items[2].link);
    list_push_back(&from, &items[3].link);
    list_append(&to, &from);
    assert_order(&to, "0123");
    list_append(&to, &from);
    list_remove(&items[3].link);
    list_remove(&items[0].link);
    assert_order(&to, "12");
    assert_true(list_is_empty(&from));
}

static void
popping_empties_from_the_front(void **state)
{
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct list head;

    (void)state;
    list_init(&head);
    for (int i = 0; i < 3; i++) {
        list_push_back(&head, &items[i].link);
    }
    for (int i = 0; i < 3; i++) {
        struct list *node = list_pop_front(&head);

        assert_ptr_equal(node, &items[i].link);
        assert_false(list_is_linked(&items[i].link));
    }
    assert_null(list_pop_front(&head));
    assert_true(list_is_empty(&head));
}

static void
removing_is_harmless_when_in_no_list(void **state)
{
    struct item zeroed = {.number = 0};
    struct item initialised = {.number = 1};

    (void)state;
    list_init(&initialised.link);
    assert_false(list_is_linked(&zeroed.link));
    assert_false(list_is_linked(&initialised.link));
    list_remove(&zeroed.link);
    list_remove(&initialised.link);
    list_remove(&initialised.link);
    assert_false(list_is_linked(&zeroed.link));
    assert_false(list_is_linked(&initialised.link));
}

static void
a_zeroed_head_is_empty(void **state)
{
    struct list head = {.next = NULL};

    (void)state;
    assert_true(list_is_empty(&head));
    assert_null(list_pop_front(&head));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_keep_their_order),
        cmocka_unit_test(appending_moves_all),
        cmocka_unit_test(popping_empties_from_the_front),
        cmocka_unit_test(removing_is_harmless_when_in_no_list),
        cmocka_unit_test(a_zeroed_head_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
