#include "broker/server/config/directive.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *
get(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "PORT") == 0 ? "1900" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

/* Reads one text as the file "f", in a block of its exact size. */
static void
read_text(struct config *c, struct problems *p, const char *text)
{
    const struct config_environment environment = {.get = get};
    struct config_reader r = {.config = c, .problems = p, .environment = &environment};
    size_t len = strlen(text);
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    memcpy(copy, text, len);
    config_init(c);
    *p = (struct problems){.count = 0};
    reader_read(&r, "f", span_of(copy, len));
    free(copy);
}

/* One number out of a config. */
enum field {
    SHARDS,
    LEVEL,
    ANONYMOUS,
    LISTENS,
    PACKET,
    CONNECT_MS,
    EXPIRY,
    QUEUED,
    QUEUED_BYTES,
    WINDOW,
    ALIAS,
    ALIAS_OUT,
    KEEP_ALIVE,
    QOS,
    RETAIN,
    SYS,
    CONNECTIONS,
};

static uint64_t
field_of(const struct config *c, enum field f)
{
    switch (f) {
    case SHARDS: return c->shards;
    case LEVEL: return (uint64_t)c->log_level;
    case ANONYMOUS: return c->allow_anonymous;
    case LISTENS: return c->listen_count;
    case PACKET: return c->settings.packet_bytes_max;
    case CONNECT_MS: return c->settings.connect_timeout_ms;
    case EXPIRY: return c->settings.session_expiry_max_s;
    case QUEUED: return c->settings.queued_messages_max;
    case QUEUED_BYTES: return c->settings.queued_bytes_max;
    case WINDOW: return c->settings.inflight_max;
    case ALIAS: return c->settings.topic_alias_maximum;
    case ALIAS_OUT: return c->settings.topic_alias_out_max;
    case KEEP_ALIVE: return c->settings.keep_alive_max_s;
    case QOS: return c->settings.maximum_qos;
    case RETAIN: return c->settings.retain_available;
    case CONNECTIONS: return c->settings.connections_max;
    case SYS: return c->settings.sys_interval_s;
    }
    return UINT64_MAX;
}

static const struct {
    const char *text;
    enum field field;
    uint64_t want;
} good[] = {
    {"", SHARDS, 0},
    {"shards 4", SHARDS, 4},
    {"shards 64", SHARDS, 64},
    {"shards auto", SHARDS, 0},
    {"store memory", SHARDS, 0},
    {"log_level error", LEVEL, LOG_ERROR},
    {"log_level warning", LEVEL, LOG_WARNING},
    {"log_level info", LEVEL, LOG_INFO},
    {"log_level debug", LEVEL, LOG_DEBUG},
    {"log_type error", LEVEL, LOG_ERROR},
    {"log_type error\nlog_type warning", LEVEL, LOG_WARNING},
    {"log_type warning\nlog_type error", LEVEL, LOG_WARNING},
    {"log_type notice", LEVEL, LOG_INFO},
    {"log_type information", LEVEL, LOG_INFO},
    {"log_type debug", LEVEL, LOG_DEBUG},
    {"log_type all", LEVEL, LOG_DEBUG},
    {"allow_anonymous true", ANONYMOUS, ENTRANCE_YES},
    {"allow_anonymous false", ANONYMOUS, ENTRANCE_NO},
    {"listen mqtt://127.0.0.1:0\nlisten unix:/tmp/s", LISTENS, 2},
    {"packet_bytes_max 100", PACKET, 100},
    {"packet_bytes_max 2 MiB", PACKET, 2097152},
    {"max_packet_size 100", PACKET, 100},
    {"max_packet_size 0", PACKET, 268435460},
    {"connect_timeout_ms 20s", CONNECT_MS, 20000},
    {"session_expiry_max_s 7d", EXPIRY, 604800},
    {"persistent_client_expiration 2h", EXPIRY, 7200},
    {"persistent_client_expiration 14d", EXPIRY, 1209600},
    {"persistent_client_expiration 3w", EXPIRY, 1814400},
    {"persistent_client_expiration 2m", EXPIRY, 5184000},
    {"persistent_client_expiration 1y", EXPIRY, 31536000},
    {"max_queued_messages 7", QUEUED, 7},
    {"max_queued_messages 0", QUEUED, 1000000000},
    {"max_queued_bytes 70000", QUEUED_BYTES, 70000},
    {"max_queued_bytes 0", QUEUED_BYTES, 1099511627776},
    {"max_inflight_messages 20", WINDOW, 20},
    {"max_inflight_messages 0", WINDOW, 65535},
    {"max_topic_alias 10", ALIAS, 10},
    {"max_topic_alias 0", ALIAS, 0},
    {"max_topic_alias_broker 9", ALIAS_OUT, 9},
    {"max_connections 5", CONNECTIONS, 5},
    {"max_connections -1", CONNECTIONS, 4000000},
    {"global_max_connections 6", CONNECTIONS, 6},
    {"max_keepalive 60", KEEP_ALIVE, 60},
    {"max_qos 1", QOS, 1},
    {"retain_available false", RETAIN, 0},
    {"retain_available true", RETAIN, 1},
    {"retain_available 0", RETAIN, 0},
    {"sys_interval 0", SYS, 0},
    {"sys_interval 30", SYS, 30},
    {"# shards 3\r\nshards 4\r\n", SHARDS, 4},
    {"persistence false\nlog_dest stderr\nset_tcp_nodelay true\nshards 3", SHARDS, 3},
};

