#include "broker/server/config/directive.h"

#include "net/address.h"
#include "net/proxy_header.h"

#include <stdio.h>

static void
add(struct config_reader *r, const struct directive *d, const char *url)
{
    struct config *c = r->config;
    const char *why = "";
    struct url parsed;

    if (url_parse(&parsed, url, &why) != WILCO_OK) {
        reader_wrong(r, "%s: %s: %s", d->name, LOG_TEXT(span_of_text(url)), why);
    } else if (strlen(url) >= CONFIG_URL_BYTES) {
        reader_wrong(r, "%s: the URL is longer than %u bytes", d->name, CONFIG_URL_BYTES - 1);
    } else if (c->listen_count == LISTENERS_MAX) {
        reader_wrong(r, "%s: a broker listens on %u addresses at most", d->name, LISTENERS_MAX);
    } else {
        r->entrance = &c->entrances[c->listen_count];
        *r->entrance = entrance_standard;
        r->transport = &c->transports[c->listen_count];
        *r->transport = (struct transport_options){.is_websocket = false};
        (void)snprintf(c->listen[c->listen_count++], CONFIG_URL_BYTES, "%s", url);
    }
}

static void
take_listen(struct config_reader *r, const struct directive *d, const char *value)
{
    add(r, d, value);
}

/* "PORT", "PORT ADDRESS" or "0 /PATH", as mosquitto.conf has it. */
static void
take_listener(struct config_reader *r, const struct directive *d, const char *value)
{
    char url[CONFIG_URL_BYTES + 1];
    size_t port_len = strspn(value, "0123456789");
    const char *host = value + port_len + strspn(value + port_len, " \t");
    bool is_path = host[0] == '/';
    bool has_colon = strchr(host, ':') != NULL;

    if (port_len == 0 || port_len > 5 || (host == value + port_len && host[0] != '\0') ||
        (is_path && (port_len > 1 || value[0] != '0'))) {
        reader_wrong(r, "%s: %s is not PORT, PORT ADDRESS, or 0 /PATH for a Unix socket", d->name,
                     LOG_TEXT(span_of_text(value)));
        return;
    }
    if (is_path) {
        (void)snprintf(url, sizeof(url), "unix:%s", host);
    } else {
        (void)snprintf(url, sizeof(url), "mqtt://%s%.400s%s:%.*s", has_colon ? "[" : "",
                       host[0] == '\0' ? "*" : host, has_colon ? "]" : "", (int)port_len, value);
    }
    add(r, d, url);
    r->follows_certificate = !is_path;
}

/* False: it is wrong. */
static bool
parse_switch(struct config_reader *r, const struct directive *d, const char *value, bool *out)
{
    *out = strcmp(value, "true") == 0;
    if (!*out && strcmp(value, "false") != 0) {
        reader_wrong(r, "%s: %s is neither true nor false", d->name, LOG_TEXT(span_of_text(value)));
        return false;
    }
    return true;
}

static void
take_allow_anonymous(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_allowed = false;

    if (parse_switch(r, d, value, &is_allowed)) {
        r->config->allow_anonymous = is_allowed ? ENTRANCE_YES : ENTRANCE_NO;
    }
}

static void
take_listener_allow_anonymous(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_allowed = false;

    if (parse_switch(r, d, value, &is_allowed)) {
        r->entrance->allow_anonymous = is_allowed ? ENTRANCE_YES : ENTRANCE_NO;
    }
}

static void
take_path(struct config_reader *r, const struct directive *d, const char *value,
          char out[ENTRANCE_PATH_BYTES_MAX + 1])
{
    if (strlen(value) > ENTRANCE_PATH_BYTES_MAX) {
        reader_wrong(r, "%s: the path is longer than %u bytes", d->name, ENTRANCE_PATH_BYTES_MAX);
    } else {
        (void)snprintf(out, ENTRANCE_PATH_BYTES_MAX + 1, "%s", value);
    }
}

static void
take_password_file(struct config_reader *r, const struct directive *d, const char *value)
{
    take_path(r, d, value, r->config->password_file);
}

