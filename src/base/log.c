#define _POSIX_C_SOURCE 200809L

#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CUT     "..."
#define CUT_LEN (sizeof CUT - 1)

/* A line under construction; `len` counts on past the end to remember that something was lost. */
struct line {
    char text[LOG_LINE_MAX + 1];
    size_t len;
};

static const char *
level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error";
    case LOG_WARNING: return "warning";
    case LOG_INFO: return "info";
    case LOG_DEBUG: return "debug";
    }
    return "unknown";
}

static void line_vadd(struct line *l, const char *format, va_list arguments) WILCO_PRINTF(2, 0);
static void line_add(struct line *l, const char *format, ...) WILCO_PRINTF(2, 3);

static void
line_vadd(struct line *l, const char *format, va_list arguments)
{
    size_t room = sizeof l->text - l->len;
    int wanted = l->len < sizeof l->text ? vsnprintf(l->text + l->len, room, format, arguments) : 0;

    l->len += wanted > 0 ? (size_t)wanted : 0;
}

static void
line_add(struct line *l, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    line_vadd(l, format, arguments);
    va_end(arguments);
}

static void
line_add_time(struct line *l)
{
    char text[CLOCK_TEXT_BYTES];

    clock_write_time(clock_unix_ms(), text);
    line_add(l, "ts=%s", text);
}

/* One event stays one line, whatever a "%s" brought along. */
static struct span
line_finish(struct line *l)
{
    if (l->len > LOG_LINE_MAX) {
        memcpy(l->text + LOG_LINE_MAX - CUT_LEN, CUT, CUT_LEN);
        l->len = LOG_LINE_MAX;
    }
    for (size_t i = 0; i < l->len; i++) {
        if (l->text[i] == '\n' || l->text[i] == '\r') {
            l->text[i] = ' ';
        }
    }
    return span_of(l->text, l->len);
}

void
log_event(const struct logger *l, enum log_level level, const char *event, const char *format, ...)
{
    struct line line;
    va_list arguments;

    if (l == NULL || l->sink == NULL || level > l->level) {
        return;
    }
    line.len = 0;
    line_add_time(&line);
    line_add(&line, " level=%s event=%s%s", level_name(level), event, *format == '\0' ? "" : " ");
    va_start(arguments, format);
    line_vadd(&line, format, arguments);
    va_end(arguments);
    l->sink(l->context, level, line_finish(&line));
}

void
log_sink_fd(void *context, enum log_level level, struct span line)
{
    const int *fd = context;
    char text[LOG_LINE_MAX + 1];
    size_t len = line.len < LOG_LINE_MAX ? line.len : LOG_LINE_MAX;
    ssize_t written;

    (void)level;
    memcpy(text, line.data, len);
    text[len] = '\n';
    do {
        written = write(*fd, text, len + 1);
    } while (written < 0 && errno == EINTR);
    /* A log that cannot be written has nowhere to say so. */
}

/* How `byte` reads inside quotes: itself or an escape; gives its length. */
static size_t
escape(char out[4], uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    bool is_special = byte == '"' || byte == '\\';

    if (byte >= 0x20 && byte < 0x7f && !is_special) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    if (is_special) {
        out[1] = (char)byte;
        return 2;
    }
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 0x0f];
    return 4;
}

const char *
log_text(struct log_text *scratch, struct span bytes)
{
    const size_t end =
        sizeof scratch->text - CUT_LEN - 2; /* leaves the closing quote and the zero */
    char *out = scratch->text;
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < bytes.len; i++) {
        char escaped[4];
        size_t n = escape(escaped, bytes.data[i]);

        if (len + n > end) {
            memcpy(out + len, CUT, CUT_LEN);
            len += CUT_LEN;
            break;
        }
        memcpy(out + len, escaped, n);
        len += n;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
