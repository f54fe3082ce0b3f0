#include "broker/server/reloadable.h"

#include "broker/server/access_list.h"
#include "broker/server/admission.h"
#include "broker/server/certificates.h"

#include <assert.h>
#include <stddef.h>

const struct reloadable *const reloadable_rows[] = {
    &admission,
    &access_list_reloadable,
    &certificates_reloadable,
    NULL,
};

static size_t
count(const struct reloadable_set *set)
{
    size_t n = 0;

    while (set->rows != NULL && set->rows[n] != NULL) {
        n++;
    }
    assert(n <= RELOADABLES_MAX);
    return n;
}

bool
reloadable_prepare(struct reloadable_set *set, const struct reloadable *const *rows,
                   const struct config *config, struct problems *problems)
{
    bool is_whole = true;
    size_t n = 0;

    *set = (struct reloadable_set){.rows = rows};
    n = count(set);
    for (size_t i = 0; i < n; i++) {
        is_whole &= rows[i]->prepare(&set->objects[i], config, problems);
    }
    if (!is_whole) {
        assert(problems->count > 0);
        reloadable_discard(set);
    }
    return is_whole;
}

void
reloadable_commit(struct reloadable_set *set, struct crew *crew)
{
    size_t n = count(set);

    for (size_t i = 0; i < n; i++) {
        set->objects[i] = set->rows[i]->commit(crew, set->objects[i]);
    }
}

void
reloadable_discard(struct reloadable_set *set)
{
    size_t n = count(set);

    for (size_t i = 0; i < n; i++) {
        if (set->objects[i] != NULL) {
            set->rows[i]->discard(set->objects[i]);
            set->objects[i] = NULL;
        }
    }
}
