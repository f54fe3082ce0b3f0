#include "broker/core/account.h"

#include "broker/core/conn.h"
#include "broker/core/session.h"

/* About what one takes beside its filter (ARCHITECTURE.md, Memory and scale). */
#define SUBSCRIPTION_BYTES 128U

uint32_t
account_subscription_bytes(struct span filter)
{
    return SUBSCRIPTION_BYTES + (uint32_t)filter.len; /* below 2^16 */
}

static uint64_t
connection_bytes(const struct conn *c)
{
    uint64_t sum = c->output.bytes;

    if (c->framer.tail != NULL) {
        sum += c->framer.tail->capacity;
    }
    if (c->alias_in != NULL) {
        sum += c->alias_in->bytes;
    }
    if (c->alias_out != NULL) {
        sum += c->alias_out->bytes;
    }
    return sum;
}

uint64_t
account_bytes(const struct session *s)
{
    uint64_t sum = s->waiting->bytes + s->held_bytes;

    return s->conn == NULL ? sum : sum + connection_bytes(s->conn);
}

/* Of client_bytes_max, for what is not asked for. */
static uint64_t
reserve_bytes(const struct settings *limits)
{
    uint64_t wanted =
        limits->output_bytes_max + 2 * limits->packet_bytes_max + 2 * limits->topic_alias_bytes_max;

    return wanted < limits->client_bytes_max / 2 ? wanted : limits->client_bytes_max / 2;
}

bool
account_has_room(const struct session *s, uint64_t more_bytes)
{
    const struct settings *limits = &s->shard->broker->settings;

    return account_bytes(s) + more_bytes <= limits->client_bytes_max - reserve_bytes(limits);
}

bool
account_lets_send(const struct session *s, uint64_t packet_bytes)
{
    return s->held_bytes + packet_bytes <= s->shard->broker->settings.client_bytes_max / 2 ||
           s->sent.count == 0;
}

bool
account_is_over(const struct conn *c)
{
    return connection_bytes(c) + c->session->held_bytes >
           c->shard->broker->settings.client_bytes_max;
}
