#include "client/explain.h"

#include "base/status.h"
#include "client/status_response.h"
#include "wire/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOPIC_MAX       100U /* bytes of a topic ... */
#define STATUS_TEXT_MAX 100U /* ... and of a responder's or server's text that are shown */

void
explain_in_one_line(struct wilco_error *why)
{
    for (char *at = why->text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            *at = ' ';
        }
    }
}

/* How many of so many bytes of UTF-8 are shown: the last character is whole. */
static int
shown(struct span text, size_t max)
{
    size_t len = text.len < max ? text.len : max;

    while (len > 0 && len < text.len && (text.data[len] & 0xC0) == 0x80) {
        len--;
    }
    return (int)len;
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
    struct span asked = span_of_text(topic);

    if (why != NULL) {
        *why = (struct wilco_error){.reason_code = 0};
        add(why, "%.*s", shown(asked, TOPIC_MAX), topic == NULL ? "" : topic);
    }
}

static void
add_response(struct wilco_error *why, enum wilco_status status,
             const struct wilco_message *response)
{
    struct span text = span_of_bytes(wilco_message_user_property(response, "__stMsg"));

    if (status == WILCO_EREMOTE) {
        add(why, ": %d", wilco_message_status(response));
    }
    if (text.len > 0) {
        add(why, ": %.*s", shown(text, STATUS_TEXT_MAX), (const char *)text.data);
    }
}

static void
add_status_response(struct wilco_error *why, const struct wilco_message *m)
{
    why->stage = status_response_stage(m);
    why->executed = status_response_executed(m);
    switch (why->executed) {
    case WILCO_EXECUTED_UNKNOWN: break;
    case WILCO_EXECUTED_NO: add(why, " (not executed)"); break;
    case WILCO_EXECUTED_MAYBE: add(why, " (may have been executed)"); break;
    }
}

/* The server did not take it, or had nobody to give it to. */
static bool
is_rejected(enum wilco_status status)
{
    return status == WILCO_ENORESPONDER || status == WILCO_EREFUSED;
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
    if (response != NULL) {
        add_response(why, status, response);
    }
    if (message_is_status_response(response)) {
        add_status_response(why, response);
    } else if (is_rejected(status)) {
        why->stage = WILCO_STAGE_REJECTED;
        why->executed = WILCO_EXECUTED_NO;
    }
    explain_in_one_line(why);
}
