/* Switches a light and waits until it says that it did: light_switch on|off */
#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says what became of the request; the program's exit code. */
static int
report(enum wilco_status status, const struct wilco_message *response)
{
    if (status == WILCO_OK) {
        printf("acknowledged: %.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
        return 0;
    }
    if (status == WILCO_EREMOTE) { /* it was there, and did not want to */
        struct wilco_bytes text = wilco_message_user_property(response, "__stMsg");

        fprintf(stderr, "light_switch: %.*s\n", WILCO_PRINTF_BYTES(text));
    } else {
        fprintf(stderr, "light_switch: %s\n", wilco_status_text(status));
    }
    return 1;
}

int
main(int argc, char **argv)
{
    struct wilco *client = NULL;
    struct wilco_message *response = NULL;
    struct wilco_error error = {0};
    const char *wanted = argc == 2 ? argv[1] : "on";
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error});
    int exit_code;

    if (status != WILCO_OK) {
        fprintf(stderr, "light_switch: %s\n", error.text);
        return 1;
    }
    status = wilco_request(client,
                           &(struct wilco_request){
                               .topic = "lights/kitchen/set",
                               .payload = {wanted, strlen(wanted)},
                               .timeout_ms = 2000,
                           },
                           &response);
    exit_code = report(status, response);
    wilco_message_unref(response);
    wilco_close(client);
    return exit_code;
}
