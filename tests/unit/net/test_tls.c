#define _POSIX_C_SOURCE 200809L

#include "net/tls.h"
#include "sockets.h"
#include "support/certificates.h"
#include "support/failing_alloc.h"
#include "support/narrow.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#define PIPE_BYTES 20000U

static struct certificates certificates;

static const char *
path_of(const char *file)
{
    static char paths[8][CERTIFICATES_PATH_BYTES];
    static unsigned next;

    return certificates_path(&certificates, file, paths[next++ % 8]);
}

static int
make_certificates(void **state)
{
    (void)state;
    certificates_init(&certificates);
    certificates_make_standard(&certificates);
    return 0;
}

static int
remove_certificates(void **state)
{
    (void)state;
    certificates_fini(&certificates);
    return 0;
}

/* ---- A client and a server, connected by memory ---- */

static struct tls_server_options
server_options(const char *name)
{
    struct tls_server_options o = {.certfile_count = 1, .keyfile_count = 1};
    char file[64];

    (void)snprintf(file, sizeof(file), "%s.pem", name);
    (void)certificates_path(&certificates, file, o.certfile[0]);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    (void)certificates_path(&certificates, file, o.keyfile[0]);
    return o;
}

static struct tls_server_options
server_that_asks(void)
{
    struct tls_server_options o = server_options("server");

    o.requires_certificate = true;
    (void)certificates_path(&certificates, "ca.pem", o.cafile);
    (void)certificates_path(&certificates, "ca.crl", o.crlfile);
    return o;
}

