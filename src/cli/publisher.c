#include "cli/publisher.h"

#include "cli/exit_code.h"
#include "cli/say.h"
#include "cli/wake.h"

void
publisher_init(struct publisher *p, struct connection *connection, const char *topic)
{
    *p = (struct publisher){.connection = connection, .topic = topic, .is_noted = ATOMIC_FLAG_INIT};
}

bool
publisher_is_over(const struct publisher *p)
{
    return atomic_load(&p->has_failed) || atomic_load(&p->connection->is_lost) || wake_signalled();
}

bool
publisher_is_full(const struct publisher *p)
{
    return atomic_load(&p->pending) >= PUBLISHER_PENDING_MAX;
}

static void
note(struct publisher *p, enum wilco_status status, uint8_t reason_code)
{
    if (status == WILCO_OK) {
        say_debug("published to %s: 0x%02X %s", p->topic, reason_code,
                  wilco_reason_text(reason_code));
    } else if (!atomic_flag_test_and_set(&p->is_noted)) {
        p->status = status;
        p->reason_code = reason_code;
        atomic_store(&p->has_failed, true);
    }
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    struct publisher *p = context;

    note(p, status, reason_code);
    (void)atomic_fetch_sub(&p->pending, 1);
    wake_up();
}

void
publisher_add(struct publisher *p, const struct wilco_publish *message)
{
    uint8_t reason_code = 0;
    enum wilco_status status;

    (void)atomic_fetch_add(&p->pending, 1);
    if (wilco_publish_start(p->connection->client, message, on_published, p) == WILCO_OK) {
        return;
    }
    (void)atomic_fetch_sub(&p->pending, 1);
    /* Too much is queued, or it will never do: waiting for it tells which, and what is wrong. */
    status = wilco_publish(p->connection->client, message, &reason_code);
    note(p, status, reason_code);
}

int
publisher_finish(struct publisher *p)
{
    while (atomic_load(&p->pending) > 0 && !publisher_is_over(p)) {
        wake_wait(-1);
    }
    if (!atomic_load(&p->has_failed)) {
        return EXIT_CODE_OK;
    }
    if (p->status != WILCO_ECLOSED) {
        return connection_failed("publish to", p->topic, p->status, p->reason_code);
    }
    while (!atomic_load(&p->connection->is_lost) && !wake_signalled()) {
        wake_wait(-1);
    }
    return EXIT_CODE_OK; /* connection_close() knows more about that */
}
