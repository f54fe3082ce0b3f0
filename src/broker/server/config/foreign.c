#include "broker/server/config/directive.h"

/* Directives of mosquitto.conf of which we can do one thing only, or nothing. A file that was
 * written for mosquitto shall either mean the same here or be refused with the reason. */

/* `detail` is the only value that is true here. */
static void
take_fixed(struct config_reader *r, const struct directive *d, const char *value)
{
    if (strcmp(value, d->detail) != 0) {
        reader_wrong(r, "%s: %s is not supported, only %s is", d->name,
                     LOG_TEXT(span_of_text(value)), d->detail);
    }
}

/* `detail` says what is missing, or what to write instead. */
static void
refuse(struct config_reader *r, const struct directive *d, const char *value)
{
    (void)value;
    reader_wrong(r, "%s: known from mosquitto, but %s", r->name, d->detail);
}

#define FIXED(directive, only)                                                                     \
    {                                                                                              \
        .name = (directive), .take = take_fixed, .detail = (only)                                  \
    }
#define REFUSED(directive, why)                                                                    \
    {                                                                                              \
        .name = (directive), .take = refuse, .detail = (why), .is_repeatable = true                \
    }

#define NO_PSK     "certificates are used, not keys that are known beforehand"
#define NO_BRIDGE  "there are no bridges"
#define NO_DISK    "nothing is kept on disk yet"
#define NO_WEB     "no files are served"
#define NO_PLUGIN  "there are no plugins"
#define NO_SUCH    "there is nothing like it here"
#define SUPERVISED "the broker runs in the foreground"

bool
directive_is_refused(const struct directive *d)
{
    return d->take == refuse;
}

const struct directive foreign_directives[] = {
    FIXED("allow_zero_length_clientid", "true"),
    FIXED("check_retain_source", "true"),
    FIXED("log_dest", "stderr"),
    FIXED("log_timestamp", "true"),
    FIXED("per_listener_settings", "false"),
    FIXED("persistence", "false"),
    FIXED("queue_qos0_messages", "false"),
    FIXED("set_tcp_nodelay", "true"),
    FIXED("upgrade_outgoing_qos", "false"),

    REFUSED("address", NO_BRIDGE),
    REFUSED("addresses", NO_BRIDGE),
    REFUSED("allow_duplicate_messages", "each subscriber gets one copy of a message"),
    REFUSED("auth_opt_*", NO_PLUGIN),
    REFUSED("auth_plugin*", NO_PLUGIN),
    REFUSED("auto_id_prefix", NO_SUCH),
    REFUSED("autosave_interval", NO_DISK),
    REFUSED("autosave_on_changes", NO_DISK),
    REFUSED("bind_address", "write listener PORT ADDRESS instead"),
    REFUSED("bind_interface", "write listener PORT ADDRESS instead"),
    REFUSED("bridge_*", NO_BRIDGE),
    REFUSED("cleansession", NO_BRIDGE),
    REFUSED("clientid_prefixes", NO_SUCH),
    REFUSED("connection", NO_BRIDGE),
    REFUSED("connection_messages", "log_level debug logs connections"),
    REFUSED("dhparamfile", "keys are agreed on by elliptic curves alone"),
    REFUSED("global_max_clients", "write sessions_max instead"),
    REFUSED("http_dir", NO_WEB),
    REFUSED("idle_timeout", NO_BRIDGE),
    REFUSED("keepalive_interval", NO_BRIDGE),
    REFUSED("local_*", NO_BRIDGE),
    REFUSED("log_facility", "the log goes to standard error"),
    REFUSED("log_timestamp_format", "times are written as 2026-01-31T12:00:00.000Z"),
    REFUSED("max_inflight_bytes", "write max_inflight_messages or output_bytes_max instead"),
    REFUSED("memory_limit", "each queue and count has a limit of its own"),
    REFUSED("message_size_limit", "write max_packet_size instead; it counts the whole packet"),
    REFUSED("mount_point", NO_SUCH),
    REFUSED("notification*", NO_BRIDGE),
    REFUSED("persistence_*", NO_DISK),
    REFUSED("pid_file", SUPERVISED),
    REFUSED("plugin*", NO_PLUGIN),
    REFUSED("port", "write listener PORT instead"),
    REFUSED("psk_file", NO_PSK),
    REFUSED("psk_hint", NO_PSK),
    REFUSED("remote_*", NO_BRIDGE),
    REFUSED("restart_timeout", NO_BRIDGE),
    REFUSED("round_robin", NO_BRIDGE),
    REFUSED("socket_domain", "write listener PORT ADDRESS, where 0.0.0.0 is IPv4 and :: is IPv6"),
    REFUSED("start_type", NO_BRIDGE),
    REFUSED("threshold", NO_BRIDGE),
    REFUSED("tls_*", "keys are in files, not in engines"),
    REFUSED("topic", NO_BRIDGE),
    REFUSED("try_private", NO_BRIDGE),
    REFUSED("use_subject_as_username", "write certificate_user cn, or san, instead"),
    REFUSED("use_username_as_clientid", NO_SUCH),
    REFUSED("username", NO_BRIDGE),
    REFUSED("websockets_headers_size", "a request for WebSocket may have 8 KiB"),
    REFUSED("websockets_log_level", "log_level says what is logged"),
    {.name = NULL},
};
