#include "cli/memory.h"
#include "cli/say.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void *
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
memory_text_of(const char *format, va_list arguments)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, arguments);
    len = vsnprintf(NULL, 0, format, arguments);
    assert(len >= 0);
    text = memory_get((size_t)len + 1, 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *
memory_text(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = memory_text_of(format, arguments);
    va_end(arguments);
    return text;
}
