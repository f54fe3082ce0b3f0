#define _POSIX_C_SOURCE 200809L

#include "cli/repeat.h"

#include "cli/payload_template.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *
option_rate(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    char *end = NULL;
    double rate = word == NULL ? 0 : strtod(word, &end);

    /* What strtod() takes beyond digits, such as a sign, inf or 1e3, is not for people. */
    if (word == NULL || end != word + strspn(word, "0123456789.") || *end != '\0' || rate <= 0) {
        return "a number above 0, such as 100 or 0.5";
    }
    *(double *)field = rate;
    return NULL;
}

const char *
option_in_flight(void *field, struct option_input *in)
{
    struct option_number *number = field;

    return option_count(field, in) == NULL && number->value <= ASKER_IN_FLIGHT_MAX
               ? NULL
               : "a number from 1 to 65536";
}

#define FIELD(name) offsetof(struct repeat_options, name)
const struct option repeat_rows[] = {
    {"count", 'C', "NUMBER",
     "ask so often; {{n}} in the payload becomes its\n"
     "number, and {{time}} the time in milliseconds",
     option_count, FIELD(count)},
    {"rate", 0, "NUMBER",
     "ask so often a second, whether answers have come or\nnot; latencies count from when it was "
     "to be asked",
     option_rate, FIELD(rate)},
    {"in-flight", 0, "NUMBER",
     "so many wait for their answers at a time (default 1;\n1024 with --rate)", option_in_flight,
     FIELD(in_flight)},
    {.name = NULL},
};

bool
repeat_is_wanted(const struct repeat_options *o)
{
    return o->count.is_set || o->in_flight.is_set || o->rate > 0;
}

#define IN_FLIGHT_BY_RATE 1024U

size_t
repeat_in_flight_max(const struct repeat_options *o)
{
    if (o->in_flight.is_set) {
        return o->in_flight.value;
    }
    return o->rate > 0 ? IN_FLIGHT_BY_RATE : 1;
}

static uint64_t
count_max(const struct repeat *r)
{
    if (r->options->count.is_set) {
        return r->options->count.value;
    }
    return r->by_line || r->options->rate > 0 ? UINT64_MAX : 1;
}

void
repeat_init(struct repeat *r, const struct repeat_options *o, const struct wilco_request *request,
            bool by_line)
{
    *r = (struct repeat){
        .options = o,
        .request = request,
        .by_line = by_line,
        .lines = lines_of(STDIN_FILENO),
        .start_us = wake_now_us(),
    };
    r->count_max = count_max(r);
}

void
repeat_fini(struct repeat *r)
{
    lines_fini(&r->lines);
    free(r->payload);
    r->payload = NULL;
}

static uint64_t
time_of_day_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
fill_in(struct repeat *r, struct wilco_bytes *payload)
{
    size_t len = 0;

    free(r->payload);
    r->payload = payload_template_fill(*payload, r->count + 1, time_of_day_ms(), &len);
    *payload = (struct wilco_bytes){r->payload, len};
}

static enum asker_next
take_line(struct repeat *r, struct wilco_bytes *payload)
{
    int error = 0;

    switch (lines_next(&r->lines, payload, &error)) {
    case LINES_READ: return ASKER_ASK;
    case LINES_WOKEN: return ASKER_AGAIN;
    case LINES_END: return ASKER_END;
    case LINES_FAILED: break;
    }
    say("cannot read standard input: %s", say_errno(error).text);
    return ASKER_FAILED;
}

enum asker_next
repeat_next(struct repeat *r, struct question *q)
{
    enum asker_next next = ASKER_ASK;

    if (r->count == r->count_max) {
        return ASKER_END;
    }
    if (r->options->rate > 0) {
        uint64_t now_us = q->due_us;

        q->due_us = r->start_us + (uint64_t)((double)r->count * 1e6 / r->options->rate);
        if (q->due_us > now_us) {
            return ASKER_LATER;
        }
    }
    q->request = *r->request;
    if (r->by_line) {
        next = take_line(r, &q->request.payload);
        q->due_us = r->options->rate > 0 ? q->due_us : wake_now_us(); /* when it had come */
    } else if (r->options->count.is_set) {
        fill_in(r, &q->request.payload);
    }
    r->count += next == ASKER_ASK;
    return next;
}
