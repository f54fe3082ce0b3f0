#include "frame.h"

#define READINGS 1000

/* SNIPPET */

int
main(void)
{
    struct wilco *archive = open_client();
    struct wilco *client = open_client();
    int count = 0;
    enum wilco_status status;

    respond(archive, "archive/read", on_read);
    status = read_archive(client, &count);
    printf("%s: %d readings\n", status == WILCO_OK ? "OK" : wilco_status_text(status), count);
    wilco_close(client);
    wilco_close(archive);
    return 0;
}
