/* Asks the weather service about a city: weather CITY */
#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>

static int
ask(struct wilco *client, const char *city)
{
    char topic[128];
    struct wilco_error error = {0};
    struct wilco_message *response = NULL;
    enum wilco_status status;

    snprintf(topic, sizeof(topic), "weather/%s", city);
    status =
        wilco_request(client, &(struct wilco_request){.topic = topic, .error = &error}, &response);
    if (status == WILCO_OK) {
        printf("%s: %.*s (%.*s)\n", city, WILCO_PRINTF_BYTES(wilco_message_payload(response)),
               WILCO_PRINTF_BYTES(wilco_message_content_type(response)));
    } else {
        fprintf(stderr, "weather: %s\n", error.text);
    }
    wilco_message_unref(response);
    return status == WILCO_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct wilco *client = NULL;
    struct wilco_error error = {0};
    int exit_code;

    if (wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error}) !=
        WILCO_OK) {
        fprintf(stderr, "weather: %s\n", error.text);
        return 1;
    }
    exit_code = ask(client, argc == 2 ? argv[1] : "berlin");
    wilco_close(client);
    return exit_code;
}
