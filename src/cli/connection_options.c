#define _POSIX_C_SOURCE 200809L

#include "cli/connection.h"

#include "cli/arguments.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/payload.h"
#include "cli/say.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 1883U
#define TLS_PORT     8883U

static const char *
take_session_expiry(void *field, struct option_input *in)
{
    struct option_number *out = field;
    const char *word = option_take(in);
    char *end = NULL;
    uint32_t ms = 0;

    if (word == NULL || *word == '\0') {
        return "an argument";
    }
    out->is_set = true;
    if (strcmp(word, "never") == 0 || strcmp(word, "-1") == 0) {
        out->value = UINT32_MAX;
        return NULL;
    }
    if (strspn(word, "0123456789") == strlen(word) && strlen(word) <= 10) {
        unsigned long long seconds = strtoull(word, &end, 10);

        out->value = (unsigned)seconds;
        return seconds <= UINT32_MAX ? NULL : "a number up to 4294967295";
    }
    out->value = duration_parse(word, &ms) ? ms / 1000 : 0;
    return out->value > 0 ? NULL : "seconds, a duration such as 5m, or never";
}

#define FIELD(name) offsetof(struct connection_options, name)
const struct option connection_server_rows[] = {
    {"url", 'L', "URL",
     "mqtt://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], mqtts://\n"
     "(TLS), ws://HOST[:PORT][/PATH] (WebSocket), wss://,\n"
     "or unix:/PATH (default WILCO_URL, mqtt://127.0.0.1:1883)",
     option_text, FIELD(url)},
    {"host", 'h', "HOST", "instead of --url: name or address", option_text, FIELD(host)},
    {"port", 'p', "PORT", "its port (default 1883, with TLS 8883)", option_u16, FIELD(port)},
    {"unix", 0, "PATH", "instead of --url: a Unix socket", option_text, FIELD(unix_path)},
    {"username", 'u', "NAME", "default: MQTT_USERNAME", option_text, FIELD(username)},
    {"password", 'P', "PASSWORD",
     "seen by everybody on this machine; better is\n"
     "MQTT_PASSWORD in the environment, or:",
     option_text, FIELD(password)},
    {"password-file", 0, "FILE", "its first line is the password", option_text,
     FIELD(password_file)},
    {"password-fd", 0, "NUMBER", "the same from an open descriptor", option_u16,
     FIELD(password_fd)},
    {"auth-method", 0, "METHOD",
     "SCRAM-SHA-256: the password is proved, not sent,\n"
     "and the server has to prove that it knows it, too",
     option_text, FIELD(auth_method)},
    {"cafile", 0, "FILE",
     "whose certificates to trust with mqtts:// and wss://\n"
     "(default WILCO_CAFILE, those whom the system trusts);\n"
     "with --host: says that there is TLS",
     option_text, FIELD(cafile)},
    {"capath", 0, "PATH", "the same as a folder of files", option_text, FIELD(capath)},
    {"cert", 0, "FILE", "our certificate (default WILCO_CERT)", option_text, FIELD(cert)},
    {"key", 0, "FILE", "its key (default WILCO_KEY)", option_text, FIELD(key)},
    {"crl", 0, "FILE", "servers' certificates that are revoked", option_text, FIELD(crl)},
    {"insecure", 0, NULL, "take any certificate, of anybody", option_flag, FIELD(insecure)},
    {.name = NULL},
};

const struct option connection_rows[] = {
    {"id", 'i', "ID", "client identifier (default: the server's choice)", option_text, FIELD(id)},
    {"keep-alive", 'k', "SECONDS", "default 60; 0: off", option_u16, FIELD(keep_alive_s)},
    {"connect-timeout", 0, "DURATION", "default 10s", option_duration_ms,
     FIELD(connect_timeout_ms)},
    {"keep-session", 'c', NULL, "go on with the session of this --id", option_flag,
     FIELD(keep_session)},
    {"session-expiry", 'x', "SECONDS",
     "how long the server keeps the session afterwards;\n"
     "also 5m, never (default 0; never with --keep-session)",
     take_session_expiry, FIELD(session_expiry_s)},
    {"no-reconnect", 0, NULL,
     "end with code 2 when the connection is lost\n(as request and pub do)", option_flag,
     FIELD(no_reconnect)},
    {"will-topic", 0, "TOPIC", "where the server says that we are gone", option_text,
     FIELD(will_topic)},
    {"will-payload", 0, "PAYLOAD", "what it says", option_text, FIELD(will_payload)},
    {"will-qos", 0, "0|1|2", "default 0", option_qos, FIELD(will_qos)},
    {"will-retain", 0, NULL, "and keeps for later subscribers", option_flag, FIELD(will_retain)},
    {"mqtt-version", 'V', "5|mqttv5", "there is no other", option_text, FIELD(version)},
    {"debug", 'd', NULL, "say what is done, step by step", option_flag, FIELD(debug)},
    {"quiet", 0, NULL, "say nothing, fail by exit code alone", option_flag, FIELD(quiet)},
    {.name = NULL},
};

