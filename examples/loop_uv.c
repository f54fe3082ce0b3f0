/* Calls rpc/add from the loop of libuv: loop_uv "1 2". */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* The client in the loop: its descriptor, which is another one for each connection, and its time.
 */
struct bridge {
    struct wilco *client;
    uv_poll_t *poll; /* NULL: there is no descriptor now */
    int fd;
    uv_timer_t timer;
    uv_async_t wake;
    int exit_code; /* -1: it goes on */
};

static void arm(struct bridge *b);

static void
process(struct bridge *b, short revents)
{
    wilco_process(b->client, revents);
    if (b->exit_code < 0) {
        arm(b);
    } else {
        uv_stop(b->timer.loop);
    }
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    short revents = status < 0 ? POLLERR : 0;

    revents |= (events & UV_READABLE) != 0 ? POLLIN : 0;
    revents |= (events & UV_WRITABLE) != 0 ? POLLOUT : 0;
    process(poll->data, revents);
}

static void
on_timer(uv_timer_t *timer)
{
    process(timer->data, 0);
}

static void
on_wake(uv_async_t *wake)
{
    process(wake->data, 0);
}

static void
free_poll(uv_handle_t *handle)
{
    free(handle);
}

/* Follows the client to another descriptor. */
static void
follow(struct bridge *b, int fd)
{
    if (b->poll != NULL) {
        uv_close((uv_handle_t *)b->poll, free_poll);
        b->poll = NULL;
    }
    b->fd = fd;
    if (fd >= 0 && (b->poll = malloc(sizeof(*b->poll))) != NULL) {
        uv_poll_init(b->timer.loop, b->poll, fd);
        b->poll->data = b;
    }
}

/* Waits for what the client waits for. */
static void
arm(struct bridge *b)
{
    int timeout_ms = wilco_timeout_ms(b->client);
    short events = wilco_events(b->client);
    int wanted = 0;

    if (wilco_fd(b->client) != b->fd) {
        follow(b, wilco_fd(b->client));
    }
    wanted |= (events & POLLIN) != 0 ? UV_READABLE : 0;
    wanted |= (events & POLLOUT) != 0 ? UV_WRITABLE : 0;
    if (b->poll != NULL) {
        uv_poll_start(b->poll, wanted, on_poll);
    }
    uv_timer_stop(&b->timer);
    if (timeout_ms >= 0) {
        uv_timer_start(&b->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
}

/* From any thread. */
static void
wake(void *context)
{
    struct bridge *b = context;

    uv_async_send(&b->wake);
}

static void
take_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct bridge *b = context;

    if (status == WILCO_OK) {
        printf("%.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    } else {
        printf("%s\n", wilco_status_text(status));
    }
    b->exit_code = status != WILCO_OK;
}

int
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct bridge b = {.fd = -1, .exit_code = -1};
    const struct wilco_options options = {
        .url = getenv("WILCO_URL"), .io = WILCO_IO_LOOP, .wake = wake, .context = &b};
    struct wilco_request request = {.topic = "rpc/add"};

    uv_timer_init(loop, &b.timer);
    uv_async_init(loop, &b.wake, on_wake);
    b.timer.data = &b;
    b.wake.data = &b;
    if (argc != 2 || wilco_open(&b.client, &options) != WILCO_OK) {
        return 1;
    }
    request.payload = (struct wilco_bytes){argv[1], strlen(argv[1])};
    if (wilco_request_start(b.client, &request, take_answer, &b, NULL) == WILCO_OK) {
        arm(&b);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    follow(&b, -1);
    wilco_close(b.client);
    uv_close((uv_handle_t *)&b.timer, NULL);
    uv_close((uv_handle_t *)&b.wake, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return b.exit_code != 0;
}