static struct tls_server *
make_server(const struct tls_server_options *o)
{
    struct tls_server *t = NULL;
    char reason[TLS_REASON_BYTES] = "";

    if (tls_server_new(&t, o, "mqtt", alloc_system(), reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    return t;
}

static struct tls_client *
make_client(const struct tls_client_options *o)
{
    struct tls_client *t = NULL;
    char reason[TLS_REASON_BYTES] = "";

    if (tls_client_new(&t, o, "mqtt", alloc_system(), reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    return t;
}

struct pair {
    struct stream *client;
    struct stream *server;
};

static void
pair_open(struct pair *p, struct tls_client *client, struct tls_server *server, const char *host)
{
    struct stream *ends[2];

    assert_int_equal(stream_memory_pair(ends, alloc_system(), PIPE_BYTES), WILCO_OK);
    p->client = tls_client_stream(client, host, ends[0], alloc_system());
    p->server = tls_server_stream(server, ends[1], alloc_system());
    assert_non_null(p->client);
    assert_non_null(p->server);
}

static void
pair_close(struct pair *p)
{
    stream_close(p->client);
    stream_close(p->server);
}

/* How both ends get on with each other, an end that gives up being closed as it is in life: the
 * client hears of what the server finds only when it reads. */
struct verdict {
    enum wilco_status client;
    enum wilco_status server;
    char client_why[TLS_REASON_BYTES];
    char server_why[TLS_REASON_BYTES];
};

static enum wilco_status
step(struct stream **s, char why[TLS_REASON_BYTES])
{
    uint8_t byte = 0;
    size_t len = 0;
    enum wilco_status st = *s == NULL ? WILCO_EIO : stream_shake_hands(*s);

    if (st == WILCO_OK) {
        st = stream_read(*s, &byte, 1, &len);
        st = st == WILCO_AGAIN ? WILCO_OK : st;
    }
    if (*s != NULL && st != WILCO_OK && st != WILCO_AGAIN) {
        (void)snprintf(why, TLS_REASON_BYTES, "%s", stream_why(*s));
        stream_close(*s);
        *s = NULL;
    }
    return st;
}

static struct verdict
judge(struct pair *p)
{
    struct verdict v = {.client = WILCO_AGAIN, .server = WILCO_AGAIN};

    for (unsigned i = 0; i < 20; i++) {
        v.client = step(&p->client, v.client_why);
        v.server = step(&p->server, v.server_why);
    }
    return v;
}

static struct verdict
meet(struct tls_client *client, struct tls_server *server, const char *host)
{
    struct pair p;
    struct verdict v;

    pair_open(&p, client, server, host);
    v = judge(&p);
    pair_close(&p);
    return v;
}

/* ---- What is refused ---- */

static const struct {
    const char *server; /* whose certificate it shows */
    const char *host;
    const char *why; /* NULL: it is accepted */
} servers[] = {
    {"server", "localhost", NULL},
    {"server", "127.0.0.1", NULL},
    {"server", "::1", NULL},
    {"server", "LocalHost", NULL},
    {"expired", "localhost", "the server's certificate has expired"},
    {"early", "localhost", "the server's certificate is not valid yet; is the clock right?"},
    {"self", "localhost",
     "the server's certificate is its own issuer, and not among those trusted here"},
    {"foreign", "localhost",
     "the server's certificate was issued by a CA that is not trusted here"},
    {"elsewhere", "localhost", "the server's certificate is for another host"},
    {"elsewhere", "127.0.0.1", "the server's certificate is for another address"},
    {"server", "127.0.0.2", "the server's certificate is for another address"},
    {"server", "localhost.example", "the server's certificate is for another host"},
    {"star", "broker.example", "the server's certificate is for another host"},
    {"star", "example", "the server's certificate is for another host"},
    {"revoked", "localhost", "the server's certificate has been revoked"},
    {"client", "alice.example",
     "the server's certificate is not meant for this end of a connection"},
};

/* Twice, as a client that connects again does. */
static void
clients_refuse_servers(void **state)
{
    struct tls_client_options o = {.cafile = path_of("ca.pem"), .crlfile = path_of("ca.crl")};

    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct tls_server_options so = server_options(servers[i].server);
        struct tls_server *server = make_server(&so);
        struct tls_client *client = make_client(&o);

        for (unsigned attempt = 0; attempt < 2; attempt++) {
            struct verdict v = meet(client, server, servers[i].host);

            print_message("%s as %s: %s\n", servers[i].server, servers[i].host, v.client_why);
            assert_string_equal(v.client_why, servers[i].why == NULL ? "" : servers[i].why);
            assert_int_equal(v.client, servers[i].why == NULL ? WILCO_OK : WILCO_EIO);
            assert_true((v.server == WILCO_OK) == (servers[i].why == NULL));
        }
        tls_client_free(client);
        tls_server_unref(server);
    }
}

static const struct {
    const char *client; /* NULL: it has none */
    const char *why;    /* NULL: it is accepted */
} clients[] = {
    {"client", NULL},
    {NULL, "the client has no certificate"},
    {"expired", "the client's certificate has expired"},
    {"early", "the client's certificate is not valid yet; is the clock right?"},
    {"self", "the client's certificate is its own issuer, and not among those trusted here"},
    {"foreign", "the client's certificate was issued by a CA that is not trusted here"},
    {"revoked", "the client's certificate has been revoked"},
    {"server", "the client's certificate is not meant for this end of a connection"},
};

static void
servers_refuse_clients(void **state)
{
    struct tls_server_options so = server_that_asks();
    struct tls_server *server = make_server(&so);

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(clients) / sizeof(clients[0]); i++) {
        const char *name = clients[i / 2].client;
        const char *why = clients[i / 2].why;
        char files[2][64];
        struct tls_client_options o = {.cafile = path_of("ca.pem"),
                                       .versions = i % 2 == 0 ? TLS_12_OR_13 : TLS_12_ONLY};
        struct tls_client *client = NULL;

        if (name != NULL) {
            (void)snprintf(files[0], sizeof(files[0]), "%s.pem", name);
            (void)snprintf(files[1], sizeof(files[1]), "%s.key", name);
            o.certfile = path_of(files[0]);
            o.keyfile = path_of(files[1]);
        }
        client = make_client(&o);
        for (unsigned attempt = 0; attempt < 2; attempt++) {
            struct verdict v = meet(client, server, "localhost");

            print_message("%s: %s / %s\n", name == NULL ? "nobody" : name, v.server_why,
                          v.client_why);
            assert_string_equal(v.server_why, why == NULL ? "" : why);
            assert_int_equal(v.server, why == NULL ? WILCO_OK : WILCO_EIO);
            assert_int_equal(v.client, why == NULL ? WILCO_OK : WILCO_EIO);
            assert_true(why == NULL || strstr(v.client_why, "the server refuses: ") != NULL);
        }
        tls_client_free(client);
    }
    tls_server_unref(server);
}

static void
the_insecure_take_anybody(void **state)
{
    const struct tls_client_options o = {.is_insecure = true};
    struct tls_server_options so = server_options("self");
    struct tls_server *server = make_server(&so);
    struct tls_client *client = make_client(&o);

    (void)state;
    tls_client_free(client);
    tls_server_unref(server);
}

/* Without any authority named there are those of the system, which is not the same as none. */
static void
whom_the_system_does_not_know_is_refused(void **state)
{
    const struct tls_client_options o = {.cafile = NULL};
    struct tls_server_options so = server_options("server");
    struct tls_server *server = make_server(&so);
    struct tls_client *client = make_client(&o);

    (void)state;
    assert_int_equal(meet(client, server, "localhost").client, WILCO_EIO);
    tls_client_free(client);
    tls_server_unref(server);
}

/* ---- Files ---- */

static const struct {
    const char *name;
    struct tls_client_options options; /* with names of files in the folder */
    const char *why;                   /* ... a part of it */
} client_rows[] = {
    {"an empty CA file", {.cafile = "empty.pem"}, "has no certificate in PEM in it"},
    {"a CA file that is a list", {.cafile = "ca.crl"}, "has no certificate in PEM in it"},
    {"no such CA file", {.cafile = "none.pem"}, "cafile"},
    {"a folder as CA file", {.cafile = "."}, "is a folder"},
    {"a file as CA folder", {.capath = "ca.pem"}, "is no folder"},
    {"no such CA folder", {.capath = "none"}, "No such file"},
    {"a list without entries",
     {.cafile = "ca.pem", .crlfile = "empty.pem"},
     "no certificate revocation list"},
    {"a certificate alone", {.certfile = "client.pem"}, "a certfile needs a keyfile"},
    {"a key alone", {.keyfile = "client.key"}, "a keyfile needs a certfile"},
    {"another key",
     {.certfile = "client.pem", .keyfile = "server.key"},
     "is not the key of the certificate"},
    {"a key that is none",
     {.certfile = "client.pem", .keyfile = "client.pem"},
     "is no private key in PEM"},
    {"a certificate that is none",
     {.certfile = "empty.pem", .keyfile = "client.key"},
     "is no certificate in PEM"},
    {"a key that others can read", {.certfile = "client.pem", .keyfile = "open.key"}, "chmod 600"},
};

static const char *
path_or_null(const char *file)
{
    return file == NULL ? NULL : path_of(file);
}

/* Also the second time: an empty file is never "nobody needs to be verified". */
static void
files_are_looked_at(void **state)
{
    (void)state;
    assert_int_equal(link(path_of("client.key"), path_of("open.key")), 0);
    for (size_t i = 0; i < 2 * sizeof(client_rows) / sizeof(client_rows[0]); i++) {
        const struct tls_client_options *row = &client_rows[i / 2].options;
        struct tls_client_options o = {.cafile = path_or_null(row->cafile),
                                       .capath = path_or_null(row->capath),
                                       .certfile = path_or_null(row->certfile),
                                       .keyfile = path_or_null(row->keyfile),
                                       .crlfile = path_or_null(row->crlfile)};
        struct tls_client *client = NULL;
        char reason[TLS_REASON_BYTES] = "";
        mode_t mode = strcmp(client_rows[i / 2].why, "chmod 600") == 0 ? 0640 : 0600;

        assert_int_equal(chmod(path_of("open.key"), mode), 0);
        assert_int_equal(tls_client_new(&client, &o, "mqtt", alloc_system(), reason), WILCO_EINVAL);
        print_message("%s: %s\n", client_rows[i / 2].name, reason);
        assert_non_null(strstr(reason, client_rows[i / 2].why));
        assert_null(client);
    }
    assert_int_equal(chmod(path_of("open.key"), 0600), 0);
    assert_int_equal(unlink(path_of("open.key")), 0);
}

static void
an_empty_name_is_no_name(void **state)
{
    const struct tls_client_options o = {.cafile = ""};
    struct tls_client *client = NULL;
    char reason[TLS_REASON_BYTES] = "";

    (void)state;
    assert_int_equal(tls_client_new(&client, &o, "mqtt", alloc_system(), reason), WILCO_EINVAL);
    assert_string_equal(reason, "cafile: the name of the file is empty");
}

static void
nothing_at_all(struct tls_server_options *o)
{
    *o = (struct tls_server_options){.certfile_count = 0};
}

static void
one_key_too_few(struct tls_server_options *o)
{
    o->keyfile_count = 0;
    o->certfile_count = 2;
    o->keyfile_count = 1;
}

static void
nobody_to_ask(struct tls_server_options *o)
{
    o->requires_certificate = true;
}

static void
a_list_for_nobody(struct tls_server_options *o)
{
    (void)certificates_path(&certificates, "ca.crl", o->crlfile);
}

static void
a_name_of_nobody(struct tls_server_options *o)
{
    o->user_from = TLS_USER_CN;
}

static void
an_empty_authority(struct tls_server_options *o)
{
    o->requires_certificate = true;
    (void)certificates_path(&certificates, "empty.pem", o->cafile);
}

static void
ciphers_of_nobody(struct tls_server_options *o)
{
    (void)snprintf(o->ciphers, sizeof(o->ciphers), "ROT13");
}

static void
suites_of_nobody(struct tls_server_options *o)
{
    (void)snprintf(o->ciphers_tls13, sizeof(o->ciphers_tls13), "TLS_ROT13");
}

static const struct {
    void (*spoil)(struct tls_server_options *o);
    const char *why;
} server_rows[] = {
    {nothing_at_all, "TLS needs a certfile and a keyfile"},
    {one_key_too_few, "each certfile needs a keyfile"},
    {nobody_to_ask, "needs a cafile or a capath"},
    {a_list_for_nobody, "a crlfile needs require_certificate"},
    {a_name_of_nobody, "needs require_certificate true"},
    {an_empty_authority, "has no certificate in PEM in it"},
    {ciphers_of_nobody, "ciphers: "},
    {suites_of_nobody, "ciphers_tls1.3: "},
};

static void
servers_say_what_they_lack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(server_rows) / sizeof(server_rows[0]); i++) {
        struct tls_server_options o = server_options("server");
        struct tls_server *server = NULL;
        char reason[TLS_REASON_BYTES] = "";

        server_rows[i].spoil(&o);
        assert_int_equal(tls_server_new(&server, &o, "mqtt", alloc_system(), reason), WILCO_EINVAL);
        print_message("%s\n", reason);
        assert_non_null(strstr(reason, server_rows[i].why));
        assert_null(server);
    }
}