const struct manual_variable connection_variables[] = {
    {"WILCO_URL", "the server, where no option says which"},
    {"MQTT_USERNAME", "the user name, where neither an option nor the URL says it"},
    {"MQTT_PASSWORD", "likewise the password, which nobody else on the machine sees here"},
    {"WILCO_CAFILE", "whom to trust, for connections with TLS, where no option says it"},
    {"WILCO_CERT", "likewise our certificate"},
    {"WILCO_KEY", "and its key"},
    {.name = NULL},
};

/* The environment is read before there is a second thread. */
static const char *
environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe) */

    return value == NULL || *value == '\0' ? NULL : value;
}

/* Behind "scheme://"; NULL for a URL of another kind, such as unix:/path. */
static const char *
authority_of(const char *url)
{
    const char *at = strstr(url, "://");

    return at == NULL || strncmp(url, "unix:", 5) == 0 ? NULL : at + 3;
}

/* Whose path is the server's affair. */
static bool
is_websocket(const char *url)
{
    return strncasecmp(url, "ws://", 5) == 0 || strncasecmp(url, "wss://", 6) == 0;
}

/* mosquitto's habit: what stands behind the port is the topic. */
static void
split_topic(struct connection_options *o)
{
    const char *authority = is_websocket(o->address) ? NULL : authority_of(o->address);
    size_t len = authority == NULL ? 0 : strcspn(authority, "/");

    if (authority != NULL && authority[len] == '/') {
        if (authority[len + 1] != '\0') {
            o->topic = memory_text("%s", authority + len + 1);
        }
        o->address[authority + len - o->address] = '\0';
    }
}

/* mosquitto's habit: without a URL, it is these that say that there is TLS. */
static bool
wants_tls(const struct connection_options *o)
{
    return o->cafile != NULL || o->capath != NULL || o->cert != NULL || o->key != NULL ||
           o->crl != NULL || o->insecure;
}

static void
address_of_host(struct connection_options *o)
{
    const char *host = o->host == NULL ? DEFAULT_HOST : o->host;
    const char *open = strchr(host, ':') != NULL && *host != '[' ? "[" : "";
    bool has_tls = wants_tls(o);
    unsigned port = has_tls ? TLS_PORT : DEFAULT_PORT;

    o->address = memory_text("%s://%s%s%s:%u", has_tls ? "mqtts" : "mqtt", open, host,
                             *open ? "]" : "", o->port.is_set ? o->port.value : port);
}

/* What the environment says of TLS is for connections that have it. */
static void
choose_certificates(struct connection_options *o)
{
    bool has_tls = strncmp(o->address, "mqtts://", 8) == 0 || strncmp(o->address, "wss://", 6) == 0;

    if (has_tls && o->cafile == NULL && o->capath == NULL) {
        o->cafile = environment("WILCO_CAFILE");
    }
    if (has_tls && o->cert == NULL && o->key == NULL) {
        o->cert = environment("WILCO_CERT");
        o->key = environment("WILCO_KEY");
    }
}

static int
choose_address(struct connection_options *o)
{
    bool by_host = o->host != NULL || o->port.is_set;
    const char *url = o->url != NULL ? o->url : environment("WILCO_URL");

    if ((o->url != NULL) + by_host + (o->unix_path != NULL) > 1) {
        return options_wrong("only one of --url, --host with --port, and --unix");
    }
    if (o->unix_path != NULL) {
        o->address = memory_text("unix:%s", o->unix_path);
    } else if (by_host) {
        address_of_host(o);
    } else {
        o->address = url != NULL ? memory_text("%s", url)
                                 : memory_text("mqtt://%s:%u", DEFAULT_HOST, DEFAULT_PORT);
        split_topic(o);
    }
    choose_certificates(o);
    return EXIT_CODE_OK;
}

