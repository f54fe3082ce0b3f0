/* Calls rpc/add from the loop of libevent: loop_event "1 2". */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The client in the loop. One event stands for its descriptor and its time together, and is made
 * anew for each round: the descriptor is another one for each connection. */
struct bridge {
    struct wilco *client;
    struct event_base *base;
    struct event *event;
    int exit_code; /* -1: it goes on */
};

static void arm(struct bridge *b);

static void
on_event(evutil_socket_t fd, short what, void *context)
{
    struct bridge *b = context;
    int revents = 0;

    (void)fd;
    revents |= (what & EV_READ) != 0 ? POLLIN : 0;
    revents |= (what & EV_WRITE) != 0 ? POLLOUT : 0;
    wilco_process(b->client, (short)revents);
    if (b->exit_code < 0) {
        arm(b);
    }
}

/* Waits for what the client waits for. */
static void
arm(struct bridge *b)
{
    int timeout_ms = wilco_timeout_ms(b->client);
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    short events = wilco_events(b->client);
    int wanted = 0;

    if (b->event != NULL) {
        event_free(b->event);
    }
    wanted |= (events & POLLIN) != 0 ? EV_READ : 0;
    wanted |= (events & POLLOUT) != 0 ? EV_WRITE : 0;
    b->event = event_new(b->base, wilco_fd(b->client), (short)wanted, on_event, b);
    event_add(b->event, timeout_ms < 0 ? NULL : &timeout);
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
    const struct wilco_options options = {.url = getenv("WILCO_URL"), .io = WILCO_IO_LOOP};
    struct wilco_request request = {.topic = "rpc/add"};
    struct bridge b = {.base = event_base_new(), .exit_code = -1};

    if (argc != 2 || b.base == NULL || wilco_open(&b.client, &options) != WILCO_OK) {
        return 1;
    }
    request.payload = (struct wilco_bytes){argv[1], strlen(argv[1])};
    if (wilco_request_start(b.client, &request, take_answer, &b, NULL) == WILCO_OK) {
        arm(&b);
        event_base_dispatch(b.base); /* until there is no event left */
    }
    if (b.event != NULL) {
        event_free(b.event);
    }
    wilco_close(b.client);
    event_base_free(b.base);
    return b.exit_code != 0;
}
