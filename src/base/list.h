#ifndef WILCO_BASE_LIST_H
#define WILCO_BASE_LIST_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* A ring of nodes embedded in their owners; the head is a node too. The list owns nothing. A node
 * that is in no list points to itself (list_init) or is zero-filled; both read as not linked. */
struct list {
    struct list *prev;
    struct list *next;
};

static inline void
list_init(struct list *l)
{
    l->prev = l;
    l->next = l;
}

static inline bool
list_is_linked(const struct list *node)
{
    return node->next != NULL && node->next != node;
}

static inline bool
list_is_empty(const struct list *head)
{
    return !list_is_linked(head);
}

/* Puts `node`, which is in no list, before `at`; before the head means last. */
static inline void
list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void
list_push_back(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

/* Takes `node` out of its list; harmless when it is in none. */
static inline void
list_remove(struct list *node)
{
    if (list_is_linked(node)) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
    }
    list_init(node);
}

/* NULL when the list is empty. */
static inline struct list *
list_pop_front(struct list *head)
{
    struct list *first = head->next;

    if (list_is_empty(head)) {
        return NULL;
    }
    list_remove(first);
    return first;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void
list_append(struct list *to, struct list *from)
{
    if (!list_is_empty(from)) {
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        list_init(from);
    }
}

/* `cursor` must not be removed inside the loop; list_pop_front() in a while loop allows that. */
#define LIST_EACH(cursor, head)                                                                    \
    for (struct list *cursor = (head)->next; /* NOLINT(bugprone-macro-parentheses): a name */      \
         (cursor) != (head); (cursor) = (cursor)->next)

#endif
