#define _POSIX_C_SOURCE 200809L

#include "net/socket.h"
#include "sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
assert_flags(int fd)
{
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
}

static void
the_system_chooses_a_port(void **state)
{
    static const char *const urls[] = {"mqtt://127.0.0.1:0", "mqtt://[::1]:0"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct address bound;
        struct address peer;
        char text[ADDRESS_TEXT_BYTES];
        int fds[3] = {listen_at(urls[i], &bound), -1, -1};

        if (fds[0] < 0) {
            print_message("%s is not there: left out\n", urls[i]);
            continue;
        }
        address_text(&bound, text);
        assert_null(strstr(text, "]:0"));
        assert_string_not_equal(text, "127.0.0.1:0");
        assert_int_equal(socket_accept(fds[0], &fds[1], &peer), WILCO_AGAIN);
        connect_pair(fds[0], &bound, &fds[1], &fds[2]);
        for (size_t j = 0; j < 3; j++) {
            assert_flags(fds[j]);
        }
        close_all(fds, 3);
    }
}

static void
accept_says_who_it_is(void **state)
{
    struct address bound;
    struct address peer;
    struct address own = {.len = sizeof(own.storage)};
    char peer_text[ADDRESS_TEXT_BYTES];
    char own_text[ADDRESS_TEXT_BYTES];
    int fds[3] = {listen_at("mqtt://127.0.0.1:0", &bound), -1, -1};
    enum wilco_status st = socket_connect(&bound, &fds[1]);

    (void)state;
    assert_true(st == WILCO_OK || st == WILCO_AGAIN);
    wait_for(fds[0], POLLIN);
    assert_int_equal(socket_accept(fds[0], &fds[2], &peer), WILCO_OK);
    assert_int_equal(getsockname(fds[1], (struct sockaddr *)&own.storage, &own.len), 0);
    address_text(&peer, peer_text);
    address_text(&own, own_text);
    assert_string_equal(peer_text, own_text);
    assert_true(address_is_local(&peer));
    close_all(fds, 3);
}

static void
a_port_in_use(void **state)
{
    struct address bound;
    struct address again;
    int fd = -1;
    int listener = listen_at("mqtt://127.0.0.1:0", &bound);

    (void)state;
    errno = 0;
    assert_int_equal(socket_listen(&bound, 16, &fd, &again), WILCO_EIO);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(fd, -1);
    close_all(&listener, 1);
    assert_int_equal(socket_listen(&bound, 16, &fd, &again), WILCO_OK);
    close_all(&fd, 1);
}

static void
a_foreign_address(void **state)
{
    struct address a = address_of("mqtt://192.0.2.1:0"); /* of nobody, by RFC 5737 */
    struct address bound;
    struct address none = {.len = 0};
    int fd = -1;

    (void)state;
    assert_int_equal(socket_listen(&a, 16, &fd, &bound), WILCO_EIO);
    assert_int_equal(errno, EADDRNOTAVAIL);
    none.storage.ss_family = AF_UNSPEC;
    assert_int_equal(socket_listen(&none, 16, &fd, &bound), WILCO_EIO);
    assert_int_equal(socket_connect(&none, &fd), WILCO_EIO);
}

/* Listens at a port of all IPv6 addresses, then at the same of all IPv4 addresses. */
static enum wilco_status
listen_at_both(int fds[2])
{
    struct address bound6;
    struct address a4 = address_of("mqtt://0.0.0.0:0");
    struct address bound4;
    struct sockaddr_in6 in6;
    struct sockaddr_in in4;

    fds[0] = listen_at("mqtt://[::]:0", &bound6);
    if (fds[0] < 0) {
        skip();
    }
    memcpy(&in6, &bound6.storage, sizeof(in6));
    memcpy(&in4, &a4.storage, sizeof(in4));
    in4.sin_port = in6.sin6_port;
    memcpy(&a4.storage, &in4, sizeof(in4));
    return socket_listen(&a4, 16, &fds[1], &bound4);
}

/* Another program may have just this port of an IPv4 address, but hardly every time. */
static void
ipv6_leaves_ipv4_alone(void **state)
{
    enum wilco_status st = WILCO_EIO;

    (void)state;
    for (int i = 0; i < 100 && st != WILCO_OK; i++) {
        int fds[2] = {-1, -1};

        st = listen_at_both(fds);
        close_all(fds, fds[1] < 0 ? 1 : 2);
    }
    assert_int_equal(st, WILCO_OK);
}

/* Nobody listens: said at once, or when the answer has come. */
static void
a_refused_connection(void **state)
{
    struct address bound;
    int fd = -1;
    int listener = listen_at("mqtt://127.0.0.1:0", &bound);
    enum wilco_status st = WILCO_OK;

    (void)state;
    close_all(&listener, 1);
    st = socket_connect(&bound, &fd);
    if (st == WILCO_AGAIN) {
        wait_for(fd, POLLOUT);
        st = socket_connected(fd);
        assert_int_equal(errno, ECONNREFUSED);
        close_all(&fd, 1);
    }
    assert_int_equal(st, WILCO_EIO);
    assert_int_equal(errno, ECONNREFUSED);
}

