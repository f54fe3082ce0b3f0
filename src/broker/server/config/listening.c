#include "broker/server/config/directive.h"

#include "net/address.h"

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
}

static void
take_allow_anonymous(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_true = strcmp(value, "true") == 0;

    if (!is_true && strcmp(value, "false") != 0) {
        reader_wrong(r, "%s: %s is neither true nor false", d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    r->config->allow_anonymous = is_true;
}

const struct directive listening_directives[] = {
    {"listen", take_listen, NULL, NULL, CONFIG_LISTEN,
     "Where clients connect: mqtt://ADDRESS[:PORT] or unix:/PATH, one line for each. The address * "
     "is "
     "every address of this machine; port 0 is any that is free.",
     true},
    {"listener", take_listener, NULL, NULL, NULL,
     "The same in mosquitto's words: PORT for every address, PORT ADDRESS, or 0 /PATH for a Unix "
     "socket.",
     true},
    {"allow_anonymous", take_allow_anonymous, NULL, NULL, "false",
     "true: also listens where other machines can connect, though nobody is asked who he is. "
     "false: "
     "such an address is refused.",
     false},
    {.name = NULL},
};
