#ifndef WILCO_BROKER_CORE_SYS_H
#define WILCO_BROKER_CORE_SYS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* What the broker says about itself: retained messages below $SYS/broker/, with the names that
 * other brokers gave them, one for each counter of stats.h there and below $SYS/rr/, and one for
 * whatever is asked (sys_requests.h). docs/sys.md lists them all.
 *
 * Every sys_interval_s seconds the values are sampled, and those that have changed are published,
 * at QoS 0. The first turn of any shard that comes at or after that moment asks all others to show
 * their counters (stats_shared), and the last one to do so adds them up; nobody waits. So a broker
 * at work needs no timer for this, and one that is idle, where nothing can have changed, is not
 * woken; between two samples counting costs nothing but adding 1.
 * Only a shard whose clients subscribe to $SYS topics runs a timer, so that they hear of it in
 * time.
 *
 * Shared by all shards; any thread that may publish may call. */
struct sys;
struct shard;

/* NULL: out of memory. `interval_s` 0: nothing is ever published. `services`: as many numbers there
 * can be in service_table.h. */
struct sys *sys_new(const struct wilco_alloc *a, uint64_t interval_s, uint64_t now_ms,
                    uint32_t services);
void sys_free(struct sys *sys); /* NULL is allowed */

/* At the start of a shard's turn, between packets: if it is time, asks, and kicks those who were
 * asked. */
void sys_turn(struct shard *s);
/* With its mail, between packets: shows the shard's counters if somebody has asked; if all others
 * have done so already, samples and publishes. */
void sys_answer(struct shard *s);

/* A session of this shard has subscribed to a filter that begins with "$", which it had not before;
 * or it no longer is. */
void sys_watch(struct shard *s);
void sys_unwatch(struct shard *s);
void sys_timer_fired(struct shard *s);

/* A client has connected, or left: for the number of them and the highest it ever was. */
void sys_client_joined(struct sys *sys);
void sys_client_left(struct sys *sys);

/* For its parts: publishes a retained message of QoS 0. false: out of memory. */
bool sys_publish(struct shard *s, struct span topic, struct span payload);

/* Row `index` of the table of topics, for documentation; NULL topic behind the last. */
struct sys_row {
    const char *topic;
    const char *what;
};
struct sys_row sys_row(size_t index);

#endif
