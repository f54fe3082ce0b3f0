#include "cli/asker.h"

#include "cli/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
take_rate(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    double *rate = field;
    int used = 0;

    if (word == NULL || strspn(word, "0123456789.") != strlen(word) ||
        sscanf(word, "%lf%n", rate, &used) != 1 || word[used] != '\0' || *rate <= 0) {
        return "a number per second, such as 100 or 0.5";
    }
    return NULL;
}

static const char *
take_in_flight(void *field, struct option_input *in)
{
    struct option_number *number = field;

    return option_count(field, in) == NULL && number->value <= ASKER_IN_FLIGHT_MAX
               ? NULL
               : "a number from 1 to 65536";
}

#define FIELD(name) offsetof(struct repeat, name)
const struct option repeat_rows[] = {
    {"count", 'C', "NUMBER",
     "ask so often; {{n}} in the payload becomes the number\nof the request, and {{time}} the time "
     "in milliseconds",
     option_count, FIELD(count)},
    {"rate", 0, "NUMBER",
     "ask so often a second, whether answers have come or\nnot; latencies count from when it was "
     "to be asked",
     take_rate, FIELD(rate)},
    {"in-flight", 0, "NUMBER",
     "so many wait for their answers at a time (default 1;\n1024 with --rate)", take_in_flight,
     FIELD(in_flight)},
    {.name = NULL},
};

bool
repeat_is_wanted(const struct repeat *r)
{
    return r->count.is_set || r->in_flight.is_set || r->rate > 0;
}

/* ": 2 no responder, 1 the deadline passed" */
static void
write_reasons(char *out, size_t size, const struct asker_outcome *o)
{
    size_t used = 0;

    *out = '\0';
    for (size_t i = 1; i < ASKER_STATUSES && used < size; i++) {
        if (o->failed[i] > 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%" PRIu64 " %s",
                                     used == 0 ? ": " : ", ", o->failed[i],
                                     wilco_status_text((enum wilco_status)(-(int)i)));
        }
    }
}

void
asker_say_outcome(const struct asker_outcome *o)
{
    uint64_t failed = 0;
    char reasons[512];

    for (size_t i = 0; i < ASKER_STATUSES; i++) {
        failed += o->failed[i];
    }
    write_reasons(reasons, sizeof(reasons), o);
    say_note("%" PRIu64 " asked, %" PRIu64 " answered, %" PRIu64 " failed%s", o->asked, o->answered,
             failed, reasons);
    if (o->answered > 0) {
        say_note("answered after p50 %s, p99 %s, max %s",
                 latency_text(latencies_percentile(&o->latencies, 50)).text,
                 latency_text(latencies_percentile(&o->latencies, 99)).text,
                 latency_text(o->latencies.max_us).text);
    }
}