static void
every_directive_is_taken(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        read_text(&c, &p, good[i].text);
        if (p.count > 0 || field_of(&c, good[i].field) != good[i].want) {
            fail_msg("%s: %" PRIu64 " %s", good[i].text, field_of(&c, good[i].field), p.lines[0]);
        }
    }
}

static const struct {
    const char *text;
    const char *url;
} urls[] = {
    {"listen mqtt://127.0.0.1:1884", "mqtt://127.0.0.1:1884"},
    {"listen 127.0.0.1", "127.0.0.1"},
    {"listen unix:/run/w.sock", "unix:/run/w.sock"},
    {"listen mqtt://127.0.0.1:${PORT}", "mqtt://127.0.0.1:1900"},
    {"listener 1884", "mqtt://*:1884"},
    {"listener ${PORT}", "mqtt://*:1900"},
    {"listener 1884 127.0.0.1", "mqtt://127.0.0.1:1884"},
    {"listener 1884 \t example.org", "mqtt://example.org:1884"},
    {"listener 1884 ::1", "mqtt://[::1]:1884"},
    {"listener 0 127.0.0.1", "mqtt://127.0.0.1:0"},
    {"listener 0 /run/w.sock", "unix:/run/w.sock"},
};

static void
listeners_become_urls(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        read_text(&c, &p, urls[i].text);
        if (p.count > 0) {
            fail_msg("%s: %s", urls[i].text, p.lines[0]);
        }
        assert_int_equal(c.listen_count, 1);
        assert_string_equal(c.listen[0], urls[i].url);
    }
}

static const struct {
    const char *text;
    const char *prefix; /* of the last listener */
    enum entrance_choice choice;
    const char *suffix; /* NULL: the standard one */
} entrances[] = {
    {"listen 127.0.0.1", "$r", ENTRANCE_AS_SET, NULL},
    {"listener 1884", "$r", ENTRANCE_AS_SET, NULL},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r", "$r", ENTRANCE_AS_SET, NULL},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r/%u/%c", "$r/%u/%c", ENTRANCE_AS_SET, NULL},
    {"listener 1884\nlistener_inbox_prefix $r/a b", "$r/a b", ENTRANCE_AS_SET, NULL},
    {"listener 1884\nshards 2\nlistener_inbox_prefix $r/${PORT}", "$r/1900", ENTRANCE_AS_SET, NULL},
    {"listen 127.0.0.1\nlistener_no_matching_subscribers true", "$r", ENTRANCE_YES, NULL},
    {"listener 1884\nlistener_no_matching_subscribers false", "$r", ENTRANCE_NO, NULL},
    {"no_matching_subscribers 0\nlistener 1884", "$r", ENTRANCE_AS_SET, NULL},
    {"listener 1884\nlistener_v3_response_suffix /re", "$r", ENTRANCE_AS_SET, "/re"},
    {"listener 1884\nlistener_v3_response_suffix off", "$r", ENTRANCE_AS_SET, ""},
    {"listener 1\nlistener_inbox_prefix $r/1\nlistener_no_matching_subscribers false\n"
     "listen 127.0.0.1",
     "$r", ENTRANCE_AS_SET, NULL},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r/1\nlistener_no_matching_subscribers false\n"
     "listener 2\nlistener_no_matching_subscribers true\nlistener_inbox_prefix $r/2",
     "$r/2", ENTRANCE_YES, NULL},
};