/* ---- What is agreed on ---- */

static void
the_protocol_is_agreed_on(void **state)
{
    static const char *const offers[] = {"mqtt", "http/1.1"};
    struct tls_client_options o = {.cafile = path_of("ca.pem")};
    struct tls_server_options so = server_options("server");
    struct tls_server *server = make_server(&so);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_client *client = NULL;
        char reason[TLS_REASON_BYTES];
        struct verdict v;

        assert_int_equal(tls_client_new(&client, &o, offers[i], alloc_system(), reason), WILCO_OK);
        v = meet(client, server, "localhost");
        assert_int_equal(v.client, i == 0 ? WILCO_OK : WILCO_EIO);
        assert_int_equal(v.server, i == 0 ? WILCO_OK : WILCO_EIO);
        tls_client_free(client);
    }
    tls_server_unref(server);
}

static void
versions_are_agreed_on(void **state)
{
    static const struct {
        enum tls_versions client, server;
        const char *version; /* NULL: none */
    } rows[] = {
        {TLS_12_OR_13, TLS_12_OR_13, "TLSv1.3"}, {TLS_12_OR_13, TLS_12_ONLY, "TLSv1.2"},
        {TLS_12_ONLY, TLS_12_OR_13, "TLSv1.2"},  {TLS_13_ONLY, TLS_13_ONLY, "TLSv1.3"},
        {TLS_12_ONLY, TLS_13_ONLY, NULL},        {TLS_13_ONLY, TLS_12_ONLY, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_client_options o = {.cafile = path_of("ca.pem"), .versions = rows[i].client};
        struct tls_server_options so = server_options("server");
        struct tls_server *server = NULL;
        struct tls_client *client = make_client(&o);
        struct pair p;

        so.versions = rows[i].server;
        server = make_server(&so);
        pair_open(&p, client, server, "localhost");
        assert_int_equal(judge(&p).server == WILCO_OK, rows[i].version != NULL);
        if (rows[i].version != NULL) {
            assert_string_equal(tls_stream_version(p.server), rows[i].version);
        }
        pair_close(&p);
        tls_client_free(client);
        tls_server_unref(server);
    }
}

/* The second certificate is for another host: who asks for that one gets it. */
static void
the_certificate_follows_the_name(void **state)
{
    struct tls_client_options o = {.cafile = path_of("ca.pem")};
    struct tls_server_options so = server_options("server");
    struct tls_server *server = NULL;
    struct tls_client *client = make_client(&o);

    (void)state;
    so.certfile_count = 2;
    so.keyfile_count = 2;
    (void)certificates_path(&certificates, "elsewhere.pem", so.certfile[1]);
    (void)certificates_path(&certificates, "elsewhere.key", so.keyfile[1]);
    server = make_server(&so);
    assert_int_equal(meet(client, server, "localhost").client, WILCO_OK);
    assert_int_equal(meet(client, server, "elsewhere.example").client, WILCO_OK);
    assert_int_equal(meet(client, server, "nowhere.example").client, WILCO_EIO);
    tls_client_free(client);
    tls_server_unref(server);
}

/* One who reads as little as a client that only publishes gets its ticket all the same. */
static void
sessions_are_resumed(void **state)
{
    static const enum tls_versions versions[] = {TLS_12_ONLY, TLS_13_ONLY};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct tls_client_options o = {.cafile = path_of("ca.pem"), .versions = versions[i % 2]};
        struct tls_server_options so = i < 2 ? server_options("server") : server_that_asks();
        struct tls_server *server = make_server(&so);
        struct tls_client *client = NULL;

        o.certfile = path_of("client.pem");
        o.keyfile = path_of("client.key");
        client = make_client(&o);
        for (unsigned attempt = 0; attempt < 4; attempt++) {
            struct pair p;

            if (attempt == 3) { /* made anew of the same files: nobody resumes */
                tls_server_unref(server);
                server = make_server(&so);
            }
            pair_open(&p, client, server, "localhost");
            assert_int_equal(judge(&p).client, WILCO_OK);
            assert_int_equal(tls_stream_is_resumed(p.client), attempt == 1 || attempt == 2);
            assert_int_equal(tls_stream_is_resumed(p.server), attempt == 1 || attempt == 2);
            pair_close(&p);
        }
        tls_client_free(client);
        tls_server_unref(server);
    }
}

