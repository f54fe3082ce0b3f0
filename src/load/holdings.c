#include "load/holdings.h"

#include "load/packets.h"

#include <stdio.h>

#define FILTERS_MAX 100U

void
holdings_init(struct holdings *h, struct run *run, uint32_t peers, const char *tail)
{
    *h = (struct holdings){.run = run, .each = run->options->subscriptions, .tail = tail};
    h->open = (uint64_t)h->each * peers;
    h->asked = run_items(run, peers, sizeof(*h->asked));
}

void
holdings_fini(struct holdings *h)
{
    free_items(h->asked);
}

void
holdings_topic(const struct holdings *h, uint32_t peer, uint32_t n, char out[HOLDINGS_TOPIC_BYTES])
{
    (void)snprintf(out, HOLDINGS_TOPIC_BYTES, "%s/%u/%u", h->run->options->name, peer, n);
}

void
holdings_ask(struct holdings *h, struct peer *p)
{
    char filters[FILTERS_MAX][HOLDINGS_TOPIC_BYTES + 4];
    struct wire_subscription all[FILTERS_MAX] = {{.qos = 0}};
    uint32_t from = h->asked[p->index];
    uint32_t count = h->each - from < FILTERS_MAX ? h->each - from : FILTERS_MAX;

    for (uint32_t i = 0; i < count; i++) {
        char topic[HOLDINGS_TOPIC_BYTES];

        holdings_topic(h, p->index, from + i, topic);
        (void)snprintf(filters[i], sizeof(filters[i]), "%s%s", topic, h->tail);
        all[i].filter = span_of_text(filters[i]);
    }
    h->asked[p->index] += count;
    if (count > 0) {
        packets_subscribe(&h->run->crowd.out, (uint16_t)count, all, count);
    }
}

/* The packet identifier says how many there were. */
void
holdings_take(struct holdings *h, struct peer *p, const struct arrival *a)
{
    if (a->reason_code >= 0x80) {
        crowd_fail(&h->run->crowd, WILCO_EREFUSED,
                   "the server refused a subscription (reason code 0x%02X)",
                   (unsigned)a->reason_code);
        return;
    }
    h->open -= a->packet_id;
    holdings_ask(h, p);
}
