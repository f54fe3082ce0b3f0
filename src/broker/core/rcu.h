#ifndef WILCO_BROKER_CORE_RCU_H
#define WILCO_BROKER_CORE_RCU_H

/* Read-copy-update for the structures that all shards share: readers never wait and never lock;
 * what a writer takes out is freed when no reader can still see it. A thin coat over liburcu that
 * also tells the thread sanitizer what it cannot see. */

/* Every thread that reads, defers or settles registers first and unregisters before it ends. */
void rcu_thread_enter(void);
void rcu_thread_leave(void);

/* Between these two nothing that was reachable is freed. They nest; keep them short. */
void rcu_read_begin(void);
void rcu_read_end(void);

/* Embedded in what is to be freed later. */
struct rcu_later {
    _Alignas(void *) unsigned char head[2 * sizeof(void *)]; /* liburcu's */
    void (*run)(struct rcu_later *later);
};

/* Calls run(later), from another thread that may itself defer, once every reader of now is done.
 * Never fails. */
void rcu_defer(struct rcu_later *later, void (*run)(struct rcu_later *later));
/* Waits until everything deferred so far has run. Not inside a read section. */
void rcu_settle(void);

#endif
