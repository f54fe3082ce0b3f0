#define _POSIX_C_SOURCE 200809L

#include "cli/say.h"

#include "cli/colour.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *say_prefix = "wilco";
static bool say_quiet;
static bool say_debugging;

void
say_set_name(const char *name)
{
    say_prefix = name;
}

const char *
say_name(void)
{
    return say_prefix;
}

void
say_set_level(bool quiet, bool debug)
{
    say_quiet = quiet;
    say_debugging = debug;
}

bool
say_is_quiet(void)
{
    return say_quiet;
}

struct say_errno
say_errno(int error)
{
    struct say_errno result = {0};

    if (strerror_r(error, result.text, sizeof(result.text)) != 0) {
        (void)snprintf(result.text, sizeof(result.text), "error %d", error);
    }
    return result;
}

static void __attribute__((format(printf, 2, 0)))
say_line(enum colour colour, const char *format, va_list arguments)
{
    flockfile(stderr);
    (void)fprintf(stderr, "%s%s:%s ", colour_begin(stderr, colour), say_prefix, colour_end(stderr));
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    funlockfile(stderr);
}

void
say(const char *format, ...)
{
    va_list arguments;

    if (!say_quiet) {
        va_start(arguments, format);
        say_line(COLOUR_FAULT, format, arguments);
        va_end(arguments);
    }
}

void
say_note(const char *format, ...)
{
    va_list arguments;

    if (!say_quiet) {
        va_start(arguments, format);
        say_line(COLOUR_TITLE, format, arguments);
        va_end(arguments);
    }
}

void
say_debug(const char *format, ...)
{
    va_list arguments;

    if (say_debugging) {
        va_start(arguments, format);
        say_line(COLOUR_FAINT, format, arguments);
        va_end(arguments);
    }
}
