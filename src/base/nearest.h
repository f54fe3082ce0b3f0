#ifndef WILCO_BASE_NEAREST_H
#define WILCO_BASE_NEAREST_H

#include <stddef.h>

/* Finds the name that somebody meant who typed `wrong`. */
struct nearest {
    const char *wrong;
    const char *name; /* the closest one offered so far; NULL: none is close */
    size_t distance;
};

struct nearest nearest_init(const char *wrong);
void nearest_offer(struct nearest *n, const char *name);

#endif
