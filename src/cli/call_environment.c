#include "cli/call_environment.h"

#include "cli/encoding.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

/* What we set ourselves, or keep to ourselves. */
static const char *const replaced[] = {
    "MQTT_PASSWORD=",     "WILCO_URL=",          "WILCO_TOPIC=",        "WILCO_RESPONSE_TOPIC=",
    "WILCO_CORRELATION=", "WILCO_CONTENT_TYPE=", "WILCO_REMAINING_MS=", "WILCO_CORRELATION_HEX=",
};

extern char **environ;

static bool
is_replaced(const char *variable)
{
    for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++) {
        if (strncmp(variable, replaced[i], strlen(replaced[i])) == 0) {
            return true;
        }
    }
    return false;
}

static char **
put(char **end, const char *name, struct wilco_bytes value)
{
    if (value.data != NULL) {
        *end++ = memory_text("%s=%.*s", name, WILCO_PRINTF_BYTES(value));
    }
    return end;
}

static char **
put_correlation(char **end, struct wilco_bytes correlation)
{
    char *hex;

    if (correlation.data == NULL) {
        return end;
    }
    if (encoding_is_readable(correlation)) {
        end = put(end, "WILCO_CORRELATION", correlation);
    }
    hex = encoding_hex(correlation);
    *end++ = memory_text("WILCO_CORRELATION_HEX=%s", hex);
    free(hex);
    return end;
}

char **
call_environment_new(const struct wilco_call *call)
{
    const struct wilco_message *m = wilco_call_message(call);
    uint32_t remaining_ms = wilco_call_remaining_ms(call);
    size_t count = sizeof(replaced) / sizeof(replaced[0]) + 1;
    char **result, **end;

    for (char **at = environ; *at != NULL; at++) {
        count++;
    }
    result = memory_get(count, sizeof(*result));
    end = result;
    for (char **at = environ; *at != NULL; at++) {
        if (!is_replaced(*at)) {
            *end++ = memory_text("%s", *at);
        }
    }
    end = put(end, "WILCO_TOPIC", wilco_message_topic(m));
    end = put(end, "WILCO_RESPONSE_TOPIC", wilco_message_response_topic(m));
    end = put(end, "WILCO_CONTENT_TYPE", wilco_message_content_type(m));
    end = put_correlation(end, wilco_message_correlation_data(m));
    if (remaining_ms != UINT32_MAX) {
        *end = memory_text("WILCO_REMAINING_MS=%lu", (unsigned long)remaining_ms);
    }
    return result;
}

void
call_environment_free(char **environment)
{
    for (char **at = environment; *at != NULL; at++) {
        free(*at);
    }
    free(environment);
}
