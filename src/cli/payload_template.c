#include "cli/payload_template.h"

#include "cli/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct word {
    struct wilco_bytes name;
    uint64_t value;
};

static bool
begins_with(const char *at, size_t left, struct wilco_bytes name)
{
    return left >= name.len && memcmp(at, name.data, name.len) == 0;
}

/* The word that begins at `at`, or NULL. */
static const struct word *
word_at(const struct word *words, size_t count, const char *at, size_t left)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_with(at, left, words[i].name)) {
            return &words[i];
        }
    }
    return NULL;
}

#define DIGITS_MAX 20U /* of 64 bits */

char *
payload_template_fill(struct wilco_bytes text, uint64_t n, uint64_t time_ms, size_t *len)
{
    const struct word words[] = {{WILCO_TEXT("{{n}}"), n}, {WILCO_TEXT("{{time}}"), time_ms}};
    const char *from = text.data;
    /* The shortest word has five letters and becomes at most twenty. */
    char *out = memory_get(text.len + 1, DIGITS_MAX / 5);
    size_t used = 0;

    for (size_t i = 0; i < text.len;) {
        const struct word *w = word_at(words, 2, from + i, text.len - i);

        if (w == NULL) {
            out[used++] = from[i++];
            continue;
        }
        used += (size_t)snprintf(out + used, DIGITS_MAX + 1, "%" PRIu64, w->value);
        i += w->name.len;
    }
    *len = used;
    return out;
}
