#include "frame.h"

#define WORKERS  4
#define REQUESTS 100

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct wilco_call *calls[REQUESTS];
    size_t put, taken;
    bool has_ended;
};

static void
queue_put(struct queue *q, struct wilco_call *call)
{
    (void)pthread_mutex_lock(&q->lock);
    q->calls[q->put++ % REQUESTS] = call;
    (void)pthread_cond_signal(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}

static void
queue_end(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->has_ended = true;
    (void)pthread_cond_broadcast(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}

static struct wilco_call *
queue_take(struct queue *q)
{
    struct wilco_call *call;

    (void)pthread_mutex_lock(&q->lock);
    while (q->taken == q->put && !q->has_ended) {
        (void)pthread_cond_wait(&q->changed, &q->lock);
    }
    call = q->taken == q->put ? NULL : q->calls[q->taken++ % REQUESTS];
    (void)pthread_mutex_unlock(&q->lock);
    return call;
}

static double
number_in(const struct wilco_message *message)
{
    struct wilco_bytes text = wilco_message_payload(message);
    char copy[32] = {0};

    memcpy(copy, text.data, text.len < sizeof(copy) ? text.len : sizeof(copy) - 1);
    return strtod(copy, NULL);
}

static double
slow_square(const struct wilco_message *message)
{
    take_a_while(1);
    return number_in(message) * number_in(message);
}

/* SNIPPET */

static struct happening answered = HAPPENING_INIT;
static double sum; /* of one thread: the requester's */

static void
add(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    must("request", status);
    sum += number_in(response);
    happen(&answered);
}

static void
ask_all(struct wilco *client)
{
    char number[8];

    for (int i = 0; i < REQUESTS; i++) {
        struct wilco_request request = {.topic = "square"};

        request.payload =
            (struct wilco_bytes){number, (size_t)snprintf(number, sizeof(number), "%d", i)};
        must("request", wilco_request_start(client, &request, add, NULL, NULL));
    }
    await(&answered, REQUESTS);
}

int
main(void)
{
    struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const struct wilco_responder responder = {.filter = "square", .concurrency_max = REQUESTS};
    struct wilco *service = open_client();
    struct wilco *client = open_client();
    pthread_t workers[WORKERS];

    for (int i = 0; i < WORKERS; i++) {
        (void)pthread_create(&workers[i], NULL, work, &queue);
    }
    must("respond", wilco_respond(service, &responder, enqueue, &queue, NULL));
    ask_all(client);
    printf("%u squares, their sum is %.0f\n", answered.count, sum);
    queue_end(&queue);
    for (int i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i], NULL);
    }
    wilco_close(client);
    wilco_close(service);
    return 0;
}