static void
listeners_have_settings_of_their_own(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(entrances) / sizeof(entrances[0]); i++) {
        const struct entrance *last = NULL;

        read_text(&c, &p, entrances[i].text);
        if (p.count > 0) {
            fail_msg("%s: %s", entrances[i].text, p.lines[0]);
        }
        last = &c.entrances[c.listen_count - 1];
        assert_string_equal(last->inbox_prefix, entrances[i].prefix);
        assert_int_equal(last->no_matching_subscribers, entrances[i].choice);
        assert_string_equal(last->v3_response_suffix,
                            entrances[i].suffix == NULL ? "/response" : entrances[i].suffix);
    }
    assert_int_equal(c.listen_count, 2); /* of the last row: the first of them has its own */
    assert_string_equal(c.entrances[0].inbox_prefix, "$r/1");
    assert_int_equal(c.entrances[0].no_matching_subscribers, ENTRANCE_NO);
}

static const struct {
    const char *text;
    const char *origins; /* all of the last listener */
    bool is_websocket;
    unsigned proxy_versions;
    size_t proxies;
} transports[] = {
    {"listener 1884", "", false, 0, 0},
    {"listener 1884\nprotocol mqtt", "", false, 0, 0},
    {"listener 8080\nprotocol websockets", "", true, 0, 0},
    {"listener 8080\nprotocol websockets\nlistener 1884", "", false, 0, 0},
    {"listen ws://127.0.0.1/mqtt\nwebsockets_origin https://a.example\n"
     "websockets_origin http://b.example:8080",
     "https://a.example http://b.example:8080", false, 0, 0},
    {"listen ws://127.0.0.1\nwebsockets_origin https://a.example\nlisten ws://127.0.0.1:1", "",
     false, 0, 0},
    {"listener 1884\nenable_proxy_protocol 1", "", false, 1, 0},
    {"listener 1884\nenable_proxy_protocol 2\nproxy_protocol_from 10.0.0.0/8\n"
     "proxy_protocol_from ::1",
     "", false, 2, 2},
    {"listener 1884\nenable_proxy_protocol any", "", false, 3, 0},
    {"listener 1884\nenable_proxy_protocol off", "", false, 0, 0},
};

static void
listeners_have_transports_of_their_own(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
        const struct transport_options *last = NULL;

        read_text(&c, &p, transports[i].text);
        assert_int_equal(p.count, 0);
        last = &c.transports[c.listen_count - 1];
        assert_int_equal(last->is_websocket, transports[i].is_websocket);
        assert_string_equal(last->websocket_origins, transports[i].origins);
        assert_int_equal(last->proxies.versions, transports[i].proxy_versions);
        assert_int_equal(last->proxies.count, transports[i].proxies);
    }
}

/* What says who a client is, beside passwords. */
static void
credentials_are_taken(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    read_text(&c, &p,
              "scram_file /etc/scram\njwt_key_file /etc/a.pem\njwt_key_id 2026\n"
              "jwt_secret_file /etc/b\njwt_issuer me\njwt_audience us\njwt_user_claim upn\n"
              "listener 1\nuse_identity_as_username true\nlistener 2\ncertificate_user san\n"
              "listener 3\nuse_identity_as_username false\n");
    assert_int_equal(p.count, 0);
    assert_string_equal(c.scram_file, "/etc/scram");
    assert_int_equal(c.tokens.file_count, 2);
    assert_string_equal(c.tokens.files[0].path, "/etc/a.pem");
    assert_string_equal(c.tokens.files[0].id, "2026");
    assert_false(c.tokens.files[0].is_secret);
    assert_string_equal(c.tokens.files[1].path, "/etc/b");
    assert_string_equal(c.tokens.files[1].id, "");
    assert_true(c.tokens.files[1].is_secret);
    assert_string_equal(c.tokens.issuer, "me");
    assert_string_equal(c.tokens.audience, "us");
    assert_string_equal(c.tokens.user_claim, "upn");
    for (size_t i = 0; i < 3; i++) {
        static const enum tls_user users[] = {TLS_USER_CN, TLS_USER_SAN, TLS_USER_NONE};

        assert_int_equal(c.transports[i].tls.user_from, users[i]);
        assert_int_equal(c.entrances[i].user_is_certified, users[i] != TLS_USER_NONE);
    }
}

