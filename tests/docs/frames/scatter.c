#include "frame.h"

static double
number_in(struct wilco_bytes text)
{
    char copy[32] = {0};

    memcpy(copy, text.data, text.len < sizeof(copy) ? text.len : sizeof(copy) - 1);
    return strtod(copy, NULL);
}

/* SNIPPET */

static void
tell(void *watts, struct wilco_call *call)
{
    (void)wilco_reply_bytes(call, (struct wilco_bytes){watts, strlen(watts)});
}

int
main(void)
{
    char watts[][4] = {"40", "60", "75"};
    struct wilco *client = open_client();
    struct wilco *sockets[3];
    struct wilco_tally tally = {0};
    double sum = 0;
    enum wilco_status status;

    for (size_t i = 0; i < 3; i++) {
        sockets[i] = open_client();
        must("respond",
             wilco_respond(sockets[i], &(struct wilco_responder){.filter = "sockets/watts"}, tell,
                           watts[i], NULL));
    }
    status = sum_of_watts(client, &sum, &tally);
    printf("%s: %.0f watts, %u of %u answered\n",
           status == WILCO_OK ? "OK" : wilco_status_text(status), sum, tally.answered,
           tally.expected);
    wilco_close(client);
    for (size_t i = 0; i < 3; i++) {
        wilco_close(sockets[i]);
    }
    return 0;
}
