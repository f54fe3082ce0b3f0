#include "cli/nearest.h"

#include <stdint.h>
#include <string.h>

#define NAME_LEN_MAX 32U

static size_t
smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of his matrix at a time. */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t row[NAME_LEN_MAX + 1];
    size_t b_len = strlen(b);

    if (strlen(a) > NAME_LEN_MAX || b_len > NAME_LEN_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];

            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0));
            diagonal = above;
        }
    }
    return row[b_len];
}

struct nearest
nearest_init(const char *wrong)
{
    /* A third of the letters may be wrong; of a short word, one. */
    return (struct nearest){.wrong = wrong, .distance = strlen(wrong) / 3 + 2};
}

void
nearest_offer(struct nearest *n, const char *name)
{
    size_t distance = edit_distance(n->wrong, name);

    if (distance < n->distance) {
        n->distance = distance;
        n->name = name;
    }
}
