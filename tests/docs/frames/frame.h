/* What programs around the recipes of docs/cookbook.md share: they end at once when something is
 * not as it should be.
 */
#include <wilco/wilco.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

__attribute__((unused)) static void
must(const char *what, enum wilco_status status)
{
    if (status != WILCO_OK) {
        printf("%s: %s\n", what, wilco_status_text(status));
        exit(1);
    }
}

__attribute__((unused)) static struct wilco *
open_client(void)
{
    struct wilco *client = NULL;

    must("open", wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL")}));
    return client;
}

__attribute__((unused)) static void
respond(struct wilco *client, const char *filter, wilco_request_fn *on_request)
{
    must("respond", wilco_respond(client, &(struct wilco_responder){.filter = filter}, on_request,
                                  NULL, NULL));
}

__attribute__((unused)) static void
show(enum wilco_status status, struct wilco_message *response)
{
    printf("%s", status == WILCO_OK ? "OK" : wilco_status_text(status));
    if (response != NULL) {
        printf(": %.*s", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    }
    puts("");
    wilco_message_unref(response);
}

/* Something that happens once or more often, and can be waited for. */
struct happening {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
};

#define HAPPENING_INIT                                                                             \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

__attribute__((unused)) static void
happen(struct happening *it)
{
    (void)pthread_mutex_lock(&it->lock);
    it->count++;
    (void)pthread_cond_broadcast(&it->changed);
    (void)pthread_mutex_unlock(&it->lock);
}

__attribute__((unused)) static void
await(struct happening *it, unsigned count)
{
    (void)pthread_mutex_lock(&it->lock);
    while (it->count < count) {
        (void)pthread_cond_wait(&it->changed, &it->lock);
    }
    (void)pthread_mutex_unlock(&it->lock);
}

/* Work that takes a while. Nothing waits for it by this. */
__attribute__((unused)) static void
take_a_while(long milliseconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}
