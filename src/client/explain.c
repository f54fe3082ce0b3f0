#include "client/explain.h"

#include "base/status.h"
#include "client/message.h"
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

/* An error status is an answer, and whoever was not even asked did nothing. */
static void
add_executed(struct wilco_error *why, const struct outcome *o)
{
    if (o->executed == WILCO_EXECUTED_MAYBE) {
        add(why, " (may have been executed)");
    } else if (o->executed == WILCO_EXECUTED_NO && message_is_status_response(o->response)) {
        add(why, " (not executed)");
    }
}

void
explain_outcome(struct wilco_error *why, const struct outcome *o)
{
    if (why == NULL || o->status == WILCO_OK) {
        return;
    }
    why->reason_code = o->reason_code;
    why->stage = o->stage;
    why->executed = o->executed;
    add(why, ": %s", status_text(o->status));
    if (o->reason_code != 0) {
        add(why, ": %s (0x%02X)", wire_reason_text(o->reason_code), (unsigned)o->reason_code);
    }
    if (o->text != NULL) {
        add(why, ": %s", o->text);
    }
    if (o->response != NULL) {
        add_response(why, o->status, o->response);
    }
    add_executed(why, o);
    explain_in_one_line(why);
}
