#define _POSIX_C_SOURCE 200809L

#include "client/client.h"
#include "client/journal.h"

/* The files of responders that keep one. The core says what is to be written and what waits for it;
 * here it is written, without the lock, as many records at once as have come meanwhile. */

static struct core_logged
write_log(const struct core_log *log)
{
    struct core_logged done = {
        .is_replaced = log->has_whole && journal_replace(log->file, log->whole) == WILCO_OK,
    };

    if (!done.is_replaced) {
        done.is_written = journal_append(log->file, log->records, log->must_sync) == WILCO_OK;
    }
    return done;
}

bool
client_write_journals(struct wilco *c)
{
    struct core_log log;
    bool is_any = false;

    while (core_next_log(c->core, &log)) {
        struct core_logged done;

        (void)pthread_mutex_unlock(&c->lock);
        done = write_log(&log);
        (void)pthread_mutex_lock(&c->lock);
        core_logged(c->core, log.responder, &done);
        is_any = true;
    }
    return is_any;
}
