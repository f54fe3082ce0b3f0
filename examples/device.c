/* A device that tells its configuration: device FILE answers requests/device1/getConfig with the
 * file. */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_BYTES_MAX 65536

/* The library sends the answer to the request's Response Topic with the request's Correlation Data.
 */
static void
tell_config(void *context, struct wilco_call *call)
{
    static char config[CONFIG_BYTES_MAX];
    FILE *file = fopen(context, "rb");
    size_t len;

    if (file == NULL) {
        (void)wilco_reply_error(call, 500, "the configuration cannot be read");
        return;
    }
    len = fread(config, 1, sizeof(config), file);
    fclose(file);
    (void)wilco_reply(call, &(struct wilco_reply){
                                .payload = {config, len},
                                .is_utf8 = true,
                                .content_type = "application/json",
                            });
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
main(int argc, char **argv)
{
    struct wilco *client = NULL;
    struct wilco_error error = {0};
    char *file = argc == 2 ? argv[1] : NULL;
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error});

    if (status != WILCO_OK || file == NULL) {
        fprintf(stderr, "device: %s\n", file == NULL ? "which file?" : error.text);
        wilco_close(client);
        return 1;
    }
    status =
        wilco_respond(client, &(struct wilco_responder){.filter = "requests/device1/getConfig"},
                      tell_config, file, NULL);
    if (status != WILCO_OK) {
        fprintf(stderr, "device: %s\n", wilco_status_text(status));
        wilco_close(client);
        return 1;
    }
    serve_until_stopped();
    wilco_close(client);
    return 0;
}