static int
read_secret(struct connection_options *o)
{
    const char *name = o->password_file != NULL ? o->password_file : "the password's descriptor";
    FILE *in;
    ssize_t len;
    size_t capacity = 0;

    errno = 0;
    in = o->password_file != NULL ? fopen(o->password_file, "r")
                                  : fdopen((int)o->password_fd.value, "r");
    len = in == NULL ? -1 : getline(&o->secret, &capacity, in);
    if (in == NULL || (len < 0 && ferror(in))) {
        say("cannot read %s: %s", name, say_errno(errno).text);
        if (in != NULL) {
            (void)fclose(in);
        }
        return EXIT_CODE_USAGE;
    }
    (void)fclose(in);
    o->secret_len = len < 0 ? 0 : strcspn(o->secret, "\r\n");
    return EXIT_CODE_OK;
}

/* "mqtt://USER:PASSWORD@HOST", whose copy is used from now on. */
static void
hide_url_password(const char *url)
{
    const char *authority = url == NULL ? NULL : authority_of(url);
    const char *end = authority == NULL ? NULL : strchr(authority, '@');
    const char *colon = end == NULL ? NULL : memchr(authority, ':', (size_t)(end - authority));

    if (colon != NULL) {
        arguments_hide(colon + 1, (size_t)(end - colon) - 1);
    }
}

static int
choose_secret(struct connection_options *o)
{
    const char *authority = authority_of(o->address);
    bool url_names_user = authority != NULL && strchr(authority, '@') != NULL;
    const char *password = o->password;

    if ((o->password != NULL) + (o->password_file != NULL) + o->password_fd.is_set > 1) {
        return options_wrong("the password is given more than once");
    }
    if (o->username == NULL && !url_names_user) {
        o->username = environment("MQTT_USERNAME");
    }
    if (o->password_file != NULL || o->password_fd.is_set) {
        return read_secret(o);
    }
    if (password == NULL && !url_names_user) {
        password = environment("MQTT_PASSWORD");
    }
    if (password != NULL) {
        o->secret = memory_text("%s", password);
        o->secret_len = strlen(password);
    }
    if (o->password != NULL) {
        arguments_hide(o->password, strlen(o->password));
    }
    return EXIT_CODE_OK;
}

static int
check_method(const struct connection_options *o)
{
    if (o->auth_method != NULL && strcmp(o->auth_method, "SCRAM-SHA-256") != 0) {
        return options_wrong("authentication method \"%s\": the only one is SCRAM-SHA-256",
                             o->auth_method);
    }
    return EXIT_CODE_OK;
}

static int
check_session(struct connection_options *o)
{
    if (o->version != NULL && strcmp(o->version, "5") != 0 && strcmp(o->version, "mqttv5") != 0) {
        return options_wrong("MQTT version \"%s\": requests and responses need 5 (mqttv5)",
                             o->version);
    }
    if (o->keep_session && o->id == NULL) {
        return options_wrong("--keep-session needs an --id to find the session again");
    }
    if (o->keep_session && !o->session_expiry_s.is_set) {
        o->session_expiry_s = (struct option_number){.value = UINT32_MAX, .is_set = true};
    }
    if (o->will_topic == NULL &&
        (o->will_payload != NULL || o->will_qos.is_set || o->will_retain)) {
        return options_wrong("a will needs a --will-topic");
    }
    return EXIT_CODE_OK;
}

int
connection_prepare(struct connection_options *o)
{
    int exit_code = check_session(o);

    say_set_level(o->quiet, o->debug);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = check_method(o);
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = choose_address(o);
    }
    if (exit_code == EXIT_CODE_OK) {
        hide_url_password(o->url);
        exit_code = choose_secret(o);
    }
    return exit_code;
}

void
connection_options_fini(struct connection_options *o)
{
    free(o->address);
    free(o->topic);
    free(o->secret);
    *o = (struct connection_options){0};
}