/* Tickets of the key before are accepted, and those before that are not. */
static void
keys_of_tickets_get_old(void **state)
{
    static const struct {
        unsigned rotations; /* before the connection */
        bool is_resumed;
        bool is_resumed_12; /* OpenSSL's client does not tell us of a ticket that is renewed */
    } rows[] = {{0, false, false}, {0, true, true},   {1, true, true},
                {1, true, false},  {2, false, false}, {0, true, true}};
    struct tls_client_options o = {.cafile = path_of("ca.pem")};
    struct tls_server_options so = server_options("server");
    struct tls_server *server = make_server(&so);

    (void)state;
    for (unsigned version = TLS_13_ONLY; version <= TLS_12_ONLY; version++) {
        struct tls_client *client = NULL;

        o.versions = (enum tls_versions)version;
        client = make_client(&o);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct pair p;

            for (unsigned n = 0; n < rows[i].rotations; n++) {
                tls_server_rotate_tickets(server);
            }
            pair_open(&p, client, server, "localhost");
            assert_int_equal(judge(&p).client, WILCO_OK);
            assert_int_equal(tls_stream_is_resumed(p.server),
                             version == TLS_13_ONLY ? rows[i].is_resumed : rows[i].is_resumed_12);
            pair_close(&p);
        }
        tls_client_free(client);
    }
    tls_server_unref(server);
}

