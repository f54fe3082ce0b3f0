#ifndef WILCO_BASE_MAILBOX_H
#define WILCO_BASE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Many producers, one consumer, no locks: a stack that the consumer takes whole and turns round, so
 * that nodes come out in the order in which they were pushed. Nodes live inside what is sent; the
 * mailbox owns nothing. */
struct mailbox_node {
    struct mailbox_node *next;
};

struct mailbox {
    _Atomic(struct mailbox_node *) top;
};

static inline void
mailbox_init(struct mailbox *m)
{
    atomic_init(&m->top, NULL);
}

/* From any thread. What was written before the push is visible to the consumer. */
static inline void
mailbox_push(struct mailbox *m, struct mailbox_node *node)
{
    struct mailbox_node *top = atomic_load_explicit(&m->top, memory_order_relaxed);

    do {
        node->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&m->top, &top, node, memory_order_seq_cst,
                                                    memory_order_relaxed));
}

static inline bool
mailbox_is_empty(struct mailbox *m)
{
    return atomic_load_explicit(&m->top, memory_order_seq_cst) == NULL;
}

/* Everything pushed so far, oldest first, linked by `next`; NULL: nothing. One consumer only. */
static inline struct mailbox_node *
mailbox_take(struct mailbox *m)
{
    struct mailbox_node *node = atomic_exchange_explicit(&m->top, NULL, memory_order_acquire);
    struct mailbox_node *oldest = NULL;

    while (node != NULL) {
        struct mailbox_node *next = node->next;

        node->next = oldest;
        oldest = node;
        node = next;
    }
    return oldest;
}

#endif
