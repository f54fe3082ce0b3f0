#ifndef WILCO_CLI_MEMORY_H
#define WILCO_CLI_MEMORY_H

#include <stddef.h>

/* Memory for a program that can do nothing without it: when there is none, these say so and exit
 * with 1. What they return is given back with free(). */
void *memory_get(size_t count, size_t size); /* zero-filled */
void *memory_grow(void *old, size_t count, size_t size);
char *memory_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
