#include "frame.h"

/* SNIPPET */

int
main(void)
{
    struct wilco *light = open_client();
    struct wilco *client = open_client();
    bool is_on = false;

    must("respond", wilco_respond(light, &(struct wilco_responder){.filter = "lights/kitchen/set"},
                                  set_light, &is_on, NULL));
    switch_light(client, "on");
    switch_light(client, "dim");
    wilco_close(client);
    wilco_close(light);
    return is_on ? 0 : 1;
}
