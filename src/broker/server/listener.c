#define _POSIX_C_SOURCE 200809L

#include "broker/server/listener.h"

#include "net/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* What the kernel may queue before it is accepted; it cuts this down to its own limit. */
#define BACKLOG 4096

static const char *
advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; is a broker running there already? Stop it, or choose another address with "
               "--listen";
    case EACCES: return "; choose a port from 1024 on, or a path that this user may write";
    case EADDRNOTAVAIL: return "; choose an address of this machine with --listen";
    case ENOENT: return "; make the folder first, or choose another path with --listen";
    default: return "";
    }
}

static enum wilco_status
refuse(char reason[LISTENER_REASON_BYTES], const struct listener *l, const char *why,
       const char *what_to_do)
{
    char url[LISTENER_URL_BYTES];

    listener_url(l, url);
    (void)snprintf(reason, LISTENER_REASON_BYTES, "cannot listen on %s: %s%s", url, why,
                   what_to_do);
    return WILCO_EIO;
}

static enum wilco_status
refuse_url(char reason[LISTENER_REASON_BYTES], const char *url, const char *why)
{
    (void)snprintf(reason, LISTENER_REASON_BYTES, "cannot listen on \"%.200s\": %s", url, why);
    return WILCO_EINVAL;
}

/* *is_missing: this machine has no such address. */
static enum wilco_status
open_one(struct listener_set *set, const struct address *a, const struct listener_wish *wish,
         const struct transport *transport, bool *is_missing, char reason[LISTENER_REASON_BYTES])
{
    struct listener *l = &set->items[set->count];
    char text[128] = "";

    *l = (struct listener){.fd = -1, .bound = *a, .entrance = *wish->entrance};
    l->number = wish->number;
    l->transport.scheme = transport->scheme;
    if (socket_listen(a, BACKLOG, &l->fd, &l->bound) == WILCO_OK) {
        transport_copy(&l->transport, transport);
        set->count++;
        return WILCO_OK;
    }
    l->bound = *a;
    *is_missing = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
    if (strerror_r(errno, text, sizeof(text)) != 0) {
        (void)snprintf(text, sizeof(text), "error %d", errno);
    }
    return refuse(reason, l, text, advice(errno));
}

static enum wilco_status
check_is_local(const struct address *a, enum url_scheme scheme, char reason[LISTENER_REASON_BYTES])
{
    struct listener l = {.fd = -1, .bound = *a, .transport = {.scheme = scheme}};

    if (address_is_local(a)) {
        return WILCO_OK;
    }
    (void)refuse(reason, &l,
                 "others than this machine could connect, and nobody would be authenticated",
                 "; listen on 127.0.0.1, or say --allow-anonymous (in a file: allow_anonymous "
                 "true) if that is meant");
    return WILCO_EINVAL;
}

/* Where a URL leads. */
struct found {
    struct url url;
    struct address addresses[LISTENERS_MAX];
    size_t count;
};

static enum wilco_status
resolve(struct found *found, const char *text, char reason[LISTENER_REASON_BYTES])
{
    const char *why = "";
    enum wilco_status st = url_parse(&found->url, text, &why);

    found->count = 0;
    if (st == WILCO_OK) {
        st = address_resolve(found->addresses, LISTENERS_MAX, &found->count, &found->url, true,
                             &why);
    }
    return st == WILCO_OK ? WILCO_OK : refuse_url(reason, text, why);
}

/* Resolves, and checks that this is where we may listen. */
static enum wilco_status
find_addresses(struct found *found, const char *url, bool allow_anonymous,
               char reason[LISTENER_REASON_BYTES])
{
    enum wilco_status st = resolve(found, url, reason);

    for (size_t i = 0; i < found->count && st == WILCO_OK && !allow_anonymous; i++) {
        st = check_is_local(&found->addresses[i], found->url.scheme, reason);
    }
    return st;
}

static enum wilco_status
make_transport(struct transport *t, const struct url *url, const struct listener_wish *wish,
               char reason[LISTENER_REASON_BYTES])
{
    char why[TRANSPORT_REASON_BYTES] = "";
    enum wilco_status st = transport_init(t, url, wish->options, wish->alloc, why);

    if (st != WILCO_OK) {
        (void)refuse_url(reason, wish->url, why);
    }
    return st;
}

/* The transport is made only to be tried. */
enum wilco_status
listener_check(const struct listener_wish *wish, bool allow_anonymous,
               char reason[LISTENER_REASON_BYTES])
{
    struct found found;
    struct transport transport;
    enum wilco_status st = find_addresses(&found, wish->url, allow_anonymous, reason);

    if (st == WILCO_OK) {
        st = make_transport(&transport, &found.url, wish, reason);
    }
    if (st == WILCO_OK) {
        transport_fini(&transport);
    }
    return st;
}

static enum wilco_status
open_all(struct listener_set *set, const struct found *found, const struct listener_wish *wish,
         const struct transport *transport, char reason[LISTENER_REASON_BYTES])
{
    size_t opened = 0;

    for (size_t i = 0; i < found->count; i++) {
        bool is_missing = false;
        enum wilco_status st = WILCO_OK;

        if (set->count == LISTENERS_MAX) {
            (void)refuse_url(reason, wish->url, "there are too many listening addresses");
            return WILCO_ELIMIT;
        }
        st = open_one(set, &found->addresses[i], wish, transport, &is_missing, reason);
        if (st != WILCO_OK && !is_missing) {
            return st;
        }
        opened += st == WILCO_OK;
    }
    return opened > 0 ? WILCO_OK : WILCO_EIO;
}

enum wilco_status
listener_set_open(struct listener_set *set, const struct listener_wish *wish, bool allow_anonymous,
                  char reason[LISTENER_REASON_BYTES])
{
    struct found found;
    struct transport transport;
    enum wilco_status st = find_addresses(&found, wish->url, allow_anonymous, reason);

    if (st == WILCO_OK) {
        st = make_transport(&transport, &found.url, wish, reason);
    }
    if (st != WILCO_OK) {
        return st;
    }
    st = open_all(set, &found, wish, &transport, reason);
    transport_fini(&transport);
    return st;
}

/* The file goes first: once nobody listens on it, another broker may put its own in the same place.
 */
static void
remove_file(const struct address *a)
{
    struct sockaddr_un un;

    if (a->storage.ss_family == AF_UNIX) {
        memcpy(&un, &a->storage, sizeof(un));
        (void)unlink(un.sun_path);
    }
}

void
listener_set_close(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct listener *l = &set->items[i];

        if (l->fd >= 0) {
            remove_file(&l->bound);
            (void)close(l->fd);
            l->fd = -1;
        }
    }
}

void
listener_set_fini(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        transport_fini(&set->items[i].transport);
    }
}

void
listener_url(const struct listener *l, char out[LISTENER_URL_BYTES])
{
    char text[ADDRESS_TEXT_BYTES];

    address_text(&l->bound, text);
    (void)snprintf(out, LISTENER_URL_BYTES, "%s%s%s",
                   l->bound.storage.ss_family == AF_UNIX ? ""
                                                         : url_scheme_name(l->transport.scheme),
                   text, l->transport.websocket.path);
}
