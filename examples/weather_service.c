/* A weather service: answers weather/<city>. Start several: they are a group and share the
 * requests. */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *topic, *weather;
} reports[] = {
    {"weather/berlin", "{\"degrees\":12,\"sky\":\"rain\"}"},
    {"weather/lisbon", "{\"degrees\":24,\"sky\":\"clear\"}"},
    {"weather/oslo", "{\"degrees\":-3,\"sky\":\"snow\"}"},
};

static void
tell_weather(void *context, struct wilco_call *call)
{
    struct wilco_bytes topic = wilco_message_topic(wilco_call_message(call));

    (void)context;
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        if (strlen(reports[i].topic) == topic.len &&
            memcmp(reports[i].topic, topic.data, topic.len) == 0) {
            const char *weather = reports[i].weather;

            (void)wilco_reply(call, &(struct wilco_reply){
                                        .payload = {weather, strlen(weather)},
                                        .is_utf8 = true,
                                        .content_type = "application/json",
                                    });
            return;
        }
    }
    (void)wilco_reply_error(call, 400, "no such city");
}

/* Requests are answered by the client's own thread, until a signal ends the program. It then closes
 * the client, so that the server knows that nobody is here any more. */
static void
serve_until_stopped(void)
{
    sigset_t ends;
    int end;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    puts("ready");
    fflush(stdout);
    sigwait(&ends, &end);
}

int
main(void)
{
    struct wilco *client = NULL;
    struct wilco_error error = {0};
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error});

    if (status != WILCO_OK) {
        fprintf(stderr, "weather_service: %s\n", error.text);
        return 1;
    }
    status = wilco_respond(client,
                           &(struct wilco_responder){.filter = "weather/+", .group = "forecasters"},
                           tell_weather, NULL, NULL);
    if (status != WILCO_OK) {
        fprintf(stderr, "weather_service: %s\n", wilco_status_text(status));
        wilco_close(client);
        return 1;
    }
    serve_until_stopped();
    wilco_close(client);
    return 0;
}
