#include "client/explain.h"

#include "base/status.h"
#include "wire/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOPIC_MAX       100 /* bytes of a topic ... */
#define STATUS_TEXT_MAX 100 /* ... and of a responder's text that are shown */

void
explain_in_one_line(struct wilco_error *why)
{
    for (char *at = why->text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            *at = ' ';
        }
    }
}

__attribute__((format(printf, 2, 3))) static void
add(struct wilco_error *why, const char *format, ...)
{
    size_t len = strlen(why->text);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why->text + len, sizeof(why->text) - len, format, arguments);
    va_end(arguments);
}

void
explain_request(struct wilco_error *why, const char *topic)
{
    if (why != NULL) {
        *why = (struct wilco_error){.reason_code = 0};
        add(why, "%.*s", TOPIC_MAX, topic == NULL ? "" : topic);
    }
}

static void
add_response(struct wilco_error *why, const struct wilco_message *response)
{
    struct wilco_bytes text = wilco_message_user_property(response, "__stMsg");

    add(why, ": %d", wilco_message_status(response));
    if (text.len > 0) {
        add(why, ": %.*s", text.len < STATUS_TEXT_MAX ? (int)text.len : STATUS_TEXT_MAX,
            (const char *)text.data);
    }
}

void
explain_outcome(struct wilco_error *why, enum wilco_status status, uint8_t reason_code,
                const struct wilco_message *response)
{
    if (why == NULL || status == WILCO_OK) {
        return;
    }
    why->reason_code = reason_code;
    add(why, ": %s", status_text(status));
    if (reason_code != 0) {
        add(why, ": %s (0x%02X)", wire_reason_text(reason_code), (unsigned)reason_code);
    }
    if (status == WILCO_EREMOTE && response != NULL) {
        add_response(why, response);
    }
    explain_in_one_line(why);
}
