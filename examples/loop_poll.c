/* Calls rpc/add from a loop of poll(), without a thread of the client's: loop_poll "1 2". */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int exit_code = -1; /* of the program, once there is one */

static void
take_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    if (status == WILCO_OK) {
        printf("%.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    } else {
        printf("%s\n", wilco_status_text(status));
    }
    exit_code = status != WILCO_OK;
}

static void
state_changed(void *context, const struct wilco_state *state)
{
    (void)context;
    if (state->kind == WILCO_CLOSED) {
        fprintf(stderr, "loop_poll: %s\n", state->why->text);
    }
}

int
main(int argc, char **argv)
{
    const struct wilco_options options = {
        .url = getenv("WILCO_URL"),
        .io = WILCO_IO_LOOP,
        .state_changed = state_changed,
    };
    struct wilco_request request = {.topic = "rpc/add"};
    struct wilco *client = NULL;

    if (argc != 2 || wilco_open(&client, &options) != WILCO_OK) {
        return 1;
    }
    request.payload = (struct wilco_bytes){argv[1], strlen(argv[1])};
    if (wilco_request_start(client, &request, take_answer, NULL, NULL) != WILCO_OK) {
        exit_code = 1;
    }
    while (exit_code < 0) { /* other descriptors have their place beside the client's */
        struct pollfd fd = {.fd = wilco_fd(client), .events = wilco_events(client)};

        poll(&fd, 1, wilco_timeout_ms(client));
        wilco_process(client, fd.revents);
    }
    wilco_close(client);
    return exit_code;
}