static void
not_connected_yet(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(socket_connected(fd), WILCO_AGAIN);
    close_all(&fd, 1);
    assert_int_equal(socket_connected(fd), WILCO_EIO);
}

static void
a_stale_unix_socket_is_replaced(void **state)
{
    struct folder folder;
    struct address bound;
    int fds[3] = {-1, -1, -1};

    (void)state;
    folder_init(&folder);
    fds[0] = listen_at(folder.socket_url, &bound);
    close_all(fds, 1);
    assert_int_equal(access(folder_socket(&folder), F_OK), 0); /* left behind */
    fds[0] = listen_at(folder.socket_url, &bound);
    assert_true(fds[0] >= 0);
    connect_pair(fds[0], &bound, &fds[1], &fds[2]);
    close_all(fds, 3);
    folder_fini(&folder);
}

static void
a_live_unix_socket_is_not(void **state)
{
    struct folder folder;
    struct address bound;
    struct address again;
    int fds[3] = {-1, -1, -1};
    int fd = -1;

    (void)state;
    folder_init(&folder);
    fds[0] = listen_at(folder.socket_url, &bound);
    assert_int_equal(socket_listen(&bound, 16, &fd, &again), WILCO_EIO);
    assert_int_equal(errno, EADDRINUSE);
    wait_for(fds[0], POLLIN); /* we knocked */
    assert_int_equal(socket_accept(fds[0], &fd, &again), WILCO_OK);
    close_all(&fd, 1);
    connect_pair(fds[0], &bound, &fds[1], &fds[2]);
    close_all(fds, 3);
    folder_fini(&folder);
}

/* Nor one whose owner is too busy to answer. */
static void
a_busy_unix_socket_is_not(void **state)
{
    struct folder folder;
    struct address a;
    struct address bound;
    int fds[64];
    int fd = -1;
    size_t count = 1;

    (void)state;
    folder_init(&folder);
    a = address_of(folder.socket_url);
    assert_int_equal(socket_listen(&a, 0, &fds[0], &bound), WILCO_OK);
    while (socket_connect(&a, &fd) == WILCO_OK) {
        fds[count] = fd;
        count++;
        assert_true(count < 64);
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(socket_listen(&a, 16, &fd, &bound), WILCO_EIO);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(access(folder_socket(&folder), F_OK), 0);
    close_all(fds, count);
    folder_fini(&folder);
}

static void
a_file_is_not_replaced(void **state)
{
    struct folder folder;
    struct address a;
    struct address bound;
    struct stat file;
    int fd = -1;

    (void)state;
    folder_init(&folder);
    fd = open(folder_socket(&folder), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close_all(&fd, 1);
    a = address_of(folder.socket_url);
    assert_int_equal(socket_listen(&a, 16, &fd, &bound), WILCO_EIO);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(stat(folder_socket(&folder), &file), 0);
    assert_true(S_ISREG(file.st_mode));
    folder_fini(&folder);
}

static void
a_folder_that_is_not_there(void **state)
{
    struct address a = address_of("unix:/nonexistent/wilco/s");
    struct address bound;
    int fd = -1;

    (void)state;
    assert_int_equal(socket_listen(&a, 16, &fd, &bound), WILCO_EIO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(socket_connect(&a, &fd), WILCO_EIO);
    assert_int_equal(errno, ENOENT);
}

static void
out_of_descriptors(void **state)
{
    struct address bound;
    struct address peer;
    struct rlimit limit;
    struct rlimit none;
    int fds[3] = {listen_at("mqtt://127.0.0.1:0", &bound), -1, -1};
    enum wilco_status st = socket_connect(&bound, &fds[1]);

    (void)state;
    assert_true(st == WILCO_OK || st == WILCO_AGAIN);
    wait_for(fds[0], POLLIN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    st = socket_accept(fds[0], &fds[2], &peer);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(st, WILCO_ELIMIT);
    assert_int_equal(socket_accept(fds[0], &fds[2], &peer), WILCO_OK); /* nobody was lost */
    close_all(fds, 3);
    assert_int_equal(socket_accept(fds[0], &fds[2], &peer), WILCO_EIO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_chooses_a_port),
        cmocka_unit_test(accept_says_who_it_is),
        cmocka_unit_test(a_port_in_use),
        cmocka_unit_test(a_foreign_address),
        cmocka_unit_test(ipv6_leaves_ipv4_alone),
        cmocka_unit_test(a_refused_connection),
        cmocka_unit_test(not_connected_yet),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
        cmocka_unit_test(a_live_unix_socket_is_not),
        cmocka_unit_test(a_busy_unix_socket_is_not),
        cmocka_unit_test(a_file_is_not_replaced),
        cmocka_unit_test(a_folder_that_is_not_there),
        cmocka_unit_test(out_of_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
