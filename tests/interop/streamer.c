/* A responder on libwilco that answers in parts, as fast as it may.
 *
 * Usage: streamer TOPIC COUNT
 *
 * Prints "ready", and for each request how many of the COUNT parts it could send at once. */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct stream {
    int count;
    int next;
    bool has_waited;
};

static void
send_parts(void *context, struct wilco_call *call)
{
    struct stream *stream = context;
    enum wilco_status status = WILCO_OK;
    char text[16];

    while (stream->next < stream->count && status == WILCO_OK) {
        int len = snprintf(text, sizeof(text), "%d", stream->next);

        status = wilco_reply_part(call, &(struct wilco_reply){.payload = {text, (size_t)len}});
        stream->next += status == WILCO_OK;
    }
    if (!stream->has_waited) {
        printf("at once %d\n", stream->next);
        fflush(stdout);
    }
    stream->has_waited = true;
    if (status == WILCO_AGAIN) {
        return;
    }
    (void)wilco_reply_bytes(call, WILCO_TEXT("end"));
    wilco_call_watch(call, NULL, NULL);
    wilco_call_unref(call);
    free(stream);
}

static void
begin(void *count, struct wilco_call *call)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return; /* unanswered, that is 500 */
    }
    stream->count = *(int *)count;
    wilco_call_watch(wilco_call_ref(call), send_parts, stream);
    send_parts(stream, call);
}

int
main(int argc, char **argv)
{
    struct wilco *client = NULL;
    struct wilco_responder responder = {.filter = argc == 3 ? argv[1] : NULL};
    int count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL")});

    if (status == WILCO_OK) {
        status = wilco_respond(client, &responder, begin, &count, NULL);
    }
    if (status == WILCO_OK) {
        puts("ready");
        fflush(stdout);
        pause();
    }
    fprintf(stderr, "streamer: %s\n", wilco_status_text(status));
    wilco_close(client);
    return 1;
}