/* JWT_KEYS_MAX, JWT_KEY_ID_BYTES_MAX, TOKENS_TEXT_BYTES_MAX, TOKENS_PATH_BYTES_MAX */
static void
credentials_have_bounds(void **state)
{
    static char text[8000];
    static struct config c;
    static struct problems p;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i <= JWT_KEYS_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "jwt_key_file /%u\n", i);
    }
    read_text(&c, &p, text);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.lines[0], "f:17: jwt_key_file: there are 16 keys at most");
    (void)snprintf(text, sizeof(text),
                   "jwt_key_id early\njwt_key_file /a\njwt_key_id %0129d\njwt_key_id a\n"
                   "jwt_key_id b\njwt_issuer %0256d\njwt_key_file /%0511d\nscram_file /%0511d\n",
                   1, 1, 1, 1);
    read_text(&c, &p, text);
    assert_int_equal(p.count, 6);
    assert_string_equal(p.lines[0], "f:1: jwt_key_id: it belongs below the jwt_key_file or "
                                    "jwt_secret_file it is about");
    assert_string_equal(p.lines[1], "f:3: jwt_key_id: it is longer than 128 bytes");
    assert_string_equal(p.lines[2], "f:5: jwt_key_id: it belongs below the jwt_key_file or "
                                    "jwt_secret_file it is about");
    assert_string_equal(p.lines[3], "f:6: jwt_issuer: it is longer than 255 bytes");
    assert_string_equal(p.lines[4], "f:7: jwt_key_file: the path is longer than 511 bytes");
    assert_string_equal(p.lines[5], "f:8: scram_file: the path is longer than 511 bytes");
}

/* UPGRADE_ORIGINS_BYTES, TRANSPORT_PROXIES_MAX */
static void
origins_and_proxies_have_bounds(void **state)
{
    static char text[4000];
    static struct config c;
    static struct problems p;

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "listener 1\nwebsockets_origin https://%0*d\nwebsockets_origin "
                   "https://%0*d",
                   500, 1, 506, 1);
    read_text(&c, &p, text);
    assert_int_equal(p.count, 0);
    assert_int_equal(strlen(c.transports[0].websocket_origins), UPGRADE_ORIGINS_BYTES - 1);
    (void)snprintf(text, sizeof(text),
                   "listener 1\nwebsockets_origin https://%0*d\nwebsockets_origin "
                   "https://%0*d",
                   500, 1, 507, 1);
    read_text(&c, &p, text);
    assert_int_equal(p.count, 1);
    assert_non_null(strstr(p.lines[0], "have 1023 bytes at most"));
    (void)snprintf(text, sizeof(text), "listener 1\n");
    for (unsigned i = 0; i <= TRANSPORT_PROXIES_MAX; i++) {
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                       "proxy_protocol_from 10.0.0.%u\n", i);
    }
    read_text(&c, &p, text);
    assert_int_equal(p.count, 1);
    assert_non_null(strstr(p.lines[0], "f:18: proxy_protocol_from: a listener believes"));
    assert_int_equal(c.transports[0].proxies.count, TRANSPORT_PROXIES_MAX);
}

static const struct {
    const char *text;
    const char *user;
    bool has_sandbox;
    bool core_dumps;
} processes[] = {
    {"shards 2", "", true, false},
    {"user mosquitto", "mosquitto", true, false},
    {"user root\nsandbox false\ncore_dumps true", "root", false, true},
    {"sandbox true\ncore_dumps false", "", true, false},
};

static void
says_what_the_process_may_do(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
        read_text(&c, &p, processes[i].text);
        assert_int_equal(p.count, 0);
        assert_string_equal(c.user, processes[i].user);
        assert_int_equal(c.has_sandbox, processes[i].has_sandbox);
        assert_int_equal(c.core_dumps, processes[i].core_dumps);
    }
}

static void
include_nothing(struct config_reader *r, const char *folder)
{
    (void)r;
    (void)folder;
}

static void
an_access_list_is_taken(void **state)
{
    static struct config c;
    static struct problems p;
    char text[CONFIG_PATH_BYTES + 16];

    (void)state;
    read_text(&c, &p, "acl_file /etc/wilco/acl\n");
    assert_int_equal(p.count, 0);
    assert_string_equal(c.acl_file, "/etc/wilco/acl");
    assert_string_equal(config_next_file(&c, NULL), "/etc/wilco/acl");
    (void)snprintf(text, sizeof(text), "acl_file /%0*d\n", (int)CONFIG_PATH_BYTES - 2, 0);
    read_text(&c, &p, text);
    assert_int_equal(p.count, 0);
    (void)snprintf(text, sizeof(text), "acl_file /%0*d\n", (int)CONFIG_PATH_BYTES - 1, 0);
    read_text(&c, &p, text);
    assert_string_equal(p.lines[0], "f:1: acl_file: the path is longer than 511 bytes");
    assert_string_equal(c.acl_file, "");
}

