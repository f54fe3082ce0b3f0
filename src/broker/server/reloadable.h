#ifndef WILCO_BROKER_SERVER_RELOADABLE_H
#define WILCO_BROKER_SERVER_RELOADABLE_H

#include "broker/server/config/config.h"
#include "broker/server/config/problems.h"

#include <stdbool.h>

struct crew;

/* What is made of files that the configuration names (passwords, access lists, certificates) and is
 * replaced as a whole when SIGHUP reads them again. It goes in two steps, at the start and at every
 * reload: first everything is made beside what is in use, and anything that is wrong, be it one
 * line or one descriptor too few, ends it there, with nothing changed; then all of it is put in
 * place, which cannot fail. */
struct reloadable {
    const char *name; /* for the log */
    /* Makes the object that `config` asks for; NULL in *out where it asks for none. `config` is
     * what will be in use: listeners, and whatever else needs a restart, are those of the running
     * broker. False: it cannot be made; why has been added to `problems`, and *out is NULL. Runs in
     * the main thread, while the broker serves. */
    bool (*prepare)(void **out, const struct config *config, struct problems *problems);
    /* Puts `object` (NULL: none) in place, and returns what was there, NULL at the start. All
     * threads stand still, or there are none yet: quick, and without failure. */
    void *(*commit)(struct crew *crew, void *object);
    /* Frees an object that is not in place, or not any more; the threads run again. Never NULL. */
    void (*discard)(void *object);
};

/* One object of each of `rows`, which are closed by NULL; in the broker these are
 * reloadable_rows. */
#define RELOADABLES_MAX 8U
struct reloadable_set {
    const struct reloadable *const *rows;
    void *objects[RELOADABLES_MAX];
};

/* A new kind: its row here, its place in `struct crew`. */
extern const struct reloadable *const reloadable_rows[];

/* Makes all objects that `config` asks for. False: at least one could not be made; then there are
 * none, and `problems` says why, for every one of them. */
bool reloadable_prepare(struct reloadable_set *set, const struct reloadable *const *rows,
                        const struct config *config, struct problems *problems);
/* Puts all of them in place. Then `set` has what was there before. */
void reloadable_commit(struct reloadable_set *set, struct crew *crew);
/* Frees what `set` has and leaves it empty; also one that is all zero. */
void reloadable_discard(struct reloadable_set *set);

#endif
