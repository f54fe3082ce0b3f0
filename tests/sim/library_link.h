#ifndef WILCO_LIBRARY_LINK_H
#define WILCO_LIBRARY_LINK_H

#include "sim.h"

#include "wilco/wilco.h"

/* A client of libwilco as an application has it, without threads and sockets (WILCO_IO_NONE), and
 * what lies between it and the broker: bytes go over when told, some of them or all, and what is on
 * its way when the connection breaks is lost. */
struct library_link {
    struct sim *sim;
    char client_id[RIG_NAME_BYTES];
    struct random_seeded random;
    struct wilco *client; /* NULL: the process does not run */
    struct rig_client at_broker;
    bool is_connected;
};

/* The process starts; those of the options that this is about are ours. */
void library_link_start(struct library_link *l, const struct wilco_options *options);
/* The process goes on as far as it can: time, callbacks. WILCO_ECLOSED: its client is closed. */
enum wilco_status library_link_run(struct library_link *l);
/* The process ends, and says nothing to the broker of that. Harmless twice. */
void library_link_stop(struct library_link *l);

/* At most so many bytes each way, over a connection that is made where one is wanted. Whether
 * anything has moved. */
bool library_link_move(struct library_link *l, size_t bytes_max);
void library_link_cut(struct library_link *l); /* harmless when there is no connection */
/* From now on the broker cannot write to it, or can again. */
void library_link_be_stuck(struct library_link *l, bool is_stuck);
/* Somebody else takes over the session and leaves nothing of it. */
void library_link_lose_session(struct library_link *l);

#endif