static void
take_listener_password_file(struct config_reader *r, const struct directive *d, const char *value)
{
    take_path(r, d, value, r->entrance->password_file);
}

static void
take_inbox_prefix(struct config_reader *r, const struct directive *d, const char *value)
{
    struct span prefix = span_of_text(value);
    const char *why = NULL;

    if (entrance_set_inbox_prefix(r->entrance, prefix, &why) != WILCO_OK) {
        reader_wrong(r, "%s: %s: %s", d->name, LOG_TEXT(prefix), why);
    }
}

static void
take_v3_response_suffix(struct config_reader *r, const struct directive *d, const char *value)
{
    struct span suffix = span_of_text(value);
    const char *why = NULL;

    if (entrance_set_v3_response_suffix(r->entrance, suffix, &why) != WILCO_OK) {
        reader_wrong(r, "%s: %s: %s", d->name, LOG_TEXT(suffix), why);
    }
}

static void
take_no_matching_subscribers(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_told = false;

    if (parse_switch(r, d, value, &is_told)) {
        r->entrance->no_matching_subscribers = is_told ? ENTRANCE_YES : ENTRANCE_NO;
    }
}

static void
take_protocol(struct config_reader *r, const struct directive *d, const char *value)
{
    r->transport->is_websocket = strcmp(value, "websockets") == 0;
    if (!r->transport->is_websocket && strcmp(value, "mqtt") != 0) {
        reader_wrong(r, "%s: %s is neither mqtt nor websockets", d->name,
                     LOG_TEXT(span_of_text(value)));
    }
}

