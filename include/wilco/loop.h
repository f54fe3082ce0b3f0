#ifndef WILCO_LOOP_H
#define WILCO_LOOP_H

#include "wilco/client.h"

/* Clients without a thread of their own: in the application's event loop (WILCO_IO_LOOP), or with
 * the application moving the bytes itself (WILCO_IO_NONE). */

#ifdef __cplusplus
extern "C" {
#endif

/* Such a client does nothing by itself. wilco_open() does not wait: it returns before there is a
 * connection, and state_changed tells what becomes of it, WILCO_CLOSED included if there is no
 * server and open_offline was not asked for. All callbacks run inside wilco_process(), one after
 * the other, under no lock. Functions that wait answer WILCO_EINVAL: use those that do not.
 *
 * Other threads may use the client as well. When there is something to do for the loop, by them or
 * by its own thread outside wilco_process(), the option `wake` is called, once until the next
 * wilco_process(), which is what it should bring about.
 *
 * wilco_close() does not wait either: what the connection takes at once is written, DISCONNECT
 * included if that is all; what is outstanding ends, as always, before it returns. It waits only
 * for a wilco_process() that runs in another thread. */

/* ---- WILCO_IO_LOOP: a round of the loop ---- */

/* What to poll: a descriptor, -1 while there is none, and POLLIN and POLLOUT. Both may change with
 * each call of wilco_process(), and when `wake` was called. */
WILCO_API int wilco_fd(const struct wilco *client);
WILCO_API short wilco_events(const struct wilco *client);
/* And how long, in milliseconds: -1 until something happens. Also with WILCO_IO_NONE. */
WILCO_API int wilco_timeout_ms(const struct wilco *client);
/* Reads, keeps time, runs callbacks, connects and writes, as far as that goes without waiting; only
 * looking up the name of the server may block, so give an address where that matters. `revents` are
 * those of poll(), or 0. WILCO_ECLOSED: the client is closed for good. WILCO_EINVAL: it is being
 * processed already, here or in another thread. */
WILCO_API enum wilco_status wilco_process(struct wilco *client, short revents);

/* ---- WILCO_IO_NONE: whatever carries the bytes ---- */

/* Whether the client wants a transport: then make one to the server, in the way of yours, and say
 * so. One that is there while this is true is for a connection that is over: close it first. */
WILCO_API bool wilco_wants_transport(const struct wilco *client);
WILCO_API void wilco_transport_opened(struct wilco *client);
/* It broke, was finished by the peer, or could not be made; `text` says how, for people. */
WILCO_API void wilco_transport_lost(struct wilco *client, const char *text);
/* Bytes that came. Then call wilco_process(client, 0), which runs time and callbacks. */
WILCO_API void wilco_feed(struct wilco *client, struct wilco_bytes bytes);
/* Bytes to be written, as many as lie together; false: there are none. They stay as they are until
 * the next call here, wilco_process() or wilco_close(). `len` of them were written: */
WILCO_API bool wilco_output(struct wilco *client, struct wilco_bytes *out);
WILCO_API void wilco_wrote(struct wilco *client, size_t len);
/* Ends the client as wilco_close() does, but what is to be written last, DISCONNECT, can still be
 * taken. wilco_close() is to follow. */
WILCO_API void wilco_finish(struct wilco *client);

#ifdef __cplusplus
}
#endif

#endif
