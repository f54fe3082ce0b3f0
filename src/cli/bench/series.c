#include "cli/bench/series.h"

static double
higher(double a, double b)
{
    return a > b ? a : b;
}

/* `later` follows `m` and becomes a part of it. */
static void
extend(struct load_moment *m, const struct load_moment *later)
{
    m->at = later->at;
    m->seconds += later->seconds;
    m->count += later->count;
    m->p50_us = higher(m->p50_us, later->p50_us);
    m->p99_us = higher(m->p99_us, later->p99_us);
    m->max_us = higher(m->max_us, later->max_us);
}

static void
halve(struct series *s)
{
    for (size_t i = 0; i < SERIES_POINTS_MAX / 2; i++) {
        s->points[i] = s->points[2 * i];
        extend(&s->points[i], &s->points[2 * i + 1]);
    }
    s->count = SERIES_POINTS_MAX / 2;
    s->moments_per_point *= 2;
    s->moments_in_last = s->moments_per_point;
}

/* What is left of the time may be so short that its throughput says nothing. */
static bool
is_rest(const struct series *s, const struct load_moment *m)
{
    return s->count > 0 && m->seconds < s->points[s->count - 1].seconds / s->moments_in_last / 2;
}

void
series_add(struct series *s, const struct load_moment *m)
{
    if (is_rest(s, m) || (s->count > 0 && s->moments_in_last < s->moments_per_point)) {
        extend(&s->points[s->count - 1], m);
        s->moments_in_last++;
        return;
    }
    if (s->count == SERIES_POINTS_MAX) {
        halve(s);
    }
    s->moments_per_point = s->moments_per_point == 0 ? 1 : s->moments_per_point;
    s->points[s->count++] = *m;
    s->moments_in_last = 1;
}