static void
passwords_are_taken(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    read_text(&c, &p,
              "password_file /etc/wilco/passwords\nlisten mqtt://127.0.0.1:0\n"
              "listener_allow_anonymous true\nlisten mqtt://127.0.0.1:0\n"
              "listener_password_file /own\nlistener_allow_anonymous false\n");
    assert_int_equal(p.count, 0);
    assert_int_equal(c.allow_anonymous, ENTRANCE_AS_SET);
    assert_string_equal(c.password_file, "/etc/wilco/passwords");
    assert_int_equal(c.entrances[0].allow_anonymous, ENTRANCE_YES);
    assert_string_equal(c.entrances[0].password_file, "");
    assert_int_equal(c.entrances[1].allow_anonymous, ENTRANCE_NO);
    assert_string_equal(c.entrances[1].password_file, "/own");
    assert_string_equal(config_next_file(&c, NULL), "/etc/wilco/passwords");
}

/* For the sandbox: what is read again. */
static void
remembers_files(void **state)
{
    static struct config c;
    static struct problems p;
    const struct config_environment environment = {.get = get};
    struct config_reader r = {
        .config = &c, .problems = &p, .environment = &environment, .include = include_nothing};
    char text[1200] = "";
    size_t n = 0;
    const char *file = NULL;

    (void)state;
    config_init(&c);
    assert_null(config_next_file(&c, NULL));
    reader_read(&r, "f", SPAN_LITERAL("include_dir /a\nshards 2\ninclude_dir /b b\n"));
    assert_int_equal(p.count, 0);
    file = config_next_file(&c, NULL);
    assert_string_equal(file, "/a");
    file = config_next_file(&c, file);
    assert_string_equal(file, "/b b");
    assert_null(config_next_file(&c, file));

    n = (size_t)snprintf(text, sizeof(text), "include_dir /%0800d", 0);
    for (int i = 0; i < 10; i++) {
        reader_read(&r, "f", span_of(text, n));
    }
    assert_int_equal(p.count, 0);
    reader_read(&r, "f", span_of(text, n));
    assert_int_equal(p.count, 1);
    assert_non_null(strstr(p.lines[0], "f:1: include_dir: too many files are named"));
}

/* In mosquitto's words it is the certificate that says that there is TLS; in a URL it is the
 * scheme. */
static void
tls_belongs_to_a_listener(void **state)
{
    static struct config c;
    static struct problems p;
    const struct tls_server_options *tls = &c.transports[1].tls;

    (void)state;
    read_text(&c, &p,
              "listen mqtts://127.0.0.1\ncertfile a.pem\nkeyfile a.key\n"
              "listener 8883\ncertfile b.pem\nkeyfile b.key\ncertfile c.pem\nkeyfile c.key\n"
              "cafile ca.pem\ncapath cas\ncrlfile ca.crl\nrequire_certificate true\n"
              "tls_version tlsv1.3\nciphers HIGH\nciphers_tls1.3 TLS_AES_128_GCM_SHA256\n"
              "listener 1883\n");
    assert_int_equal(p.count, 0);
    assert_false(c.transports[0].is_tls); /* its URL says it */
    assert_true(c.transports[1].is_tls);
    assert_false(c.transports[2].is_tls);
    assert_int_equal(tls->certfile_count, 2);
    assert_int_equal(tls->keyfile_count, 2);
    assert_string_equal(tls->certfile[0], "b.pem");
    assert_string_equal(tls->keyfile[1], "c.key");
    assert_string_equal(tls->cafile, "ca.pem");
    assert_string_equal(tls->capath, "cas");
    assert_string_equal(tls->crlfile, "ca.crl");
    assert_string_equal(tls->ciphers, "HIGH");
    assert_string_equal(tls->ciphers_tls13, "TLS_AES_128_GCM_SHA256");
    assert_int_equal(tls->versions, TLS_13_ONLY);
    assert_true(tls->requires_certificate);
    assert_string_equal(config_next_file(&c, NULL), "a.pem"); /* read again, so kept in reach */
}

