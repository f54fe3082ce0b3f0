/* A requester on libwilco for what the tool has no words for.
 *
 * Usage: asker TOPIC [NAME=NUMBER]...
 *
 * NAME is a field of struct wilco_request or packet_bytes_max; with `cancel`=1 the request is taken
 * back once its topic and something on standard input say so. Prints the payload of each response,
 * then how it ended. */
#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const executed[] = {"unknown", "no", "maybe", "yes"};

struct asked {
    struct wilco_options options;
    struct wilco_request request;
    bool cancel;
};

static void
take_number(struct asked *asked, const char *name, uint32_t number)
{
    const struct {
        const char *name;
        uint32_t *number;
    } numbers[] = {
        {"packet_bytes_max", &asked->options.packet_bytes_max},
        {"timeout_ms", &asked->request.timeout_ms},
        {"responses_max", &asked->request.responses_max},
        {"stall_ms", &asked->request.stall_ms},
        {"parts_max", &asked->request.parts_max},
    };
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"scatter", &asked->request.scatter},
        {"fail_if_offline", &asked->request.fail_if_offline},
        {"cancel", &asked->cancel},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].number = number;
            return;
        }
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = number != 0;
            return;
        }
    }
    fprintf(stderr, "asker: what is %s?\n", name);
    exit(1);
}

static void
take_arguments(struct asked *asked, int argc, char **argv)
{
    if (argc < 2) {
        fputs("asker: which topic?\n", stderr);
        exit(1);
    }
    asked->request.topic = argv[1];
    for (int i = 2; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        if (equals == NULL) {
            fprintf(stderr, "asker: %s is no NAME=NUMBER\n", argv[i]);
            exit(1);
        }
        *equals = '\0';
        take_number(asked, argv[i], (uint32_t)strtoul(equals + 1, NULL, 10));
    }
}

static void
show(void *context, const struct wilco_message *response)
{
    (void)context;
    printf("response %.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
}

static void
show_end(enum wilco_status status, const struct asked *asked)
{
    printf("end %d, executed %s", status, executed[asked->request.error->executed]);
    if (asked->request.scatter) {
        const struct wilco_tally *tally = asked->request.tally;

        printf(", answered %u, lost %u, expected ", tally->answered, tally->lost);
        printf(tally->expected == UINT32_MAX ? "?" : "%u", tally->expected);
    }
    puts("");
    fflush(stdout);
}

static void
end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    if (response != NULL) {
        show(NULL, response);
    }
    show_end(status, context);
}

/* Ends when standard input does, and takes a request back when it says a line. */
static enum wilco_status
ask(struct wilco *client, struct asked *asked)
{
    uint64_t call = 0;
    enum wilco_status status = wilco_request_start(client, &asked->request, end, asked, &call);
    char line[16];

    if (status != WILCO_OK) {
        return status;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (asked->cancel) {
            (void)wilco_request_cancel(client, call);
        }
    }
    return WILCO_OK;
}

int
main(int argc, char **argv)
{
    struct wilco_error error = {0};
    struct wilco_tally tally = {0};
    struct asked asked = {
        .options = {.url = getenv("WILCO_URL"), .error = &error},
        .request = {.on_part = show, .tally = &tally, .error = &error},
    };
    struct wilco *client = NULL;
    enum wilco_status status;

    take_arguments(&asked, argc, argv);
    status = wilco_open(&client, &asked.options);
    if (status == WILCO_OK) {
        status = ask(client, &asked);
    }
    wilco_close(client);
    if (status != WILCO_OK) {
        fprintf(stderr, "asker: %s\n", wilco_status_text(status));
    }
    return status == WILCO_OK ? 0 : 1;
}