static void
take_websockets_origin(struct config_reader *r, const struct directive *d, const char *value)
{
    char *origins = r->transport->websocket_origins;
    size_t len = strlen(origins);
    int added = 0;

    if (strstr(value, "://") == NULL || strpbrk(strstr(value, "://") + 3, "/ \t") != NULL) {
        reader_wrong(r, "%s: %s is no origin, as https://example.com or http://host:8080 are",
                     d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    added = snprintf(origins + len, UPGRADE_ORIGINS_BYTES - len, "%s%s", len > 0 ? " " : "", value);
    if ((size_t)added >= UPGRADE_ORIGINS_BYTES - len) {
        origins[len] = '\0';
        reader_wrong(r, "%s: the origins of a listener have %u bytes at most", d->name,
                     UPGRADE_ORIGINS_BYTES - 1);
    }
}

static const struct {
    const char *name;
    unsigned versions;
} proxy_versions[] = {
    {"off", 0},
    {"1", PROXY_V1},
    {"2", PROXY_V2},
    {"any", PROXY_V1 | PROXY_V2},
};
#define PROXY_VERSIONS (sizeof(proxy_versions) / sizeof(proxy_versions[0]))

static void
take_proxy_protocol(struct config_reader *r, const struct directive *d, const char *value)
{
    for (size_t i = 0; i < PROXY_VERSIONS; i++) {
        if (strcmp(value, proxy_versions[i].name) == 0) {
            r->transport->proxies.versions = proxy_versions[i].versions;
            return;
        }
    }
    reader_wrong(r, "%s: %s is not off, 1, 2 or any", d->name, LOG_TEXT(span_of_text(value)));
}

static void
take_proxy_protocol_from(struct config_reader *r, const struct directive *d, const char *value)
{
    struct transport_proxies *p = &r->transport->proxies;
    struct network n;

    if (!network_parse(&n, span_of_text(value))) {
        reader_wrong(r, "%s: %s is no address, and no network as 10.0.0.0/8 is one", d->name,
                     LOG_TEXT(span_of_text(value)));
    } else if (p->count == TRANSPORT_PROXIES_MAX) {
        reader_wrong(r, "%s: a listener believes the proxies of %u networks at most", d->name,
                     TRANSPORT_PROXIES_MAX);
    } else {
        p->from[p->count++] = n;
    }
}

const struct directive listening_directives[] = {
    {.name = "listen",
     .take = take_listen,
     .standard = CONFIG_LISTEN,
     .what = "Where clients connect: mqtt://ADDRESS[:PORT], ws://ADDRESS[:PORT][/PATH], the same "
             "with TLS (mqtts://, wss://) or unix:/PATH, one line for each. The address * is every "
             "address of this machine; port 0 is any that is free.",
     .is_repeatable = true,
     .is_listener = true},
    {.name = "listener",
     .take = take_listener,
     .what = "The same in mosquitto's words: PORT for every address, PORT ADDRESS, or 0 /PATH for "
             "a Unix socket.",
     .is_repeatable = true,
     .is_listener = true},
    {.name = "listener_allow_anonymous",
     .take = take_listener_allow_anonymous,
     .what =
         "true or false, in place of what allow_anonymous says, for clients that connect to the "
         "listen or listener line above. Once for each of these lines.",
     .is_of_listener = true},
    {.name = "listener_inbox_prefix",
     .take = take_inbox_prefix,
     .standard = ENTRANCE_PREFIX,
     .what = "What the Response Information of a client begins with that connects to the listen or "
             "listener line above: $r, or $r/ and further levels, where %c stands for the Client "
             "Identifier and %u for the user name; 64 bytes at most. Once for each of these lines.",
     .is_of_listener = true},
    {.name = "listener_no_matching_subscribers",
     .take = take_no_matching_subscribers,
     .what = "true or false, in place of what no_matching_subscribers says, for publishers that "
             "connect to the listen or listener line above. Once for each of these lines.",
     .is_of_listener = true},
    {.name = "listener_password_file",
     .take = take_listener_password_file,
     .what = "A password file, in place of the one that password_file names, for clients that "
             "connect to the listen or listener line above. Once for each of these lines.",
     .is_of_listener = true,
     .is_path = true},
    {.name = "listener_v3_response_suffix",
     .take = take_v3_response_suffix,
     .standard = ENTRANCE_SUFFIX,
     .what =
         "What a client of MQTT 3.1.1 or 3.1 that connects to the listen or listener line above "
         "puts behind the topic of a request to respond to it: / and more, 64 bytes at most; "
         "off: it cannot. Once for each of these lines.",
     .is_of_listener = true},
    {.name = "protocol",
     .take = take_protocol,
     .standard = "mqtt",
     .what = "mqtt or websockets: what clients speak that connect to the listener line above; a "
             "listen line says it in its URL. Once for each of these lines.",
     .is_of_listener = true},
    {.name = "enable_proxy_protocol",
     .take = take_proxy_protocol,
     .standard = "off",
     .what = "1, 2 or any: a proxy stands before the listen or listener line above, and says in "
             "front of each connection, in this version of the PROXY protocol, who has connected. "
             "Once for each of these lines.",
     .is_of_listener = true},
    {.name = "proxy_protocol_from",
     .take = take_proxy_protocol_from,
     .what = "Where such proxies connect from: an address, or a network as 10.0.0.0/8, one line "
             "for each, 16 at most. Others are turned away. Without any: from this machine.",
     .is_repeatable = true,
     .is_of_listener = true},
    {.name = "websockets_origin",
     .take = take_websockets_origin,
     .what = "A web page whose scripts may connect by WebSocket to the listen or listener line "
             "above: https://example.com, one line for each. Without any, those of all pages may.",
     .is_repeatable = true,
     .is_of_listener = true},
    {.name = "allow_anonymous",
     .take = take_allow_anonymous,
     .what = "true: clients that name no user are let in, also where other machines can connect. "
             "false: they are not, and who they are must be checked, as with password_file. "
             "Without this line they are let in where nothing checks who they are, and an address "
             "that other machines can connect to is refused there."},
    {.name = "password_file",
     .take = take_password_file,
     .what = "The users and their passwords, one USER:HASH a line, as wilco passwd and "
             "mosquitto_passwd write them. SIGHUP reads it again.",
     .is_path = true},
    {.name = NULL},
};