static const struct {
    const char *text;
    const char *problem;
} bad[] = {
    {"user 0123456789012345678901234567890123456789012345678901234567890123",
     "f:1: user: the name is longer than 63 bytes"},
    {"sandbox on", "f:1: sandbox: \"on\" is neither true nor false"},
    {"core_dumps 1", "f:1: core_dumps: \"1\" is neither true nor false"},
    {"shards", "f:1: shards: the value is missing"},
    {"shards ${EMPTY}", "f:1: shards: the value is missing"},
    {"shards ${UNSET}", "f:1: shards: this environment variable is not set: UNSET"},
    {"\n#\nshards 0", "f:3: shards: \"0\" is neither a number from 1 to 64 nor auto"},
    {"certfile c", "f:1: certfile: no listen or listener line of this file stands above it"},
    {"listen 127.0.0.1\ntls_version tlsv1.1",
     "f:2: tls_version: \"tlsv1.1\" is neither tlsv1.2 nor tlsv1.3"},
    {"listen 127.0.0.1\nrequire_certificate yes",
     "f:2: require_certificate: \"yes\" is neither true nor false"},
    {"listen 127.0.0.1\ncertfile 1\ncertfile 2\ncertfile 3\ncertfile 4\ncertfile 5",
     "f:6: certfile: a listener has 4 certificates at most"},
    {"listen 127.0.0.1\ncafile a\ncafile b", "f:3: cafile: line 2 says this already"},
    {"shards 65", "f:1: shards: \"65\" is neither a number from 1 to 64 nor auto"},
    {"shards 4294967297", "f:1: shards: \"4294967297\" is neither a number from 1 to 64 nor auto"},
    {"shards -1", "f:1: shards: \"-1\" is neither a number from 1 to 64 nor auto"},
    {"shards 2 # two", "f:1: shards: \"2 # two\" is neither a number from 1 to 64 nor auto"},
    {"store tape", "f:1: store: there is no store called \"tape\": the only one is memory"},
    {"log_level loud", "f:1: log_level: \"loud\" is not error, warning, info or debug"},
    {"log_type none",
     "f:1: log_type: \"none\" is not error, warning, notice, information, debug or all"},
    {"allow_anonymous yes", "f:1: allow_anonymous: \"yes\" is neither true nor false"},
    {"include_dir /tmp",
     "f:1: include_dir: only the file that is named on the command line can include others"},
    {"listener x", "f:1: listener: \"x\" is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket"},
    {"listener 1883x",
     "f:1: listener: \"1883x\" is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket"},
    {"listener 123456",
     "f:1: listener: \"123456\" is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket"},
    {"listener 1 /run/s",
     "f:1: listener: \"1 /run/s\" is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket"},
    {"packet_bytes_max 63",
     "f:1: packet_bytes_max: \"63\" is not a whole number from 64 to 268435460, which may be "
     "followed by one of KiB, MiB, GiB"},
    {"packet_bytes_max 64k",
     "f:1: packet_bytes_max: \"64k\" is not a whole number from 64 to 268435460, which may be "
     "followed by one of KiB, MiB, GiB"},
    {"inflight_max 0", "f:1: inflight_max: \"0\" is not a whole number from 1 to 65535"},
    {"inflight_max 99999999999999999999999",
     "f:1: inflight_max: \"99999999999999999999999\" is not a whole number from 1 to 65535"},
    {"max_topic_alias 65536",
     "f:1: max_topic_alias: \"65536\" is not a whole number from 0 to 65535"},
    {"inflight_max true", "f:1: inflight_max: \"true\" is not a whole number from 1 to 65535"},
    {"persistent_client_expiration 7",
     "f:1: persistent_client_expiration: \"7\" is not a number with h, d, w, m or y behind it "
     "(hours, days, weeks, months, years)"},
    {"persistent_client_expiration 999y",
     "f:1: persistent_client_expiration: \"999y\" is not a number with h, d, w, m or y behind it "
     "(hours, days, weeks, months, years)"},
    {"persistent_client_expiration 0d",
     "f:1: persistent_client_expiration: \"0d\" is not a number with h, d, w, m or y behind it "
     "(hours, days, weeks, months, years)"},
    {"persistence true", "f:1: persistence: \"true\" is not supported, only false is"},
    {"use_username_as_clientid true",
     "f:1: use_username_as_clientid: known from mosquitto, but there is nothing like it here"},
    {"plugin_opt_x 1", "f:1: plugin_opt_x: known from mosquitto, but there are no plugins"},
    {"tls_\x1b[2J 1", "f:1: tls_?[2J: known from mosquitto, but keys are in files, not in engines"},
    {"bridge_cafile 1", "f:1: bridge_cafile: known from mosquitto, but there are no bridges"},
    {"port 1883", "f:1: port: known from mosquitto, but write listener PORT instead"},
    {"listeer 1883", "f:1: unknown name \"listeer\"; did you mean listener?"},
    {"max_packet_sise 1", "f:1: unknown name \"max_packet_sise\"; did you mean max_packet_size?"},
    {"recieve_maximum 1", "f:1: unknown name \"recieve_maximum\"; did you mean receive_maximum?"},
    {"xyzzy 1", "f:1: unknown name \"xyzzy\"; wilco broker --print-config lists all"},
    {"shards=2",
     "f:1: unknown name \"shards=2\"; a line is a name, a space and a value, without ="},
    {"SHARDS 2", "f:1: unknown name \"SHARDS\"; wilco broker --print-config lists all"},
    {"\xff\x1b[2J 1", "f:1: unknown name \"\\xff\\x1b[2J\"; wilco broker --print-config lists all"},
    {"shards 2\nshards 2", "f:2: shards: line 1 says this already"},
    {"packet_bytes_max 99\nmax_packet_size 99", "f:2: max_packet_size: line 1 says this already"},
    {"protocol mqtt", "f:1: protocol: no listen or listener line of this file stands above it"},
    {"listener 1\nprotocol http", "f:2: protocol: \"http\" is neither mqtt nor websockets"},
    {"listener 1\nwebsockets_origin a.example",
     "f:2: websockets_origin: \"a.example\" is no origin, as https://example.com or "
     "http://host:8080 are"},
    {"listener 1\nwebsockets_origin https://a.example/",
     "f:2: websockets_origin: \"https://a.example/\" is no origin, as https://example.com or "
     "http://host:8080 are"},
    {"listener 1\nwebsockets_origin https://a https://b",
     "f:2: websockets_origin: \"https://a https://b\" is no origin, as https://example.com or "
     "http://host:8080 are"},
    {"listener 1\nenable_proxy_protocol 3",
     "f:2: enable_proxy_protocol: \"3\" is not off, 1, 2 or any"},
    {"listener 1\nproxy_protocol_from example.com",
     "f:2: proxy_protocol_from: \"example.com\" is no address, and no network as 10.0.0.0/8 is "
     "one"},
    {"listener_inbox_prefix $r/a\nlistener 1",
     "f:1: listener_inbox_prefix: no listen or listener line of this file stands above it"},
    {"listener_no_matching_subscribers true",
     "f:1: listener_no_matching_subscribers: no listen or listener line of this file stands above "
     "it"},
    {"listener 1\nlistener_inbox_prefix", "f:2: listener_inbox_prefix: the value is missing"},
    {"listener 1\nlistener_inbox_prefix r/a",
     "f:2: listener_inbox_prefix: \"r/a\": it is neither $r nor begins with $r/"},
    {"listener 1\nlistener_inbox_prefix $r/%i",
     "f:2: listener_inbox_prefix: \"$r/%i\": behind % stands c (the Client Identifier) or u (the "
     "user name)"},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r/+",
     "f:2: listener_inbox_prefix: \"$r/+\": it must not contain + or #"},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r/\xff",
     "f:2: listener_inbox_prefix: \"$r/\\xff\": it is not UTF-8 without a zero byte"},
    {"listener 1\nlistener_no_matching_subscribers 1",
     "f:2: listener_no_matching_subscribers: \"1\" is neither true nor false"},
    {"listen 127.0.0.1\nlistener_inbox_prefix $r/a\nlistener_inbox_prefix $r/a",
     "f:3: listener_inbox_prefix: line 2 says this already"},
    {"listener 1\nlistener_no_matching_subscribers true\nlistener_inbox_prefix $r\n"
     "listener_no_matching_subscribers true",
     "f:4: listener_no_matching_subscribers: line 2 says this already"},
    {"listener 1\nlistener_inbox_prefix $r/1\nlistener 2\nlistener_inbox_prefix $r/2\n"
     "listener_inbox_prefix $r/3",
     "f:5: listener_inbox_prefix: line 4 says this already"},
    {"listener_inbox_prefx $r",
     "f:1: unknown name \"listener_inbox_prefx\"; did you mean listener_inbox_prefix?"},
    /* What is said about a wrong listener is neither misplaced nor about another one. */
    {"listener x\nlistener_inbox_prefix $r/a",
     "f:1: listener: \"x\" is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket"},
    {"listener 1\nlistener_inbox_prefix $r/1\nlisten\nlistener_inbox_prefix $r/2",
     "f:3: listen: the value is missing"},
    {"listener ${UNSET}\nlistener_no_matching_subscribers false",
     "f:1: listener: this environment variable is not set: UNSET"},
};