/* Also when the session is resumed, for the certificate is not shown again then. */
static void
the_certificate_names_the_user(void **state)
{
    static const struct {
        enum tls_user from;
        const char *user;
    } rows[] = {{TLS_USER_NONE, ""}, {TLS_USER_CN, "alice"}, {TLS_USER_SAN, "alice.example"}};
    struct tls_client_options o = {.cafile = path_of("ca.pem"),
                                   .certfile = path_of("client.pem"),
                                   .keyfile = path_of("client.key")};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_server_options so = server_that_asks();
        struct tls_server *server = NULL;
        struct tls_client *client = make_client(&o);

        so.user_from = rows[i].from;
        server = make_server(&so);
        for (unsigned attempt = 0; attempt < 2; attempt++) {
            struct stream_peer peer;
            struct pair p;

            pair_open(&p, client, server, "localhost");
            stream_describe(p.server, &peer);
            assert_string_equal(peer.user, "");
            assert_int_equal(judge(&p).server, WILCO_OK);
            stream_describe(p.server, &peer);
            assert_string_equal(peer.user, rows[i].user);
            pair_close(&p);
        }
        tls_client_free(client);
        tls_server_unref(server);
    }
}

/* ---- What comes in between ---- */

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *why;
} rubbish[] = {
    {"MQTT without TLS", "\x10\x0c\0\4MQTT\5\2\0\x3c\0\0", 14,
     "the client does not speak TLS here"},
    {"HTTP", "GET / HTTP/1.1\r\n\r\n", 18, "the client does not speak TLS here"},
    {"an alert", "\x15\3\1\0\2\2\x30", 7, "TLS: unexpected message"},
    {"a record of 64 KiB", "\x16\3\1\xff\xff", 5, "the client does not speak TLS here"},
};

