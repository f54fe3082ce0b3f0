#include "cli/memory.h"
#include "cli/say.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *
memory_sure(void *memory)
{
    if (memory == NULL) {
        say("out of memory");
        exit(1);
    }
    return memory;
}

void *
memory_get(size_t count, size_t size)
{
    return memory_sure(calloc(count == 0 ? 1 : count, size));
}

void *
memory_grow(void *old, size_t count, size_t size)
{
    assert(count > 0 && size > 0);
    return memory_sure(count > SIZE_MAX / size ? NULL : realloc(old, count * size));
}

char *
memory_text(const char *format, ...)
{
    va_list arguments;
    char *text;
    int len;

    va_start(arguments, format);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(len >= 0);
    text = memory_get((size_t)len + 1, 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}