static void
every_problem_names_its_line(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        read_text(&c, &p, bad[i].text);
        assert_int_equal(p.count, 1);
        assert_string_equal(p.lines[0], bad[i].problem);
    }
}

static void
what_a_wrong_line_says_goes_nowhere(void **state)
{
    static struct config c;
    static struct problems p;

    (void)state;
    read_text(&c, &p,
              "listen 127.0.0.1\nlistener_inbox_prefix $r/+\nlisten x y\n"
              "listener_inbox_prefix $r/a\nlistener_no_matching_subscribers false");
    assert_int_equal(p.count, 2);
    assert_int_equal(c.listen_count, 1);
    assert_true(entrance_equal(&c.entrances[0], &entrance_standard));
}

static void
all_problems_are_told_and_counted(void **state)
{
    static struct config c;
    static struct problems p;
    char text[PROBLEMS_MAX * 16] = "";
    size_t n = 0;

    (void)state;
    read_text(&c, &p, "shards 0\nstore memory\nlisten x y\nshards 3");
    assert_int_equal(p.count, 3);
    assert_int_equal(problems_kept(&p), 3);
    assert_memory_equal(p.lines[1], "f:3: ", 5);
    for (size_t i = 0; i < PROBLEMS_MAX + 5; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "log_level x\n");
    }
    read_text(&c, &p, text);
    assert_int_equal(p.count, PROBLEMS_MAX + 5);
    assert_int_equal(problems_kept(&p), PROBLEMS_MAX);
}