static void
who_speaks_no_tls_is_told_apart(void **state)
{
    struct tls_server_options so = server_options("server");
    struct tls_server *server = make_server(&so);

    (void)state;
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct span bytes = span_of(rubbish[i].bytes, rubbish[i].len);
        struct stream *ends[2];
        struct stream *s = NULL;
        uint8_t byte = 0;
        size_t len = 0;

        assert_int_equal(stream_memory_pair(ends, alloc_system(), PIPE_BYTES), WILCO_OK);
        s = tls_server_stream(server, ends[1], alloc_system());
        assert_int_equal(stream_write(ends[0], &bytes, 1, &len), WILCO_OK);
        assert_int_equal(stream_read(s, &byte, 1, &len), WILCO_EIO);
        assert_int_equal(errno, EPROTO);
        print_message("%s: %s\n", rubbish[i].name, stream_why(s));
        assert_string_equal(stream_why(s), rubbish[i].why);
        assert_int_equal(stream_read(s, &byte, 1, &len), WILCO_EIO); /* and it stays so */
        assert_int_equal(stream_write(s, &bytes, 1, &len), WILCO_EIO);
        assert_false(stream_has_pending(s));
        stream_close(s);
        stream_close(ends[0]);
    }
    tls_server_unref(server);
}

/* The client's first flight, cut at each byte: the server waits for more, and then for nothing. */
static void
a_handshake_may_stop_anywhere(void **state)
{
    struct tls_client_options o = {.cafile = path_of("ca.pem")};
    struct tls_server_options so = server_options("server");
    struct tls_server *server = make_server(&so);
    struct tls_client *client = make_client(&o);
    struct stream *ends[2];
    struct stream *s = NULL;
    uint8_t hello[2000];
    size_t hello_len = 0;

    (void)state;
    assert_int_equal(stream_memory_pair(ends, alloc_system(), PIPE_BYTES), WILCO_OK);
    s = tls_client_stream(client, "localhost", ends[0], alloc_system());
    assert_int_equal(stream_shake_hands(s), WILCO_AGAIN);
    assert_int_equal(stream_read(ends[1], hello, sizeof(hello), &hello_len), WILCO_OK);
    stream_close(s);
    stream_close(ends[1]);
    for (size_t cut = 0; cut < hello_len; cut++) {
        struct span bytes = span_of(hello, cut);
        size_t len = 0;

        assert_int_equal(stream_memory_pair(ends, alloc_system(), PIPE_BYTES), WILCO_OK);
        s = tls_server_stream(server, ends[1], alloc_system());
        assert_int_equal(stream_write(ends[0], &bytes, 1, &len), WILCO_OK);
        assert_int_equal(stream_shake_hands(s), WILCO_AGAIN);
        assert_false(stream_has_pending(s));
        assert_int_equal(stream_interest(s, false), STREAM_READABLE);
        stream_close(ends[0]);
        assert_int_equal(stream_shake_hands(s), WILCO_ECLOSED);
        stream_close(s);
    }
    tls_client_free(client);
    tls_server_unref(server);
}

/* ---- Memory ---- */

