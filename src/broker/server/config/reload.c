#include "broker/server/config/reload.h"

#include <inttypes.h>
#include <string.h>

/* Not among them: receive_maximum and topic_alias_maximum, which size what a session or a
 * connection has already when they are announced to a client; what was announced to those who are
 * connected and is looked at again, such as maximum_qos; what is handed over at the start, such as
 * the bounds of what is retained. */
static const char *const possible[] = {
    "connect_timeout_ms",
    "connect_bytes_max",
    "packet_bytes_max",
    "topic_alias_out_max",
    "topic_levels_max",
    "inflight_max",
    "queued_messages_max",
    "queued_bytes_max",
    "output_bytes_max",
    "client_bytes_max",
    "subscriptions_max",
    "sessions_max",
    "session_expiry_max_s",
    "ending_timeout_ms",
    "drain_timeout_ms",
    "packet_timeout_ms",
    "keep_alive_max_s",
    "connections_max",
    "connecting_max",
    "connections_per_address_max",
    "auth_threads",
    "auth_queue_max",
    "login_failures_max",
    "login_failures_window_s",
    "login_failure_delay_ms",
    "login_bytes_max",
    "jwt_bytes_max",
    "jwt_leeway_s",
    "log_refusals_max",
    "user_properties_max",
    "topic_bytes_max",
    "topic_alias_bytes_max",
    "no_matching_subscribers",
    "request_deadline_ms",
    "requests_held_max",
    "requests_held_bytes_max",
    "requests_max",
    "requests_bytes_max",
    "requests_in_flight_max",
    "requests_per_second_max",
    "verify_source_id",
    "retained_requests",
    "group_strategy",
    "outlier_deadlines",
    "outlier_pause_ms",
    "slow_request_ms",
    "services_max",
    "services_per_client_max",
    "service_endpoints_max",
    "service_metadata_bytes_max",
    "service_answer_bytes_max",
    "bulk_turn_us",
    "bulk_read_bytes",
};

size_t
reload_possible_count(void)
{
    return sizeof(possible) / sizeof(possible[0]);
}

bool
reload_is_possible(const char *setting)
{
    for (size_t i = 0; i < reload_possible_count(); i++) {
        if (strcmp(possible[i], setting) == 0) {
            return true;
        }
    }
    return false;
}

static void
merge_setting(struct config *running, const struct config *wanted, size_t row,
              const struct logger *log, struct reload_result *result)
{
    const char *name = settings_row(row).name;
    uint64_t old = settings_value(&running->settings, row);
    uint64_t new = settings_value(&wanted->settings, row);
    bool is_possible = reload_is_possible(name);

    if (old == new) {
        return;
    }
    log_event(log, is_possible ? LOG_INFO : LOG_WARNING,
              is_possible ? "setting_changed" : "restart_needed",
              "name=%s from=%" PRIu64 " to=%" PRIu64, name, old, new);
    if (is_possible) {
        settings_copy_value(&running->settings, &wanted->settings, row);
        result->changed++;
    } else {
        result->needs_restart++;
    }
}

/* Or with other settings of a listener, but for those of TLS. */
static bool
listens_otherwise(const struct config *a, const struct config *b)
{
    if (a->listen_count != b->listen_count) {
        return true;
    }
    for (size_t i = 0; i < a->listen_count; i++) {
        struct transport_options transport = a->transports[i];

        transport.tls = b->transports[i].tls;
        if (strcmp(a->listen[i], b->listen[i]) != 0 ||
            !entrance_equal(&a->entrances[i], &b->entrances[i]) ||
            !transport_options_equal(&transport, &b->transports[i])) {
            return true;
        }
    }
    return false;
}

/* Both have the same listeners. */
static void
merge_tls(struct config *running, const struct config *wanted, const struct logger *log,
          struct reload_result *result)
{
    for (size_t i = 0; i < running->listen_count; i++) {
        if (!tls_server_options_equal(&running->transports[i].tls, &wanted->transports[i].tls)) {
            log_event(log, LOG_INFO, "setting_changed", "name=tls listen=%s", running->listen[i]);
            running->transports[i].tls = wanted->transports[i].tls;
            result->changed++;
        }
    }
}

static void
note_restart(bool is_different, const char *name, const struct logger *log,
             struct reload_result *result)
{
    if (is_different) {
        log_event(log, LOG_WARNING, "restart_needed", "name=%s", name);
        result->needs_restart++;
    }
}

struct reload_result
reload_merge(struct config *running, const struct config *wanted, const struct logger *log)
{
    struct reload_result result = {.changed = 0};

    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        merge_setting(running, wanted, i, log, &result);
    }
    if (running->log_level != wanted->log_level) {
        log_event(log, LOG_INFO, "setting_changed", "name=log_level");
        running->log_level = wanted->log_level;
        result.changed++;
    }
    if (strcmp(running->password_file, wanted->password_file) != 0) {
        log_event(log, LOG_INFO, "setting_changed", "name=password_file");
        memcpy(running->password_file, wanted->password_file, sizeof(running->password_file));
        result.changed++;
    }
    if (strcmp(running->scram_file, wanted->scram_file) != 0) {
        log_event(log, LOG_INFO, "setting_changed", "name=scram_file");
        memcpy(running->scram_file, wanted->scram_file, sizeof(running->scram_file));
        result.changed++;
    }
    if (!tokens_config_equal(&running->tokens, &wanted->tokens)) {
        log_event(log, LOG_INFO, "setting_changed", "name=jwt");
        running->tokens = wanted->tokens;
        result.changed++;
    }
    if (strcmp(running->acl_file, wanted->acl_file) != 0) {
        log_event(log, LOG_INFO, "setting_changed", "name=acl_file");
        memcpy(running->acl_file, wanted->acl_file, sizeof(running->acl_file));
        result.changed++;
    }
    if (listens_otherwise(running, wanted)) {
        note_restart(true, "listen", log, &result);
    } else {
        merge_tls(running, wanted, log, &result);
    }
    note_restart(running->shards != wanted->shards, "shards", log, &result);
    note_restart(running->allow_anonymous != wanted->allow_anonymous, "allow_anonymous", log,
                 &result);
    note_restart(strcmp(running->user, wanted->user) != 0, "user", log, &result);
    note_restart(running->has_sandbox != wanted->has_sandbox, "sandbox", log, &result);
    note_restart(running->core_dumps != wanted->core_dumps, "core_dumps", log, &result);
    return result;
}