static void
listeners_are_bounded(void **state)
{
    static struct config c;
    static struct problems p;
    char text[2048] = "";
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i <= LISTENERS_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "listen mqtt://127.0.0.1:%zu\n", i);
    }
    read_text(&c, &p, text);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.lines[0], "f:33: listen: a broker listens on 32 addresses at most");
    assert_int_equal(c.listen_count, LISTENERS_MAX);
}

static bool
ends_in(const char *name, const char *end)
{
    size_t len = strlen(name);

    return len >= strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

/* What is in the tables can be used: each name is found as itself, once, and sets what there is. */
static void
check_table(const struct directive *table)
{
    for (const struct directive *d = table; d->name != NULL; d++) {
        struct directive found = {.name = NULL};
        size_t settings = 0;

        assert_true(strlen(d->name) < READER_NAME_BYTES);
        assert_true(directive_find(span_of_text(d->name), &found));
        assert_string_equal(found.name, d->name);
        for (size_t i = 0; d->sets != NULL && settings_row(i).name != NULL; i++) {
            settings += strcmp(settings_row(i).name, d->sets) == 0;
        }
        assert_int_equal(settings, d->sets != NULL);
        assert_true(d->standard == NULL || d->what != NULL);
        if ((ends_in(d->name, "file") || ends_in(d->name, "path")) && !directive_is_refused(d) &&
            !d->is_path) {
            fail_msg("%s names a file: without is_path the sandbox does not let it be read again",
                     d->name);
        }
    }
}

static void
tables_are_sound(void **state)
{
    struct directive found = {.name = NULL};

    (void)state;
    check_table(access_directives);
    check_table(credential_directives);
    check_table(general_directives);
    check_table(listening_directives);
    check_table(secure_directives);
    check_table(logging_directives);
    check_table(process_directives);
    check_table(limit_directives);
    check_table(foreign_directives);
    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        assert_true(directive_find(span_of_text(settings_row(i).name), &found));
        assert_string_equal(found.sets, settings_row(i).name);
        assert_ptr_equal(found.name, settings_row(i).name); /* no other row has taken it */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_directive_is_taken),
        cmocka_unit_test(listeners_become_urls),
        cmocka_unit_test(listeners_have_settings_of_their_own),
        cmocka_unit_test(tls_belongs_to_a_listener),
        cmocka_unit_test(listeners_have_transports_of_their_own),
        cmocka_unit_test(origins_and_proxies_have_bounds),
        cmocka_unit_test(credentials_are_taken),
        cmocka_unit_test(credentials_have_bounds),
        cmocka_unit_test(what_a_wrong_line_says_goes_nowhere),
        cmocka_unit_test(every_problem_names_its_line),
        cmocka_unit_test(all_problems_are_told_and_counted),
        cmocka_unit_test(listeners_are_bounded),
        cmocka_unit_test(says_what_the_process_may_do),
        cmocka_unit_test(passwords_are_taken),
        cmocka_unit_test(an_access_list_is_taken),
        cmocka_unit_test(remembers_files),
        cmocka_unit_test(tables_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
