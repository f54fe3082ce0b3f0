/* Calls the remote procedure rpc/add, many times at once: add "1 2" "3 4" ... */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sum {
    const char *numbers;
    char text[80];
    enum wilco_status status;
    sem_t *done;
};

/* Runs once for each request, on the client's thread. */
static void
take_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct sum *s = context;

    s->status = status;
    if (status == WILCO_OK) {
        snprintf(s->text, sizeof(s->text), "%.*s",
                 WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    } else {
        snprintf(s->text, sizeof(s->text), "%s", wilco_status_text(status));
    }
    sem_post(s->done);
}

int
main(int argc, char **argv)
{
    struct wilco *client = NULL;
    struct wilco_error error = {0};
    struct sum *sums = calloc((size_t)argc, sizeof(*sums));
    sem_t done;
    int exit_code = 0;

    if (sums == NULL || sem_init(&done, 0, 0) != 0 ||
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error}) !=
            WILCO_OK) {
        fprintf(stderr, "add: %s\n", error.text);
        free(sums);
        return 1;
    }
    /* All of them are on their way before the first answer is used. */
    for (int i = 1; i < argc; i++) {
        struct wilco_request request = {.topic = "rpc/add", .payload = {argv[i], strlen(argv[i])}};
        enum wilco_status status;

        sums[i] = (struct sum){.numbers = argv[i], .done = &done};
        status = wilco_request_start(client, &request, take_answer, &sums[i], NULL);
        if (status != WILCO_OK) { /* then nobody else calls it */
            take_answer(&sums[i], status, NULL);
        }
    }
    for (int i = 1; i < argc; i++) {
        sem_wait(&done);
    }
    for (int i = 1; i < argc; i++) {
        printf("%s: %s\n", sums[i].numbers, sums[i].text);
        exit_code |= sums[i].status != WILCO_OK;
    }
    wilco_close(client);
    sem_destroy(&done);
    free(sums);
    return exit_code;
}
