#include "frame.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

/* SNIPPET */

/* ---- Between client and broker: a relay whose connection can be cut ---- */

static int cut[2]; /* a byte in this pipe cuts the connection there is */
static struct happening accepted = HAPPENING_INIT;

static struct sockaddr_in
local(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
connect_to_broker(void)
{
    const char *port = strrchr(getenv("WILCO_URL"), ':');
    struct sockaddr_in broker = local((uint16_t)strtoul(port + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return connect(fd, (struct sockaddr *)&broker, sizeof(broker)) == 0 ? fd : -1;
}

static bool
pass_on(int from, int to)
{
    char bytes[4096];
    ssize_t len = read(from, bytes, sizeof(bytes));

    return len > 0 && write(to, bytes, (size_t)len) == len;
}

/* Until it is cut, or one side closes. */
static void
relay_one(int client, int broker)
{
    struct pollfd fds[] = {{client, POLLIN, 0}, {broker, POLLIN, 0}, {cut[0], POLLIN, 0}};
    bool goes_on = true;
    char byte;

    while (goes_on && poll(fds, 3, -1) > 0) {
        if (fds[2].revents != 0) {
            goes_on = read(cut[0], &byte, 1) != 1;
        } else if (fds[0].revents != 0) {
            goes_on = pass_on(client, broker);
        } else {
            goes_on = pass_on(broker, client);
        }
    }
}

static void *
relay(void *listener)
{
    int client;

    while ((client = accept(*(int *)listener, NULL, NULL)) >= 0) {
        int broker = connect_to_broker();

        happen(&accepted);
        relay_one(client, broker);
        (void)close(client);
        (void)close(broker);
    }
    return NULL;
}

static struct wilco *
open_through_relay(int *listener)
{
    struct wilco *client = NULL;
    struct sockaddr_in own = local(0);
    socklen_t len = sizeof(own);
    pthread_t thread;
    char url[64];

    *listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)!pipe(cut);
    (void)bind(*listener, (struct sockaddr *)&own, sizeof(own));
    (void)listen(*listener, 1);
    (void)getsockname(*listener, (struct sockaddr *)&own, &len);
    (void)pthread_create(&thread, NULL, relay, listener);
    (void)pthread_detach(thread);
    (void)snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", ntohs(own.sin_port));
    must("open", open_and_watch(&client, url));
    return client;
}

/* ---- */

static struct happening begun = HAPPENING_INIT;
static struct happening ended = HAPPENING_INIT;
static struct wilco_call *running;

static void
begin(void *context, struct wilco_call *call)
{
    (void)context;
    running = wilco_call_ref(call);
    happen(&begun);
}

static void
on_end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    (void)response;
    printf("the request: %s\n", status == WILCO_OK ? "OK" : wilco_status_text(status));
    happen(&ended);
}

int
main(void)
{
    struct wilco *service = open_client();
    int listener = -1;
    struct wilco *client = open_through_relay(&listener);

    respond(service, "report", begin);
    must("ask", wilco_request_start(client, &(struct wilco_request){.topic = "report"}, on_end,
                                    NULL, NULL));
    await(&begun, 1);
    (void)!write(cut[1], "", 1);
    await(&accepted, 2);
    must("reply", wilco_reply_bytes(running, WILCO_TEXT("report")));
    wilco_call_unref(running);
    await(&ended, 1);
    wilco_close(client);
    wilco_close(service);
    return 0;
}