/* Of our own allocator and of OpenSSL's, one allocation of all fails. */
static size_t allocations;
static size_t fails_at; /* 0: none */

static bool
may_allocate(void)
{
    allocations++;
    return allocations != fails_at;
}

static void *
crypto_alloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return may_allocate() ? malloc(size) : NULL;
}

static void *
crypto_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void
crypto_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

static void *
own_alloc(void *context, size_t size)
{
    (void)context;
    return may_allocate() ? malloc(size) : NULL;
}

static void *
own_realloc(void *context, void *memory, size_t size)
{
    (void)context;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void
own_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const struct wilco_alloc own = {
    .alloc = own_alloc, .realloc = own_realloc, .free = own_free};

/* More than the pipe holds, so that a record is held back. */
static void
exchange(struct stream *from, struct stream *to)
{
    static uint8_t bytes[3 * PIPE_BYTES];
    size_t sent = 0;
    size_t received = 0;
    size_t len = 0;

    for (unsigned i = 0; i < 100 && received < sizeof(bytes); i++) {
        struct span rest = span_of(bytes + sent, sizeof(bytes) - sent);

        sent += rest.len > 0 && stream_write(from, &rest, 1, &len) == WILCO_OK ? len : 0;
        received += stream_read(to, bytes, sizeof(bytes), &len) == WILCO_OK ? len : 0;
    }
    from->ops->finish(from);
}

static void
run_all(const struct tls_server_options *so, const struct tls_client_options *o)
{
    struct tls_server *server = NULL;
    struct tls_client *client = NULL;
    struct stream *ends[2];
    char reason[TLS_REASON_BYTES];

    if (tls_server_new(&server, so, "mqtt", &own, reason) == WILCO_OK &&
        tls_client_new(&client, o, "mqtt", &own, reason) == WILCO_OK &&
        stream_memory_pair(ends, &own, PIPE_BYTES) == WILCO_OK) {
        struct pair p = {.client = tls_client_stream(client, "localhost", ends[0], &own),
                         .server = tls_server_stream(server, ends[1], &own)};

        if (p.client != NULL && p.server != NULL) {
            (void)judge(&p);
        }
        if (p.client != NULL && p.server != NULL) {
            exchange(p.client, p.server);
        }
        pair_close(&p);
    }
    tls_client_free(client);
    tls_server_unref(server);
}

/* Every 61st in CI; TLS_ALLOCATIONS=all for each. */
static void
any_allocation_may_fail(void **state)
{
    struct tls_client_options o = {.cafile = path_of("ca.pem")};
    struct tls_server_options so = server_options("server");
    size_t pace = getenv("TLS_ALLOCATIONS") == NULL ? 61 : 1;
    size_t total = 0;

    (void)state;
    run_all(&so, &o); /* what OpenSSL makes once is there */
    allocations = 0;
    run_all(&so, &o);
    total = allocations;
    assert_true(total > 100);
    for (size_t n = 1; n <= total; n += pace) {
        allocations = 0;
        fails_at = n;
        run_all(&so, &o);
        fails_at = 0;
    }
    print_message("%zu allocations\n", total);
    allocations = 0;
    run_all(&so, &o);
    assert_in_range(allocations, total - 5, total + 5); /* it works as before */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_refuse_servers),
        cmocka_unit_test(servers_refuse_clients),
        cmocka_unit_test(the_insecure_take_anybody),
        cmocka_unit_test(whom_the_system_does_not_know_is_refused),
        cmocka_unit_test(files_are_looked_at),
        cmocka_unit_test(an_empty_name_is_no_name),
        cmocka_unit_test(servers_say_what_they_lack),
        cmocka_unit_test(the_protocol_is_agreed_on),
        cmocka_unit_test(versions_are_agreed_on),
        cmocka_unit_test(the_certificate_follows_the_name),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(keys_of_tickets_get_old),
        cmocka_unit_test(the_certificate_names_the_user),
        cmocka_unit_test(who_speaks_no_tls_is_told_apart),
        cmocka_unit_test(a_handshake_may_stop_anywhere),
        cmocka_unit_test(any_allocation_may_fail),
    };

    if (CRYPTO_set_mem_functions(crypto_alloc, crypto_realloc, crypto_free) != 1) {
        return 1;
    }
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
