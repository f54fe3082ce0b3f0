#ifndef WILCO_TEST_CLIENT_SERVER_H
#define WILCO_TEST_CLIENT_SERVER_H

#include "support/gate.h"

#include <pthread.h>
#include <stdbool.h>

/* A server on a loopback port, in a thread of its own, for one client after the other. It grants
 * whatever is subscribed and sends each publication back to the client it came from, but for some
 * topics:
 *
 *     silent   acknowledged, and nothing more
 *     nobody   acknowledged with No matching subscribers
 *     offline  acknowledged, and answered with a status response: all responders are offline
 *     hang up  the connection is closed
 *     deaf     nothing more is read before the gate `hears_again` is raised
 *
 * What has been received is counted. */
struct server {
    pthread_t thread;
    int listener;
    int stop[2]; /* a pipe: closing its end tells the thread to leave */
    char url[64];
    bool is_mute;      /* says nothing at all, not even CONNACK */
    const char *inbox; /* assigned to those who ask for one; NULL: to nobody */
    struct gate received;
    struct gate is_deaf;
    struct gate hears_again;
};

void server_start(struct server *s, bool is_mute);
void server_start_with_inbox(struct server *s, const char *inbox);
void server_stop(struct server *s); /* its clients are gone, or will see the end */

#endif
