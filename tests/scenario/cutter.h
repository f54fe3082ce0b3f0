#ifndef WILCO_SCENARIO_CUTTER_H
#define WILCO_SCENARIO_CUTTER_H

#include "support/gate.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

/* Stands between clients and a broker, passes on what they say, and cuts all of their connections
 * when told: what is on its way is lost, in the middle of a packet if it comes to that. */
#define CUTTER_CONNECTIONS_MAX 16

struct cutter {
    char url[64]; /* for the clients */
    struct sockaddr_in broker;
    int listener;
    int told[2]; /* a pipe */
    pthread_t thread;
    int ends[CUTTER_CONNECTIONS_MAX][2]; /* the client's and the broker's; -1: free */
    struct gate cuts;                    /* done */
};

void cutter_start(struct cutter *c, const char *broker_url); /* mqtt://127.0.0.1:port */
void cutter_cut(struct cutter *c);                           /* returns when it is done */
void cutter_stop(struct cutter *c);

#endif
