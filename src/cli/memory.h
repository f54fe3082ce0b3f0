#ifndef WILCO_CLI_MEMORY_H
#define WILCO_CLI_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* Memory for a program that can do nothing without it: when there is none, these say so and exit
 * with 1. What they return is given back with free(). */
void *memory_get(size_t count, size_t size); /* zero-filled */
void *memory_grow(void *old, size_t count, size_t size);
void *memory_sure(void *memory); /* what somebody else has got */
char *memory_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *memory_text_of(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
