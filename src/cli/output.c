#define _POSIX_C_SOURCE 200809L

#include "cli/output.h"

#include "cli/colour.h"
#include "cli/encoding.h"
#include "cli/memory.h"
#include "cli/message_json.h"
#include "cli/say.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES_MAX 2048U
#define LINE_BYTES_MAX  60U

static char *
json_text(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (text == NULL) {
        (void)memory_sure(NULL);
    }
    return text;
}

char *
output_json(const struct view *v)
{
    return json_text(message_json(v));
}

static const char *
stage_word(enum wilco_stage stage)
{
    switch (stage) {
    case WILCO_STAGE_UNKNOWN: break;
    case WILCO_STAGE_UNSENT: return "unsent";
    case WILCO_STAGE_SENT: return "sent";
    case WILCO_STAGE_ACCEPTED: return "accepted";
    case WILCO_STAGE_REJECTED: return "rejected";
    case WILCO_STAGE_QUEUED: return "queued";
    case WILCO_STAGE_DELIVERED: return "delivered";
    case WILCO_STAGE_ACKED: return "acked";
    case WILCO_STAGE_ANSWERED: return "answered";
    }
    return NULL;
}

static const char *
executed_word(enum wilco_executed executed)
{
    switch (executed) {
    case WILCO_EXECUTED_UNKNOWN: break;
    case WILCO_EXECUTED_NO: return "no";
    case WILCO_EXECUTED_MAYBE: return "maybe";
    case WILCO_EXECUTED_YES: return "yes";
    }
    return NULL;
}

char *
output_failure_json(const char *topic, const struct wilco_error *why)
{
    json_t *object = memory_sure(json_object());

    message_json_put_text(object, "topic", topic);
    message_json_put_text(object, "error", why->text);
    message_json_put_text(object, "stage", stage_word(why->stage));
    message_json_put_text(object, "executed", executed_word(why->executed));
    return json_text(object);
}

static void
put_bytes(FILE *out, struct wilco_bytes bytes)
{
    if (bytes.len > 0) {
        (void)fwrite(bytes.data, 1, bytes.len, out);
    }
}

static bool
output_failed(void)
{
    if (errno != EPIPE) {
        say("cannot write to standard output: %s", say_errno(errno).text);
    }
    return false;
}

bool
output_finish(void)
{
    errno = EIO; /* should an error have been there before */
    return ferror(stdout) || fflush(stdout) != 0 ? output_failed() : true;
}

/* One line of JSON, which is then freed. */
static bool
output_line(char *json)
{
    (void)printf("%s\n", json);
    free(json);
    return output_finish();
}

bool
output_failure(const char *topic, const struct wilco_error *why)
{
    return output_line(output_failure_json(topic, why));
}

bool
output_message(const struct output *o, const struct view *v)
{
    if (o->json) {
        return output_line(output_json(v));
    }
    if (o->topic) {
        put_bytes(stdout, v->topic);
        (void)putchar(' ');
    }
    put_bytes(stdout, v->payload);
    if (!o->no_newline) {
        (void)putchar('\n');
    }
    return output_finish();
}

/* The beginning of long bytes, cut between characters. */
static struct wilco_bytes
beginning(struct wilco_bytes bytes, size_t max)
{
    const unsigned char *at = bytes.data;
    size_t len = max;

    if (bytes.len <= len) {
        return bytes;
    }
    while (len > max - 4 && (at[len] & 0xc0) == 0x80) {
        len--;
    }
    return (struct wilco_bytes){at, len};
}

void
output_first_line(FILE *out, struct wilco_bytes bytes)
{
    struct wilco_bytes shown = beginning(bytes, LINE_BYTES_MAX);
    const char *at = shown.data;

    if (encoding_is_readable(shown)) {
        for (size_t i = 0; i < shown.len && at[i] != '\n' && at[i] != '\r'; i++) {
            (void)fputc(at[i], out);
        }
    }
}

/* Lines behind the first are indented as deep as it; bytes that are no text are shown in
 * hexadecimal. */
static void
show_value(FILE *out, const char *name, struct wilco_bytes bytes)
{
    struct wilco_bytes shown = beginning(bytes, SHOWN_BYTES_MAX);
    bool is_readable = encoding_is_readable(shown);
    char *hex = is_readable ? NULL : encoding_hex(shown);
    struct wilco_bytes text = is_readable ? shown : (struct wilco_bytes){hex, strlen(hex)};
    const char *at = text.data;

    if (bytes.len == 0) {
        text = WILCO_TEXT("(empty)");
        at = text.data;
    }
    (void)fprintf(out, "    %-16s  %s", name, is_readable ? "" : "0x");
    for (size_t i = 0; i < text.len; i++) {
        if (at[i] != '\r') { /* which would go back to the start of the line */
            (void)fputc(at[i], out);
        }
        if (at[i] == '\n' && i + 1 < text.len) {
            (void)fprintf(out, "%22s", "");
        }
    }
    if (shown.len < bytes.len) {
        (void)fprintf(out, "... (%zu bytes)", bytes.len);
    }
    if (text.len == 0 || at[text.len - 1] != '\n') {
        (void)fputc('\n', out);
    }
    free(hex);
}

static void
show_text(FILE *out, const char *name, struct wilco_bytes bytes)
{
    if (bytes.data != NULL) {
        show_value(out, name, bytes);
    }
}

static void
show_pair(FILE *out, const struct view_pair *pair)
{
    char *text =
        memory_text("%.*s: %.*s", WILCO_PRINTF_BYTES(pair->name), WILCO_PRINTF_BYTES(pair->value));

    show_value(out, "user property", (struct wilco_bytes){text, strlen(text)});
    free(text);
}

void
output_show(FILE *out, const char *title, const struct view *v)
{
    flockfile(out);
    (void)fprintf(out, "%s%s%s\n", colour_begin(out, COLOUR_TITLE), title, colour_end(out));
    show_value(out, "topic", v->topic);
    show_text(out, "response topic", v->response_topic);
    show_text(out, "correlation data", v->correlation_data);
    show_text(out, "content type", v->content_type);
    if (v->has_expiry) {
        (void)fprintf(out, "    %-16s  %lu s\n", "expires in", (unsigned long)v->expiry_s);
    }
    for (size_t i = 0; i < v->user_property_count; i++) {
        show_pair(out, &v->user_properties[i]);
    }
    if (v->status != 0) {
        (void)fprintf(out, "    %-16s  %d\n", "status", v->status);
    }
    show_value(out, "payload", v->payload);
    (void)fputc('\n', out); /* the end, for who reads it line by line */
    (void)fflush(out);
    funlockfile(out);
}
