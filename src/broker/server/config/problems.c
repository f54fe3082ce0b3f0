#include "broker/server/config/problems.h"

#include <stdarg.h>
#include <stdio.h>

void
problems_add(struct problems *p, const char *format, ...)
{
    if (p->count < PROBLEMS_MAX) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(p->lines[p->count], PROBLEM_BYTES, format, arguments);
        va_end(arguments);
    }
    p->count++;
}

size_t
problems_kept(const struct problems *p)
{
    return p->count < PROBLEMS_MAX ? p->count : PROBLEMS_MAX;
}
