#include "load/pace.h"

struct pace
pace_of(double per_second, uint64_t start_ns)
{
    return (struct pace){.start_ns = start_ns, .interval_ns = 1e9 / per_second};
}

uint64_t
pace_due_ns(const struct pace *p, uint64_t n)
{
    return p->start_ns + (uint64_t)((double)n * p->interval_ns);
}

bool
pace_take(struct pace *p, uint64_t now_ns)
{
    if (pace_due_ns(p, p->next) > now_ns) {
        return false;
    }
    p->next++;
    return true;
}

uint64_t
pace_wait_ns(const struct pace *p, uint64_t now_ns)
{
    uint64_t due_ns = pace_due_ns(p, p->next);

    return due_ns > now_ns ? due_ns - now_ns : 0;
}
