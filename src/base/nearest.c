#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

#define NAME_LEN_MAX 32U

/* Rows of the matrix of distances between the beginnings of two names. */
struct rows {
    size_t before[NAME_LEN_MAX + 1], above[NAME_LEN_MAX + 1], row[NAME_LEN_MAX + 1];
};

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Fills the row of a[i - 1] from the two above it. */
static void
fill_row(struct rows *r, const char *a, size_t i, const char *b)
{
    r->row[0] = i;
    for (size_t j = 1; b[j - 1] != '\0'; j++) {
        size_t same_or_other = r->above[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);

        r->row[j] = smaller(same_or_other, smaller(r->above[j], r->row[j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
            r->row[j] = smaller(r->row[j], r->before[j - 2] + 1);
        }
    }
}

/* How many letters were added, left out, mistaken, or typed in the wrong order (Damerau,
 * Levenshtein). */
static size_t
edit_distance(const char *a, const char *b)
{
    struct rows r;
    size_t b_len = strlen(b);

    if (strlen(a) > NAME_LEN_MAX || b_len > NAME_LEN_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= NAME_LEN_MAX; j++) {
        r.before[j] = r.above[j] = r.row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        fill_row(&r, a, i, b);
        memcpy(r.before, r.above, sizeof(r.before));
        memcpy(r.above, r.row, sizeof(r.above));
    }
    return r.row[b_len];
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
    size_t wrong_len = strlen(n->wrong);
    size_t name_len = strlen(name);
    size_t least = wrong_len > name_len ? wrong_len - name_len : name_len - wrong_len;
    size_t distance = least < n->distance ? edit_distance(n->wrong, name) : SIZE_MAX;

    if (distance < n->distance) {
        n->distance = distance;
        n->name = name;
    }
}
